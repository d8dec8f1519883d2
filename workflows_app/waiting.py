"""What an execution that does not run waits for, in words, as things stand now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from orgs import directory
from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.approvals.people import asked_of
from workflows_app.dispatch import limits
from workflows_app.dispatch.models import Dispatch, Lane, Worker
from workflows_app.dispatch.workers import ALIVE
from workflows_app.engine.waits import AN_APPROVAL
from workflows_app.models import Approval, Status

WAITS_FOR = "waits for "
MOST_TOLD = 3
MOMENT = "%Y-%m-%d %H:%M:%S UTC"


def waits_for(organization: OrganizationRecord, execution: UUID, status: str) -> str | None:
    """None for one that runs or has ended. Call outside a transaction; a handful of small queries."""
    if status not in {Status.QUEUED, Status.SUSPENDED, Status.PENDING_APPROVAL}:
        return None
    with shared_context():
        row = Dispatch.objects.filter(execution=execution).values("workflow", "run_at", "reason", "lane").first()
        told = _told(organization, status, row) if row is not None else None
    if told is not None and status == Status.SUSPENDED and row is not None and row["reason"].startswith(WAITS_FOR):
        return _with_approvals(organization, execution, told)
    return told


def _with_approvals(organization: OrganizationRecord, execution: UUID, told: str) -> str:
    """The same with what the run has asked, since when and of whom."""
    with org_context(organization):
        pending = Approval.objects.filter(execution=execution, kind=Approval.Kind.STEP, state=Approval.State.PENDING)
        found = list(pending.order_by("id").values("created_at", "permission", "approvers")[: MOST_TOLD + 1])
    if not found:
        return told
    asked = "; ".join(
        f"approval since {each['created_at']:{MOMENT}}, asked of {asked_of(each['permission'], each['approvers'])}"
        for each in found[:MOST_TOLD]
    )
    asked += "; and more approvals" if len(found) > MOST_TOLD else ""
    if told.startswith(AN_APPROVAL):
        return asked + told.removeprefix(AN_APPROVAL)
    return f"{told}; {asked}"


def _suspended(reason: str, moment: str) -> str:
    """A run's own wait says until when; what else puts it aside does not."""
    if reason.startswith(WAITS_FOR):
        return reason.removeprefix(WAITS_FOR)
    return f"{reason} (until {moment})" if reason else f"its time: {moment}"


def _told(organization: OrganizationRecord, status: str, row: Mapping[str, Any]) -> str | None:
    moment = f"{row['run_at']:%Y-%m-%d %H:%M:%S} UTC" if row["run_at"] else ""
    if status == Status.PENDING_APPROVAL:
        return f"an approval, until {moment}"
    if status == Status.SUSPENDED:
        return _suspended(row["reason"], moment)
    now = directory.organization_by_id(organization.id)
    if now is not None and now.status == Organization.Status.SUSPENDED:
        return "the organization is suspended"
    if held_back := limits.reasons(organization.id, row["workflow"]):
        return "; ".join(held_back)
    if not Worker.objects.filter(kind="worker", beat_at__gt=Now() - ALIVE).exists():
        return "a worker process: none is running"
    waits = "a free worker"
    if row["lane"] == Lane.ALONE:
        waits += ", one that runs no other execution that was lost twice"
    return f"{waits} ({row['reason']})" if row["reason"] else waits
