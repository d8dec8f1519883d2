"""Executions that wait or run much longer than they should.

One that is due and that no worker has taken for `settings.ALERTS["late_seconds"]` (15 minutes), unless a limit of its
workflow holds it back; and one that runs, and was queued longer ago than its workflow's `max_duration_seconds` and
those 15 minutes together. One alert tells of all that wait in an organization, one of all that run of a workflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from orgs import directory
from orgs.tenancy import shared_context
from workflows_app import catalog
from workflows_app.alerts.raising import raise_alert
from workflows_app.dispatch.durations import in_words

log = structlog.get_logger(__name__)

KIND = "overdue"
AT_ONCE = 100
SHOWN = 10
# Of a workflow that the workspace does not have any more.
UNKNOWN_SECONDS = 3600.0

# By the partial indexes of what is queued and of what runs; what is suspended is not looked at.
_QUEUED = """
    SELECT organization, '' AS workflow, status, execution, greatest(run_at, queued_at) AS since
    FROM public.dispatch_dispatch
    WHERE status = 'Queued' AND lane = {lane}
      AND greatest(run_at, queued_at) < now() - make_interval(secs => %(late)s)"""
_OVERDUE = f"""
WITH most AS (SELECT * FROM unnest(%(workflows)s::text[], %(seconds)s::float8[]) AS most(workflow, seconds)),
late AS ({_QUEUED.format(lane=0)}
    UNION ALL {_QUEUED.format(lane=2)}
    UNION ALL
    SELECT d.organization, d.workflow, d.status, d.execution, d.queued_at
    FROM public.dispatch_dispatch d LEFT JOIN most USING (workflow)
    WHERE d.status = 'Running'
      AND d.queued_at < now() - make_interval(secs => %(late)s + coalesce(most.seconds, %(unknown)s))
)
SELECT late.organization, late.workflow, late.status, count(*), now() - min(late.since),
    (array_agg(late.execution ORDER BY late.since, late.execution))[1:%(shown)s]
FROM late JOIN public.orgs_organization o ON o.id = late.organization AND o.status = 'active' AND o.ready
GROUP BY late.organization, late.workflow, late.status ORDER BY min(late.since) LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Late:
    """The overdue executions of an organization that wait, or those that run of one of its workflows."""

    organization: UUID
    workflow: str
    status: str
    number: int
    longest: timedelta
    executions: Sequence[UUID]


def watch_executions() -> int:
    """Raises an alert for each group, or counts the one that is there once more. Call in the shared schema. One
    statement that looks, and one for each group. Returns how many there are."""
    return sum(_raise(late) for late in find())


def find() -> list[Late]:
    """What is overdue now, of all organizations, at most a hundred groups."""
    limits = {name: loaded.spec.max_duration_seconds for name, loaded in catalog.current().workflows.items()}
    values: dict[str, Any] = {
        "workflows": list(limits),
        "seconds": list(limits.values()),
        "unknown": UNKNOWN_SECONDS,
        "late": settings.ALERTS["late_seconds"],
        "shown": SHOWN,
        "most": AT_ONCE,
    }
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_OVERDUE, values)
        return [Late(*row) for row in cursor.fetchall()]


def _raise(late: Late) -> bool:
    organization = directory.organization_by_id(late.organization)
    if organization is None:
        return False
    title, message = _words(late)
    try:
        raise_alert(
            organization,
            KIND,
            title,
            message,
            key=f"{KIND}:{late.status}:{late.workflow}",
            execution=late.executions[0],
            workflow=late.workflow,
            details={
                "status": late.status,
                "number": late.number,
                "longestSeconds": round(late.longest.total_seconds()),
                "executions": [str(execution) for execution in late.executions],
            },
        )
    except DatabaseError:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("overdue executions were not reported", org_id=organization.org_id)
        return False
    return True


def _words(late: Late) -> tuple[str, str]:
    many = f"{late.number:,} execution{'s' if late.number > 1 else ''}"
    has, longest = "have" if late.number > 1 else "has", in_words(late.longest)
    if late.workflow:
        return (
            f"{late.workflow} runs longer than it may",
            f"{many} of {late.workflow} {has} been at it for up to {longest}, and did not end when the time was over.",
        )
    return "Executions wait too long", f"{many} {has} been due for up to {longest}, and no worker has taken them."
