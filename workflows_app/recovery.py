"""What becomes of executions that nobody works on: their worker is gone, has forgotten them, or cannot run them.

engine.md, sections 4 and 12. One that had not begun goes back into the queue, and so does one that may run again: it
has a retry policy, or the journal holds what it did. Any other one is failed as `WorkerLost` rather than silently run
twice. The reason is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef
from django.db.models.functions import Now
from django.db.utils import InterfaceError, OperationalError

from bifrost.sdk.documents import plain
from bifrost.sdk.errors import as_document
from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import checked_schema_name, org_context
from workflows_app.dispatch import hints
from workflows_app.dispatch.models import (
    Dispatch,
    Fleet,
    Lane,
    OpenAlert,
    Outgoing,
    Schedule,
    Tiding,
    Worker,
    WorkflowSetting,
)
from workflows_app.engine.history import OPERATIONS
from workflows_app.metrics.noticing import execution_lost
from workflows_app.models import TERMINAL, Execution, ExecutionEvent, Status
from workflows_app.unowned import end, note

log = structlog.get_logger(__name__)

AT_ONCE = 200
MOST_RECOVERIES = 3
LOST = {
    "error": "WorkerLost",
    "message": "The process that ran this execution was lost; it was not run again.",
    "details": {},
}
LIMIT = {
    "error": "RecoveryLimitExceeded",
    "message": f"The process that ran this execution was lost {MOST_RECOVERIES + 1} times without progress.",
    "details": {},
}


@dataclass(frozen=True, slots=True)
class Lost:
    """A claimed row of the run queue that nobody works on, and why in words."""

    execution: UUID
    organization: UUID
    workflow: str
    worker: UUID | None
    reason: str


def recover_orphans() -> int:
    """Takes care of what fenced workers held, at most some hundred a call. Call in the shared schema. Returns how many
    it found."""
    alive = Worker.objects.filter(id=OuterRef("worker"))
    rows = Dispatch.objects.filter(~Exists(alive), status=Status.RUNNING).order_by("execution")[:AT_ONCE]
    lost = [
        Lost(row.execution, row.organization, row.workflow, row.worker, row.reason or "its worker is gone")
        for row in rows
    ]
    return sum(_recovered(entry) for entry in lost)


def give_back(worker: UUID, holds: Callable[[UUID], bool]) -> int:
    """The same for rows that name this worker and that it does not hold. Call in the shared schema."""
    rows = Dispatch.objects.filter(worker=worker, status=Status.RUNNING)
    lost = [
        Lost(row.execution, row.organization, row.workflow, worker, "its worker does not know it")
        for row in rows
        if not holds(row.execution)
    ]
    return sum(_recovered(entry) for entry in lost)


def forget_organization(organization: OrganizationRecord) -> None:
    """Takes a dropped organization out of the run queue and all that the shared schema holds of its workflows.

    Call in the shared schema once its doors are closed: starts and ends that are under way are waited for, and later
    ones find nothing to write about.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        table = f"{checked_schema_name(organization.schema_name)}.workflows_app_execution"
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone()[0]:
            cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        for model in (Dispatch, Fleet, Schedule, WorkflowSetting, OpenAlert, Outgoing, Tiding):
            model.objects.filter(organization=organization.id).delete()


def forget_execution(execution: UUID) -> None:
    """Its organization is gone. Call in the shared schema."""
    Dispatch.objects.filter(execution=execution).delete()


def end_unbegun(organization: OrganizationRecord, execution: UUID, status: str, message: str, by: Any = None) -> None:
    """Ends an execution that never began, such as a cancelled or rejected one, with the status's word as its error.

    Call inside a transaction that has locked its row in the run queue.
    """
    error = {"error": str(status), "message": message, "details": {}}
    end(organization, [execution], status, error, by)


def end_broken(worker: UUID, execution: UUID, organization: OrganizationRecord, error: Exception) -> None:
    """Fails an execution that this worker has claimed and that cannot be made into a run."""
    with org_context(organization), transaction.atomic():
        if _taken_from(worker, execution):
            end(organization, [execution], Status.FAILED, plain(as_document(error)), {"reason": type(error).__name__})


def put_off(worker: UUID, execution: UUID, organization: OrganizationRecord, seconds: float, reason: str) -> None:
    """Puts a claimed execution aside for so many seconds; that counts neither as an attempt nor as a recovery."""
    with org_context(organization), transaction.atomic():
        if _taken_from(worker, execution):
            _aside(execution, Status.SUSPENDED, reason, run_at=Now() + timedelta(seconds=seconds))


def put_off_until(
    worker: UUID, execution: UUID, organization: OrganizationRecord, moment: datetime, reason: str, inbox: int
) -> None:
    """The same until then; back into the queue where its inbox has had more than `inbox` says: it may be a cancel."""
    with org_context(organization), transaction.atomic():
        # Who sends to it holds the row for a moment; skipped, it would count as lost.
        row = _taken_from(worker, execution, skip_locked=False)
        if row is not None and row.inbox > inbox:
            _aside(execution, Status.QUEUED, reason)
        elif row is not None:
            _aside(execution, Status.SUSPENDED, reason, run_at=moment)


def no_such_workflow(
    worker: UUID, execution: UUID, workflow: str, organization: OrganizationRecord, seconds: float
) -> None:
    """This process lacks the workflow: another one may have it, else the execution fails."""
    own = Worker.objects.filter(id=worker).values("code_version")
    if Worker.objects.filter(kind="worker").exclude(code_version__in=own).exists():
        return put_off(worker, execution, organization, seconds, f"no process at hand has the workflow {workflow}")
    error = {"error": "NotFound", "message": f"No worker has the workflow {workflow!r} any more.", "details": {}}
    with org_context(organization), transaction.atomic():
        if _taken_from(worker, execution):
            end(organization, [execution], Status.FAILED, error, None)


# ---------------------------------------------------------------------------------------------------------------------


def _taken_from(worker: UUID | None, execution: UUID, *, skip_locked: bool = True) -> Dispatch | None:
    """The row, locked and taken from its worker. None where another process was faster."""
    row: Dispatch | None = (
        Dispatch.objects.select_for_update(skip_locked=skip_locked)
        .filter(execution=execution, worker=worker, status=Status.RUNNING)
        .first()
    )
    if row is not None:
        Dispatch.objects.filter(execution=execution).update(worker=None)
    return row


def _recovered(lost: Lost) -> bool:
    """One that cannot be recovered keeps no other one from it. Raises only what says that the database is away."""
    try:
        return _recover(lost)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a lost execution cannot be recovered", execution_id=str(lost.execution))
        return False


def _recover(lost: Lost) -> bool:
    organization = directory.organization_by_id(lost.organization)
    if organization is None:
        forget_execution(lost.execution)
        return True
    with org_context(organization), transaction.atomic():
        if not _taken_from(lost.worker, lost.execution):
            return False
        outcome = _decide(lost, organization)
    execution_lost(lost.workflow, outcome)
    log.warning(
        "execution lost", execution_id=str(lost.execution), org_id=organization.org_id, reason=lost.reason, now=outcome
    )
    hints.send()
    return True


def _decide(lost: Lost, organization: OrganizationRecord) -> str:
    execution = Execution.objects.filter(id=lost.execution).only("status", "resumable", "recoveries").first()
    if execution is None or execution.status in TERMINAL:
        forget_execution(lost.execution)
        return "gone"
    if execution.status != Status.RUNNING:
        _aside(lost.execution, Status.QUEUED, lost.reason)
        return "queued"
    since = ExecutionEvent.objects.filter(execution_id=lost.execution, kind="recovery").aggregate(seq=Max("seq"))["seq"]
    operations = ExecutionEvent.objects.filter(execution_id=lost.execution, kind__in=OPERATIONS)
    # What a run must have journaled since the last loss in order to count as getting on.
    results = operations.filter(data__state__in=("done", "failed"))
    if not (execution.resumable or operations.exclude(data__contains={"implicit": True}).exists()):
        end(organization, [lost.execution], Status.FAILED, LOST, {"reason": lost.reason})
        return "failed"
    recoveries = 1 if results.filter(seq__gt=since or 0).exists() else execution.recoveries + 1
    if recoveries > MOST_RECOVERIES:
        end(organization, [lost.execution], Status.FAILED, LIMIT, {"reason": lost.reason})
        return "failed"
    note(lost.execution, "recovery", "", {"recoveries": recoveries, "reason": lost.reason})
    Execution.objects.filter(id=lost.execution).update(recoveries=recoveries)
    _aside(lost.execution, Status.QUEUED, lost.reason, lane=Lane.ALONE if recoveries > 1 else _own_lane(lost))
    return "queued"


def _own_lane(lost: Lost) -> Lane:
    """Where it waits for what it is, whatever has become of it: one that was alone may have got on since."""
    settings = WorkflowSetting.objects.filter(organization=lost.organization, workflow=lost.workflow)
    limited = settings.exclude(max_concurrent=None, starts_per_minute=None).exists()
    return Lane.LIMITED if limited else Lane.OPEN


def _aside(execution: UUID, status: Status, reason: str, *, run_at: Any = None, lane: Lane | None = None) -> None:
    """Back to the queue, or suspended until `run_at`, with the reason in the journal."""
    another = {"lane": lane} if lane is not None else {}
    Dispatch.objects.filter(execution=execution).update(
        status=status, worker=None, reason=reason[:200], run_at=run_at or Now(), queued_at=Now(), **another
    )
    Execution.objects.filter(id=execution).update(status=status)
    note(execution, "status", status.value, {"reason": reason})
