"""Closes the approval of an execution that no longer needs one."""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Now

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import person
from workflows_app.approvals.done import mark_done
from workflows_app.models import Approval


def withdraw(organization: OrganizationRecord, execution_id: UUID, actor: Actor) -> bool:
    """Withdraws what the execution waits for, as part of the caller's transaction; False where nothing is pending."""
    with org_context(organization):
        changed = Approval.objects.filter(execution=execution_id, state=Approval.State.PENDING).update(
            state=Approval.State.WITHDRAWN, decided_at=Now(), decided_by=person(actor)
        )
        if changed:
            mark_done([execution_id])
    return bool(changed)
