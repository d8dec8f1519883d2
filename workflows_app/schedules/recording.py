"""The history decides: what is written there about a planned time holds, whoever wrote it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog

from integrations.errors import SealBroken, VaultUnavailable
from workflows_app.dispatch.cron_times import next_after
from workflows_app.schedules import statements
from workflows_app.schedules.cases import Case
from workflows_app.schedules.deciding import SKIPPED, STARTED, Decision, Run
from workflows_app.schedules.parameters import exact_values

log = structlog.get_logger(__name__)


def record(cases: Sequence[Case]) -> None:
    """Writes what was decided about each; afterwards `open` holds what is to be started, with its parameters."""
    rows = statements.run_all([(statements.record(case.schema), _decided(case)) for case in cases])
    for case, row in zip(cases, rows, strict=True):
        if isinstance(row, psycopg.Error):
            _cannot_write(case, row)
            continue
        known, written, values, sealed = row
        if known:
            _take_up(case, json.loads(known))
        elif written == len(case.decision.runs):
            _go_on(case)
        else:
            case.stay("Another process is at it.")
            continue
        if case.open:
            _read_parameters(case, json.loads(values) if values else None, sealed)


def settle_all(settled: Sequence[tuple[Case, statements.Statement]]) -> None:
    """Writes what came of starts. Where that fails the schedule stays due, and the next tick takes the start up."""
    rows = statements.run_all([statement for _, statement in settled])
    for (case, _), row in zip(settled, rows, strict=True):
        if isinstance(row, psycopg.Error):
            _cannot_write(case, row)


def _cannot_write(case: Case, error: psycopg.Error) -> None:
    log.error("schedule's history", org_id=case.due.organization.org_id, error=str(error).strip())
    case.stay(f"Its history cannot be written: {type(error).__name__}.")


def _decided(case: Case) -> dict[str, Any]:
    runs = [
        {"planned_at": run.planned_at.isoformat(), "outcome": run.outcome, "reason": run.reason}
        for run in case.decision.runs
    ]
    return {"workflow": case.due.workflow, "first": case.due.planned_at, "runs": json.dumps(runs)}


def _go_on(case: Case) -> None:
    """This tick has decided, and nobody before it."""
    for run in case.decision.runs:
        if run.outcome == STARTED:
            case.open.append(run.planned_at)
        else:
            case.report(run.planned_at, SKIPPED, run.reason)


def _take_up(case: Case, known: Sequence[dict[str, Any]]) -> None:
    """A tick before this one has decided about times that are due still, and was interrupted; or the clock was set
    back. What it decided holds: a start without an execution is made now, and the schedule goes on behind all of it."""
    for run in known:
        planned_at = datetime.fromisoformat(run["planned_at"])
        if run["execution"]:
            case.unfinished[run["execution"]] = planned_at
        elif run["outcome"] == STARTED:
            case.open.append(planned_at)
    newest = max(datetime.fromisoformat(run["planned_at"]) for run in known).astimezone(UTC)
    runs = tuple(Run(datetime.fromisoformat(run["planned_at"]), run["outcome"]) for run in known)
    case.decision = Decision(runs, next_after(case.due.cron, case.due.zone, newest))
    case.problem, case.next_run = "", case.decision.next_run


def _read_parameters(case: Case, values: dict[str, Any] | None, sealed: bytes | None) -> None:
    try:
        case.parameters = exact_values(case.due.organization, values, sealed)
    except VaultUnavailable:
        case.open.clear()
        case.stay("Waits for the vault, which holds the key to its parameters.")
    except SealBroken as error:
        _refuse(case, str(error))


def _refuse(case: Case, reason: str) -> None:
    """None of its open times can be started."""
    settled = [(case, case.settling(planned_at, SKIPPED, reason)) for planned_at in case.open]
    for planned_at in case.open:
        case.report(planned_at, SKIPPED, reason)
    case.open.clear()
    case.problem = reason
    settle_all(settled)
