"""From claimed rows of the run queue to runs: their begin is made durable before their code may run."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
import structlog
from django.db.utils import ProgrammingError

from integrations import configs
from integrations.sealing import unseal
from orgs.recalling import recalled_actor
from orgs.records import OrganizationRecord
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.dispatch.claims import Claim
from workflows_app.engine import connection, earlier, inbox, statements
from workflows_app.engine.facts import Facts, Stretch
from workflows_app.engine.run import Run
from workflows_app.engine.start import secret_values

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A row of the `begin` statement, in its order."""

    id: UUID
    workflow: str
    input: str
    input_sealed: bytes | None
    trigger: str
    executed_by: str
    code_version: str
    parent: UUID | None
    depth: int
    attempt: int
    spent_ms: int
    created_at: Any
    again: bool
    epoch: int
    inbox: int
    seq: int
    config_version: int
    msp_config_version: int | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim with what is known before its record was read."""

    claim: Claim
    organization: OrganizationRecord
    loaded: LoadedWorkflow


def begin(engine: Engine, taken: Sequence[Taken]) -> list[tuple[Taken, Begun]]:
    """Begins them, all organizations in one transaction; an organization whose statement fails, by itself.

    Raises DatabaseAway: whether they have begun is not known, and the same call may be made again.
    """
    groups: dict[OrganizationRecord, list[Taken]] = defaultdict(list)
    for each in taken:
        groups[each.organization].append(each)
    for version in {each.loaded.code_version: each.loaded for each in taken}.values():
        catalog.store_sources(version)
    calls = [_statement(engine, organization, group) for organization, group in groups.items()]
    try:
        answers = connection.execute_together(calls)
    except psycopg.Error:
        answers = [_alone(call) for call in calls]
    rows = {row[0]: Begun(*row) for answer in answers for row in answer}
    return [(each, rows[each.claim.execution]) for each in taken if each.claim.execution in rows]


def journals(begun: Sequence[tuple[Taken, Begun]]) -> dict[UUID, list[earlier.Row]]:
    """The journals of those that have run before, by execution; not of an organization that is being dropped."""
    again: dict[OrganizationRecord, list[UUID]] = defaultdict(list)
    for each, row in begun:
        if row.again:
            again[each.organization].append(row.id)
    found: dict[UUID, list[earlier.Row]] = {}
    for organization, ids in again.items():
        try:
            found |= earlier.journals(organization, ids)
        except ProgrammingError as error:
            log.error("journals could not be read", org_id=organization.org_id, error=str(error))
    return found


def run_of(engine: Engine, taken: Taken, row: Begun, journal: Sequence[earlier.Row]) -> Run:
    """The run, not yet launched. Raises VaultUnavailable where a value is sealed and cannot be opened now."""
    organization, loaded = taken.organization, taken.loaded
    if row.code_version != loaded.code_version:
        loaded = catalog.stored(row.workflow, row.code_version)
    parameters = json.loads(row.input) if row.input_sealed is None else unseal(organization, row.input_sealed)
    facts = Facts(
        id=row.id,
        organization=organization,
        loaded=loaded,
        parameters=parameters,
        actor=recalled_actor(json.loads(row.executed_by), organization),
        trigger=json.loads(row.trigger),
        parent=row.parent,
        depth=row.depth,
        attempt=row.attempt,
    )
    config = configs.snapshot(organization, row.config_version, row.msp_config_version or 0)
    history = earlier.recalled(organization, journal, row.attempt)
    stretch = Stretch(
        epoch=row.epoch,
        seq=row.seq + 1,
        inbox=row.inbox,
        spent_ms=row.spent_ms,
        not_before=history.put_off_at(row.now),
    )
    run = Run(facts, engine, config, stretch, history)
    run.claimed, run.alone = True, taken.claim.alone
    if history.cancel is not None:
        run.to_cancel = inbox.cancellation(history.cancel.data)
    for value in secret_values(loaded, parameters):
        run.scrubber.add(value)
    return run


def _statement(
    engine: Engine, organization: OrganizationRecord, group: Sequence[Taken]
) -> tuple[bytes, Mapping[str, Any]]:
    return statements.begin(organization.schema_name), {
        "worker": engine.id,
        "organization": organization.id,
        "ids": [each.claim.execution for each in group],
        "versions": [each.loaded.code_version for each in group],
        "started": json.dumps({"worker": engine.label}),
    }


def _alone(call: tuple[bytes, Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    try:
        return connection.execute_together([call])[0]
    except psycopg.Error as error:
        # The organization is being dropped, or a record is broken: its rows go back, the others go on.
        log.error("claimed executions could not begin", organization=str(call[1]["organization"]), error=str(error))
        return []
