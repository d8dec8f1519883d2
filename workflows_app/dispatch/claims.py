"""Which queued executions a process takes next: fair over organizations, weighted by priority, within limits.

The claim is one statement (engine.md, section 3). It visits the organizations that have due work by an index skip
scan, beginning behind the one served last, so its cost grows with waiting organizations and never with waiting rows.
Every row of the claimable indexes is due: what waits for a time is Suspended, and is queued here when that has come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from workflows_app.dispatch.claim_statement import CLAIM, CLAIM_WITHIN_LIMITS
from workflows_app.dispatch.limits import LOCK

FIRST = UUID(int=0)
WOKEN_AT_ONCE = 500

# Of what is Suspended until a time that has come.
_WAKE_DUE = f"""
UPDATE public.dispatch_dispatch SET status = 'Queued', queued_at = now()
WHERE execution IN (
    SELECT execution FROM public.dispatch_dispatch
    WHERE status = 'Suspended' AND run_at <= now()
    ORDER BY run_at LIMIT {WOKEN_AT_ONCE} FOR UPDATE SKIP LOCKED)
""".encode()
# Seconds until the next one is due; none where nothing waits for a time.
_NEXT_DUE = b"""
SELECT extract(epoch FROM run_at - now())::float8 FROM public.dispatch_dispatch
WHERE status = 'Suspended' AND run_at < 'infinity' ORDER BY run_at LIMIT 1
"""
# In a statement of its own before the claim, which then sees what others have claimed under the lock.
_LOCK_LIMITS = f"SELECT pg_advisory_xact_lock({LOCK[0]}, {LOCK[1]})".encode()
# The plan must not depend on how many rows there were when it was made.
_PLAN = (
    b"SET enable_seqscan = off",
    b"SET enable_bitmapscan = off",
    b"SET jit = off",
    b"SET plan_cache_mode = force_generic_plan",
)


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that this worker owns from now on.

    `alone`: it was lost twice without getting on. `code_version`: of its workflow when it was queued.
    """

    execution: UUID
    organization: UUID
    workflow: str
    epoch: int
    alone: bool
    code_version: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a process can take: so many executions, at most `each` of one organization with what it holds of it.

    `after`: the organization that was served last. `alone`: it may take one that was lost twice. `limits`: some
    organization has a limit.
    """

    worker: UUID
    free: int
    each: int
    after: UUID
    held: Mapping[UUID, int]
    alone: bool
    limits: bool

    def parameters(self) -> dict[str, Any]:
        return {
            "worker": self.worker,
            "free": self.free,
            "each": self.each,
            "after": self.after,
            "held_organizations": list(self.held),
            "held_counts": list(self.held.values()),
            "alone": self.alone,
        }


def prepare_connection(connection: psycopg.Connection[Any]) -> None:
    """For a connection that will claim; once."""
    for setting in _PLAN:
        connection.execute(setting)


def claim(connection: psycopg.Connection[Any], wish: Wish) -> tuple[list[Claim], float | None, UUID]:
    """Takes what the wish says, in one transaction, and says in how many seconds a waiting one is due, and behind whom
    the next claim begins.

    A worker whose row is gone gets nothing.
    """
    statement = CLAIM_WITHIN_LIMITS if wish.limits else CLAIM
    with connection.transaction(), connection.pipeline():
        connection.execute(_WAKE_DUE, prepare=True)
        if wish.limits:
            connection.execute(_LOCK_LIMITS, prepare=True)
        cursor = psycopg.Cursor(connection)
        cursor.execute(statement, wish.parameters(), prepare=True)
        due = connection.execute(_NEXT_DUE, prepare=True)
        rows, next_due = cursor.fetchall(), due.fetchone()
    found = [Claim(*row[:-1]) for row in rows if row[0]]
    return found, next_due[0] if next_due else None, served_last(found, wish.after, rows[0][-1])


def served_last(found: Sequence[Claim], after: UUID, reached: UUID | None = None) -> UUID:
    """Behind whom the next claim begins. `reached`: those behind it have not been visited, all of them."""

    def turn(id_: UUID) -> tuple[bool, UUID]:
        return id_ <= after, id_

    last = max((claim.organization for claim in found), key=turn, default=reached or after)
    return min(last, reached or last, key=turn)
