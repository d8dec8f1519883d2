"""Schedules that are due, of all organizations: taken by one process at a time, then set to their next time.

A due row stays locked, in a transaction on a connection of its own, until what it stands for was done. A process that
dies gives its rows back at once, and one that hangs after a minute: the next tick finds them due and does the same
again, which changes nothing where it was done already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context

HANGING = "60s"
# A schedule remembers so many of its executions that have not ended.
MOST_UNFINISHED = 100

_TAKE = """
SELECT s.id, s.workflow, s.effective, s.overlap, s.missed, s.paused_until, s.next_run, s.waiting,
    (SELECT coalesce(jsonb_object_agg(u.execution, u.planned_at), '{}')::text
     FROM jsonb_each_text(s.unfinished) u(execution, planned_at)
     -- One at most, so that each is looked up by the indexes: of two EXISTS each would read all of the run queue.
     CROSS JOIN LATERAL (
        SELECT FROM public.dispatch_dispatch d
        WHERE d.execution = u.execution::uuid OR d.chain = u.execution::uuid LIMIT 1) d),
    o.id, o.org_id, o.name, o.schema_name, o.status, o.is_msp, o.tenant_id, o.timezone, o.tags, o.ready,
    o.config_version
FROM public.dispatch_schedule s JOIN public.orgs_organization o ON o.id = s.organization
WHERE s.enabled AND s.next_run <= %(now)s AND o.ready
  AND (s.next_run, s.id) > (%(after)s::timestamptz, %(after_id)s::uuid)
ORDER BY s.next_run, s.id LIMIT %(most)s
FOR UPDATE OF s SKIP LOCKED
"""
_ADVANCE = """
UPDATE public.dispatch_schedule s SET next_run = a.next_run, last_run = coalesce(a.last_run, s.last_run),
    problem = a.problem, waiting = a.waiting, unfinished = a.unfinished
FROM jsonb_to_recordset(%(advances)s::jsonb) AS a(
    schedule uuid, next_run timestamptz, last_run timestamptz, problem text, waiting boolean, unfinished jsonb)
WHERE s.id = a.schedule
"""
_BEGINNING = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time `planned_at` has come. `unfinished`: its executions that have not ended, each with its
    planned time; one that went on as others has not ended before the last of them."""

    schedule: UUID
    workflow: str
    cron: str
    zone: str
    overlap: str
    missed: str
    paused_until: datetime | None
    planned_at: datetime
    waiting: bool
    unfinished: Mapping[str, datetime]
    organization: OrganizationRecord


@dataclass(frozen=True, slots=True)
class Advance:
    """What becomes of a due schedule. `last_run`: None where its time is not over yet."""

    schedule: UUID
    next_run: datetime | None
    last_run: datetime | None
    problem: str = ""
    waiting: bool = False
    unfinished: Mapping[str, datetime] = field(default_factory=dict)


class Taken:
    """Rows that no other process looks at, while their transaction is open."""

    def __init__(self, cursor: Any, rows: Sequence[Due]) -> None:
        self._cursor = cursor
        self.rows = rows

    def advance(self, advances: Sequence[Advance]) -> None:
        """Writes what became of them, in one statement."""
        self._cursor.execute(_ADVANCE, {"advances": json.dumps([_as_row(advance) for advance in advances])})


def database_time() -> datetime:
    """The clock that decides what is due."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@contextmanager
def taken(now: datetime, most: int, after: Due | None = None) -> Iterator[Taken]:
    """The schedules that are due, the longest due first, beginning behind `after`; none that another process holds.

    What the block advanced is written when it ends; where it raises, nothing is.
    """
    own = connection.copy()
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{HANGING}'")
            place = (after.planned_at, after.schedule) if after else (_BEGINNING, UUID(int=0))
            cursor.execute(_TAKE, {"now": now, "most": most, "after": place[0], "after_id": place[1]})
            yield Taken(cursor, [_due(row) for row in cursor.fetchall()])
        own.commit()
    finally:
        own.close()


def _due(row: Sequence[Any]) -> Due:
    schedule, workflow, effective, overlap, missed, paused_until, next_run, waiting, unfinished = row[:9]
    cron, _, zone = effective.rpartition("|")
    return Due(
        schedule=schedule,
        workflow=workflow,
        cron=cron,
        zone=zone,
        overlap=overlap,
        missed=missed,
        paused_until=paused_until,
        planned_at=next_run,
        waiting=waiting,
        unfinished={execution: datetime.fromisoformat(at) for execution, at in json.loads(unfinished).items()},
        organization=_organization(row[9:]),
    )


def _organization(columns: Sequence[Any]) -> OrganizationRecord:
    id_, org_id, name, schema_name, status, is_msp, tenant_id, zone, tags, ready, config_version = columns
    return OrganizationRecord(
        id=id_,
        org_id=org_id,
        name=name,
        schema_name=schema_name,
        status=status,
        is_msp=is_msp,
        tenant_id=tenant_id,
        timezone=zone,
        tags=tuple(tags),
        ready=ready,
        config_version=config_version,
    )


def _as_row(advance: Advance) -> dict[str, Any]:
    newest = sorted(advance.unfinished.items(), key=lambda entry: entry[1])[-MOST_UNFINISHED:]
    return {
        "schedule": str(advance.schedule),
        "next_run": advance.next_run.isoformat() if advance.next_run else None,
        "last_run": advance.last_run.isoformat() if advance.last_run else None,
        "problem": advance.problem[:500],
        "waiting": advance.waiting,
        "unfinished": {execution: at.isoformat() for execution, at in newest},
    }
