"""Starts the executions of planned times, each under the key of its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from django.db import InterfaceError, OperationalError

from bifrost.sdk.errors import ValidationError, WorkflowException
from integrations.errors import VaultUnavailable
from orgs.permissions import EVERYTHING
from orgs.records import Actor
from workflows_app import executions
from workflows_app.dispatch.models import Priority
from workflows_app.engine.connection import DatabaseAway
from workflows_app.errors import IdempotencyConflict, PlatformUnavailable, Refused, TooManyWaiting
from workflows_app.executions import Outcome, Start
from workflows_app.schedules import statements
from workflows_app.schedules.cases import Case
from workflows_app.schedules.deciding import SKIPPED, STARTED
from workflows_app.schedules.recording import settle_all

log = structlog.get_logger(__name__)

ACTOR = Actor("system", "system", "", "Schedule", frozenset({EVERYTHING}))
UNFIT = "Its parameters no longer fit the workflow; its history says why."
# Not the schedule's fault: it stays due, and the next tick tries again.
PASSING = (PlatformUnavailable, TooManyWaiting, VaultUnavailable)
AWAY = (DatabaseAway, OperationalError, InterfaceError)


def start(cases: Sequence[Case]) -> None:
    """Starts what is open, and writes what came of it."""
    pairs = [(case, planned_at) for case in cases for planned_at in case.open]
    outcomes = _submit([_wish(case, planned_at) for case, planned_at in pairs])
    settle_all(
        [
            (case, statement)
            for (case, planned_at), outcome in zip(pairs, outcomes, strict=True)
            if (statement := _judge(case, planned_at, outcome)) is not None
        ]
    )


def _submit(starts: Sequence[Start]) -> list[Outcome | Exception]:
    try:
        return executions.submit_all(starts)
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001  one start that nobody foresaw must not stop all others (pitfalls Q4)
        if len(starts) == 1:
            return [error]
    return [outcome for start in starts for outcome in _submit([start])]


def _wish(case: Case, planned_at: datetime) -> Start:
    due = case.due
    return Start(
        organization=due.organization,
        workflow=due.workflow,
        parameters=case.parameters,
        actor=ACTOR,
        trigger={"type": "schedule", "scheduleId": str(due.schedule)},
        idempotency_key=f"schedule:{due.workflow}:{planned_at.astimezone(UTC).isoformat()}",
        key_lifetime=None,
        priority=Priority.LOW,
        background=True,
    )


def _judge(case: Case, planned_at: datetime, outcome: Outcome | Exception) -> statements.Statement | None:
    """The statement that settles the start's row in the history; None where it stays open."""
    if isinstance(outcome, Outcome):
        return _started(case, planned_at, outcome.execution_id)
    if isinstance(outcome, IdempotencyConflict) and (earlier := outcome.details.get("executionId")):
        return _started(case, planned_at, str(earlier))  # interrupted, and given other parameters meanwhile
    if isinstance(outcome, PASSING):
        case.stay(str(outcome))
        return None
    reason = _reason(outcome)
    # The schedule's own row is shared: no word of the organization's parameters may stand there.
    case.problem = UNFIT if isinstance(outcome, ValidationError) else reason
    case.report(planned_at, SKIPPED, reason)
    return case.settling(planned_at, SKIPPED, reason)


def _started(case: Case, planned_at: datetime, execution_id: str) -> statements.Statement:
    case.unfinished[execution_id] = planned_at
    case.report(planned_at, STARTED, "", execution_id)
    return case.settling(planned_at, STARTED, execution_id=execution_id)


def _reason(refused: Exception) -> str:
    if isinstance(refused, WorkflowException | Refused):
        return refused.message[:500]
    log.error("a scheduled start failed", exc_info=refused)
    return f"It could not be started: {type(refused).__name__}."
