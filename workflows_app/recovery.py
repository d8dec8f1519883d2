"""Ends executions that nobody works on any more: their worker is gone, or has forgotten them.

None of them can resume yet (that needs a journaled step), so each is failed as `WorkerLost` rather than silently run
twice, with the reason in its journal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog
from django.db.models import Exists, Max, OuterRef

from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.dispatch.models import Dispatch, Fleet, Worker
from workflows_app.engine import connection, statements
from workflows_app.models import ExecutionEvent, Status

log = structlog.get_logger(__name__)

AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Lost:
    """A row of the run queue whose execution must be ended, and why in words."""

    execution: UUID
    organization: UUID
    worker: UUID | None
    reason: str


def end_orphans() -> int:
    """Ends what fenced workers held, at most a hundred a call. Call in the shared schema. Returns how many it ended."""
    alive = Worker.objects.filter(id=OuterRef("worker"))
    rows = Dispatch.objects.filter(~Exists(alive), status=Status.RUNNING)[:AT_ONCE]
    lost = [Lost(row.execution, row.organization, row.worker, row.reason or "its worker is gone") for row in rows]
    return sum(_end(entry, statements.end_lost) for entry in lost)


def end_abandoned(worker: UUID, holds: Callable[[UUID], bool]) -> int:
    """Ends rows that name this worker and that it does not hold. Call in the shared schema."""
    rows = Dispatch.objects.filter(worker=worker, status=Status.RUNNING)
    lost = [
        Lost(row.execution, row.organization, worker, "its worker does not know it")
        for row in rows
        if not holds(row.execution)
    ]
    return sum(_end(entry, statements.end) for entry in lost)


def forget_organization(organization: OrganizationRecord) -> None:
    """Takes a dropped organization's executions out of the run queue and the fleet. Call in the shared schema."""
    Dispatch.objects.filter(organization=organization.id).delete()
    Fleet.objects.filter(organization=organization.id).delete()


def _end(lost: Lost, statement: Callable[[str], bytes]) -> bool:
    organization = directory.organization_by_id(lost.organization)
    if organization is None:
        return bool(Dispatch.objects.filter(execution=lost.execution).delete()[0])
    row = connection.execute(statement(organization.schema_name), _parameters(lost, organization))
    ended = bool(row[1])
    if ended:
        log.warning("execution lost", execution_id=str(lost.execution), org_id=organization.org_id, reason=lost.reason)
    return ended


def _parameters(lost: Lost, organization: OrganizationRecord) -> dict[str, object]:
    error = {
        "error": "WorkerLost",
        "message": "The process that ran this execution was lost; it was not run again.",
        "details": {},
    }
    with org_context(organization):
        last = ExecutionEvent.objects.filter(execution_id=lost.execution).aggregate(last=Max("seq"))["last"] or 0
    lines = [("error", "WorkerLost", error), ("status", Status.FAILED.value, {"reason": lost.reason})]
    at = datetime.now(UTC).isoformat()
    events = [
        {"seq": last + 1 + index, "at": at, "kind": kind, "name": name, "path": "", "number": 0, "data": data}
        for index, (kind, name, data) in enumerate(lines)
    ]
    return {
        "worker": lost.worker,
        "id": lost.execution,
        "organization": lost.organization,
        "status": Status.FAILED.value,
        "result": None,
        "result_sealed": None,
        "error": json.dumps(error),
        "variables": None,
        "progress": None,
        "duration_ms": None,
        "events": json.dumps(events),
    }
