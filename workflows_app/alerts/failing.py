"""Schedules whose runs keep failing: an alert when the last three that ended have all failed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, connection, transaction

from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.alerts.raising import raise_alert
from workflows_app.models import Status

log = structlog.get_logger(__name__)

KIND = "schedule_failing"
IN_A_ROW = 3
# Whoever looks this late still finds it; a failure that is older than that is found with the next one.
LOOKS_BACK = timedelta(hours=1)
AT_ONCE = 200

# By the index of failed executions alone, however many have ended well.
_CANDIDATES = """
SELECT s.id, s.organization, s.workflow, s.judged_at, max(f.finished_at)
FROM public.dispatch_fleet f
JOIN public.dispatch_schedule s ON s.organization = f.organization AND s.workflow = f.workflow
WHERE f.status = 'Failed' AND f.finished_at > now() - make_interval(secs => %s)
  AND (s.judged_at IS NULL OR f.finished_at > s.judged_at)
GROUP BY s.id LIMIT %s
"""
# Whoever moves the mark has to raise the alert; another process finds it moved.
_MARK = """
UPDATE public.dispatch_schedule s SET judged_at = m.failed_at
FROM jsonb_to_recordset(%s::jsonb) AS m(schedule uuid, judged_at timestamptz, failed_at timestamptz)
WHERE s.id = m.schedule AND s.judged_at IS NOT DISTINCT FROM m.judged_at
RETURNING s.id
"""
_LAST_RUNS = """
SELECT w.workflow, last.execution, last.status, last.finished_at, last.error, last.message
FROM unnest(%s::text[]) AS w(workflow) CROSS JOIN LATERAL (
    SELECT r.execution, f.status, f.finished_at, e.error ->> 'error' AS error, e.error ->> 'message' AS message
    FROM workflows_app_schedulerun r
    JOIN public.dispatch_fleet f ON f.execution = r.execution
    LEFT JOIN workflows_app_execution e ON e.id = r.execution
    WHERE r.workflow = w.workflow AND r.outcome = 'started'
    ORDER BY r.planned_at DESC LIMIT %s) last
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A schedule of whose workflow something has failed since it was last looked at."""

    schedule: UUID
    organization: UUID
    workflow: str
    judged_at: datetime | None
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """A run of a schedule that has ended."""

    workflow: str
    execution: UUID
    status: str
    finished_at: datetime
    error: str | None
    message: str | None


def watch_schedules() -> int:
    """Looks at each failure once, however many processes look. Call in the shared schema. Returns how many alerts were
    raised or counted once more. One statement for all organizations, and three for each in which something failed."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [LOOKS_BACK.total_seconds(), AT_ONCE])
        found = [Candidate(*row) for row in cursor.fetchall()]
    by_organization: dict[UUID, list[Candidate]] = defaultdict(list)
    for candidate in found:
        by_organization[candidate.organization].append(candidate)
    return sum(_watch(id_, candidates) for id_, candidates in by_organization.items())


def _watch(id_: UUID, candidates: Sequence[Candidate]) -> int:
    organization = directory.organization_by_id(id_)
    if organization is None or not organization.ready:
        return 0
    try:
        with org_context(organization), transaction.atomic():
            return _judge(organization, candidates)
    except DatabaseError:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("schedules were not looked at", org_id=organization.org_id)
        return 0


def _judge(organization: OrganizationRecord, candidates: Sequence[Candidate]) -> int:
    marked = _marked(candidates)
    looked_at = [candidate for candidate in candidates if candidate.schedule in marked]
    runs = _last_runs([candidate.workflow for candidate in looked_at])
    failing = [candidate for candidate in looked_at if _keeps_failing(candidate, runs[candidate.workflow])]
    for candidate in failing:
        _raise(organization, candidate.workflow, runs[candidate.workflow])
    return len(failing)


def _marked(candidates: Sequence[Candidate]) -> set[UUID]:
    marks = [
        {
            "schedule": str(each.schedule),
            "judged_at": each.judged_at.isoformat() if each.judged_at else None,
            "failed_at": each.failed_at.isoformat(),
        }
        for each in candidates
    ]
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [json.dumps(marks)])
        return {row[0] for row in cursor.fetchall()}


def _last_runs(workflows: Sequence[str]) -> dict[str, list[Ended]]:
    """The newest first."""
    runs: dict[str, list[Ended]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_LAST_RUNS, [list(workflows), IN_A_ROW])
        for row in cursor.fetchall():
            runs[row[0]].append(Ended(*row))
    return runs


def _keeps_failing(candidate: Candidate, runs: Sequence[Ended]) -> bool:
    """Whether a run of the schedule itself is among what has failed since, and it was not the first or second."""
    if len(runs) < IN_A_ROW or any(run.status != Status.FAILED for run in runs):
        return False
    return candidate.judged_at is None or max(run.finished_at for run in runs) > candidate.judged_at


def _raise(organization: OrganizationRecord, workflow: str, runs: Sequence[Ended]) -> None:
    newest = runs[0]
    said: dict[str, Any] = {"error": newest.error, "message": newest.message}
    raise_alert(
        organization,
        KIND,
        f"The schedule of {workflow} keeps failing",
        f"Its last {len(runs)} runs have failed, the newest with {newest.error}: {newest.message}",
        key=f"{KIND}:{workflow}",
        execution=newest.execution,
        workflow=workflow,
        details={"executions": [str(run.execution) for run in runs], "lastError": said},
    )
