"""What an execution that does not run waits for, in words, as things stand now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from orgs import directory
from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from workflows_app.dispatch import limits
from workflows_app.dispatch.models import Dispatch, Lane, Worker
from workflows_app.dispatch.workers import ALIVE
from workflows_app.models import Status

WAITS_FOR = "waits for "


def waits_for(organization: OrganizationRecord, execution: UUID, status: str) -> str | None:
    """None for one that runs or has ended. Call outside a transaction; a handful of small queries."""
    if status not in {Status.QUEUED, Status.SUSPENDED, Status.PENDING_APPROVAL}:
        return None
    with shared_context():
        row = Dispatch.objects.filter(execution=execution).values("workflow", "run_at", "reason", "lane").first()
        return _told(organization, status, row) if row is not None else None


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
