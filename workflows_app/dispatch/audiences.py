"""Schedules that come from an audience, and next times that follow a changed cron or time zone: set-based, a handful of
statements however many organizations there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from workflows_app.dispatch.cron_times import next_after

_LOCK = "hashtextextended('bifrost schedules', 0)"
# All customers; the MSP's own organization only by its name or a tag.
_COVERS = (
    """(a.all_organizations AND NOT o.is_msp) OR o.tags::text[] && a.tags::text[] OR o.id = ANY (a.organizations)"""
)
_SHARED = "cron, timezone, overlap, missed"
_ADD = f"""
INSERT INTO public.dispatch_schedule AS s (
    id, organization, workflow, enabled, {_SHARED}, problem, by_audience, effective, waiting, unfinished)
SELECT uuidv7(), o.id, a.workflow, true, a.cron, a.timezone, a.overlap, a.missed, '', true, '', false, '{{}}'
FROM public.dispatch_scheduleaudience a JOIN public.orgs_organization o ON {_COVERS}
LEFT JOIN public.dispatch_schedule k ON k.organization = o.id AND k.workflow = a.workflow
WHERE k.id IS NULL OR (k.by_audience AND
    (k.cron, k.timezone, k.overlap, k.missed) IS DISTINCT FROM (a.cron, a.timezone, a.overlap, a.missed))
ON CONFLICT (organization, workflow) DO UPDATE SET
    cron = excluded.cron, timezone = excluded.timezone, overlap = excluded.overlap, missed = excluded.missed
    WHERE s.by_audience
"""
_REMOVE = f"""
DELETE FROM public.dispatch_schedule s WHERE s.by_audience AND NOT EXISTS (
    SELECT FROM public.dispatch_scheduleaudience a JOIN public.orgs_organization o ON {_COVERS}
    WHERE a.workflow = s.workflow AND o.id = s.organization)
"""
# A workflow that is not in the workspace now keeps the cron that it had.
_EFFECTIVE = """
SELECT s.id, concat(coalesce(nullif(s.cron, ''), c.value, split_part(s.effective, '|', 1)), '|',
    coalesce(nullif(s.timezone, ''), o.timezone)) AS effective
FROM public.dispatch_schedule s JOIN public.orgs_organization o ON o.id = s.organization
LEFT JOIN jsonb_each_text(%(crons)s::jsonb) c(key, value) ON c.key = s.workflow
WHERE s.enabled AND (s.next_run IS NULL OR s.next_run > %(now)s)
  AND (%(only)s::uuid IS NULL OR s.id = %(only)s::uuid)
"""
_CHANGED = f"""
SELECT DISTINCT e.effective FROM ({_EFFECTIVE}) e JOIN public.dispatch_schedule s ON s.id = e.id
WHERE s.effective <> e.effective
"""
_FOLLOW = f"""
UPDATE public.dispatch_schedule s SET next_run = v.next_run, effective = v.effective, problem = v.problem,
    waiting = false
FROM ({_EFFECTIVE}) e JOIN jsonb_to_recordset(%(values)s::jsonb) AS v(
    effective text, next_run timestamptz, problem text) ON v.effective = e.effective
WHERE s.id = e.id AND s.effective <> e.effective
"""
_PREPARING = "The organization is being set up or updated; what comes due meanwhile is looked at afterwards."
_NOT_READY = """
UPDATE public.dispatch_schedule s SET problem = %(problem)s FROM public.orgs_organization o
WHERE o.id = s.organization AND NOT o.ready AND s.enabled AND s.next_run <= %(now)s AND s.problem <> %(problem)s
"""


def renew(crons: Mapping[str, str], now: datetime, *, wait: bool = False) -> None:
    """Gives each organization that an audience covers its schedule, takes back what none covers any more, and computes
    the next time wherever cron or time zone have changed. Call in the shared schema.

    `crons`: what the workflows say by themselves. While another process does the same, this one leaves it to that one,
    or with `wait` does it afterwards.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if not _alone(cursor, wait):
            return
        cursor.execute(_REMOVE)
        cursor.execute(_ADD)
        _follow(cursor, crons, now, None)
        cursor.execute(_NOT_READY, {"now": now, "problem": _PREPARING})


def follow(crons: Mapping[str, str], now: datetime, schedule: UUID) -> None:
    """Computes the next time of one schedule, if its cron or time zone have changed. Call in the shared schema."""
    with transaction.atomic(), connection.cursor() as cursor:
        _follow(cursor, crons, now, schedule)


def _alone(cursor: Any, wait: bool) -> bool:
    cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})" if wait else f"SELECT pg_try_advisory_xact_lock({_LOCK})")
    return wait or bool(cursor.fetchone()[0])


def _follow(cursor: Any, crons: Mapping[str, str], now: datetime, only: UUID | None) -> None:
    """What is due already is left for the tick: it was planned by the cron that held then."""
    arguments: dict[str, Any] = {"crons": json.dumps(dict(crons)), "now": now, "only": only}
    cursor.execute(_CHANGED, arguments)
    if values := [_next(effective, now) for (effective,) in cursor.fetchall()]:
        cursor.execute(_FOLLOW, {**arguments, "values": json.dumps(values)})


def _next(effective: str, now: datetime) -> dict[str, str | None]:
    cron, _, zone = effective.rpartition("|")
    if not cron:
        return _never(effective, "The workflow is not in the workspace, or does not run on a schedule.")
    try:
        next_run = next_after(cron, zone, now)
    except ValueError as error:
        return _never(effective, str(error))
    if next_run is None:
        return _never(effective, f"{cron!r} never comes due.")
    return {"effective": effective, "next_run": next_run.isoformat(), "problem": ""}


def _never(effective: str, problem: str) -> dict[str, str | None]:
    return {"effective": effective, "next_run": None, "problem": problem[:500]}
