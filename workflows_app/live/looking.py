"""How far executions are: what is asked of the database for all who watch.

Ten times a second, so not by the ORM: one prepared statement for each organization, which names its schema, and all of
them in one round trip. By the ORM one organization that is watched costs three times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from django.db.models import OuterRef, Subquery

from orgs.records import OrganizationRecord
from orgs.tenancy import checked_schema_name, org_context, shared_context
from workflows_app.engine import connection
from workflows_app.models import TERMINAL, Execution, ExecutionEvent


@dataclass(frozen=True, slots=True)
class State:
    """The number of the journal's last line, and the status."""

    seq: int
    status: str

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL


Watched = tuple[OrganizationRecord, Collection[UUID]]
Found = dict[UUID, State]


def look(watched: Sequence[Watched]) -> list[Found]:
    """How far the executions of each organization are; those that do not exist are missing.

    Raises DatabaseAway, and then the calling thread has no connection any more.
    """
    calls = [_call(organization, executions) for organization, executions in watched]
    with shared_context():
        try:
            answers = connection.execute_together(calls)
        except psycopg.Error:
            answers = [_alone(call) for call in calls]
    return [{id_: State(seq or 0, status) for id_, status, seq in rows} for rows in answers]


def state_of(organization: OrganizationRecord, execution: UUID, owner: str | None = None) -> State | None:
    """How far the execution is; None where there is none, or where it is another's than the owner's."""
    last = ExecutionEvent.objects.filter(execution=OuterRef("id")).order_by("-seq").values("seq")[:1]
    rows = Execution.objects.filter(id=execution)
    if owner is not None:
        rows = rows.filter(actor=owner)
    with org_context(organization):
        found = rows.values_list("status", Subquery(last)).first()
    return State(found[1] or 0, found[0]) if found is not None else None


Call = tuple[bytes, Mapping[str, Any]]


def _call(organization: OrganizationRecord, executions: Collection[UUID]) -> Call:
    return _statement(checked_schema_name(organization.schema_name)), {"ids": list(executions)}


def _alone(call: Call) -> list[tuple[Any, ...]]:
    """By itself, so that an organization that is being dropped takes no other with it."""
    try:
        return connection.execute_together([call])[0]
    except psycopg.errors.UndefinedTable:
        return []


@cache
def _statement(schema: str) -> bytes:
    return f"""
        SELECT e.id, e.status, (
            SELECT max(v.seq) FROM {schema}.workflows_app_executionevent v WHERE v.execution_id = e.id)
        FROM {schema}.workflows_app_execution e WHERE e.id = ANY(%(ids)s)""".encode()
