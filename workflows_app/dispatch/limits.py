"""Limits of organizations and workflows: how many run at once, how many start within a minute.

Whoever starts something that is limited holds one lock while it counts and starts, so that two processes never fill
the same room. Where no limit exists nobody takes it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import UUID

from django.db import connection

from orgs.tenancy import shared_context
from workflows_app.dispatch import settled
from workflows_app.errors import TooManyWaiting

# The two halves of the advisory lock's key: "bifr", and what it is for.
LOCK = (0x62696672, 0x6C696D69)
WINDOW_SECONDS = 60
LOOK_SECONDS = 0.1

# Room left by each setting that touches the workflow, and the starts of the last minute. No limit: null.
_ROOM = """
SELECT s.workflow, s.max_concurrent, s.starts_per_minute,
    CASE WHEN s.max_concurrent IS NOT NULL THEN (
        SELECT count(*) FROM public.dispatch_dispatch d
        WHERE d.status = 'Running' AND d.organization = s.organization AND (s.workflow = '' OR d.workflow = s.workflow)
    ) END AS running,
    ARRAY(SELECT t FROM unnest(s.recent_starts) t WHERE t > clock_timestamp() - interval '60 s' ORDER BY t) AS recent,
    clock_timestamp()
FROM public.dispatch_workflowsetting s
WHERE s.organization = %s AND s.workflow IN ('', %s)
  AND (s.max_concurrent IS NOT NULL OR s.starts_per_minute IS NOT NULL)
"""
_NOTE_START = """
UPDATE public.dispatch_workflowsetting s SET recent_starts =
    ARRAY(SELECT t FROM unnest(s.recent_starts) t WHERE t > clock_timestamp() - interval '60 s') || clock_timestamp()
WHERE s.organization = %s AND s.workflow IN ('', %s) AND s.starts_per_minute IS NOT NULL
"""
_WAITING = """
SELECT count(*) FROM public.dispatch_dispatch
WHERE organization = %s AND status = 'Queued' AND (%s = '' OR workflow = %s)
"""


@dataclass(frozen=True, slots=True)
class Room:
    """What one limit leaves: a number, why there is none in words, and when there may be some again, in seconds."""

    workflow: str
    per_minute: bool
    left: int
    reason: str
    again_in: float


def require_rate(organization: UUID, workflow: str) -> None:
    """Raises TooManyWaiting where as many have started within the last minute, or wait to start, as may in one."""
    if not settled.settings_for(organization, workflow).rates:
        return
    for room in _rooms(organization, workflow):
        if room.per_minute and room.left - _waiting(organization, room.workflow) <= 0:
            raise TooManyWaiting(f"{room.reason}.", max(1, ceil(room.again_in)))


@contextmanager
def room_for(organization: UUID, workflow: str, seconds: float) -> Iterator[None]:
    """Waits until the limits leave room for one start, and keeps it while the block starts it.

    Raises TooManyWaiting after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while True:
        with _locked():
            full = next((room for room in _rooms(organization, workflow) if room.left <= 0), None)
            if full is None:
                yield
                with connection.cursor() as cursor:
                    cursor.execute(_NOTE_START, [organization, workflow])
                return
        if time.monotonic() >= deadline:
            raise TooManyWaiting(f"Waited for {seconds:.0f} s: {full.reason}.", max(1, ceil(full.again_in)))
        time.sleep(LOOK_SECONDS)


def reasons(organization: UUID, workflow: str) -> list[str]:
    """Why an execution of this workflow cannot start now, in words; nothing where the limits leave room."""
    return [room.reason for room in _rooms(organization, workflow) if room.left <= 0]


@contextmanager
def _locked() -> Iterator[None]:
    with shared_context(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", LOCK)
        try:
            yield
        finally:
            with connection.cursor() as last:
                last.execute("SELECT pg_advisory_unlock(%s, %s)", LOCK)


def _rooms(organization: UUID, workflow: str) -> list[Room]:
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_ROOM, [organization, workflow])
        return [room for row in cursor.fetchall() for room in _judged(*row)]


def _waiting(organization: UUID, workflow: str) -> int:
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_WAITING, [organization, workflow, workflow])
        return int(cursor.fetchone()[0])


def _judged(
    workflow: str, most: int | None, rate: int | None, running: int | None, recent: list[Any], now: Any
) -> list[Room]:
    whose = f"of {workflow}" if workflow else "of the organization"
    rooms = []
    if most is not None:
        reason = f"{running} of at most {most} executions {whose} run"
        rooms.append(Room(workflow, False, most - (running or 0), reason, 1.0))
    if rate is not None:
        again = WINDOW_SECONDS - (now - recent[0]).total_seconds() if recent else 0.0
        reason = f"{len(recent)} of at most {rate} executions {whose} have started within the last minute"
        rooms.append(Room(workflow, True, rate - len(recent), reason, again))
    return rooms
