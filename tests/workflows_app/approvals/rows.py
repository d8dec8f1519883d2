"""Executions that wait for an approval, as a submit writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from bifrost.sdk.forms import Form
from orgs.permissions import APPROVE
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.workflows_app.rest.rows import make_execution
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval, Execution, ExecutionEvent, Inbox, Status

FORM = Form.declared(
    {"amount": 250, "note": {"type": "string", "label": "Why", "description": "For the file"}}
).as_json()
REQUESTER = {"kind": "user", "id": "grace", "email": "grace@example.com", "name": "Grace"}


def make_approval(
    organization: OrganizationRecord, *, expires_in: timedelta = timedelta(days=7), **fields: Any
) -> Approval:
    """One that Grace asked for and nobody decided, with its execution, journal and row in the run queue."""
    fields = {"requester": "user:grace", "permission": APPROVE, "workflow": "greet", **fields}
    execution = make_execution(
        organization,
        workflow=fields["workflow"],
        status=Status.PENDING_APPROVAL,
        result=None,
        started_at=None,
        completed_at=None,
        duration_ms=None,
        input={"message": "hi", "password": "REDACTED"},
    )
    due = timezone.now() + expires_in
    with shared_context():
        Dispatch.objects.create(
            execution=execution,
            organization=organization.id,
            workflow=fields["workflow"],
            status=Status.PENDING_APPROVAL,
            run_at=due,
        )
    with org_context(organization):
        ExecutionEvent.objects.create(
            execution_id=execution, seq=1, at=timezone.now(), kind="status", name="PendingApproval", path="", number=0
        )
        return Approval.objects.create(
            execution_id=execution,
            title=f"Run {fields['workflow']}",
            requested_by=REQUESTER,
            expires_at=due,
            **fields,
        )


def make_question(organization: OrganizationRecord, *, expires_in: timedelta | None = None, **fields: Any) -> Approval:
    """One that a run of Grace's has asked in its middle, for which it was put aside."""
    execution = make_execution(
        organization, workflow="pay", status=Status.SUSPENDED, result=None, completed_at=None, duration_ms=None
    )
    with shared_context():
        Dispatch.objects.create(
            execution=execution,
            organization=organization.id,
            workflow="pay",
            status=Status.SUSPENDED,
            run_at=timezone.now() + timedelta(days=7),
            reason="waits for an approval",
        )
    given = {"title": "Pay the invoice", "requester": "user:grace", "permission": APPROVE, "form": FORM, **fields}
    with org_context(organization):
        return Approval.objects.create(
            execution_id=execution,
            workflow="pay",
            kind="step",
            key="0:0:1",
            requested_by=REQUESTER,
            expires_at=None if expires_in is None else timezone.now() + expires_in,
            **given,
        )


def entries(organization: OrganizationRecord, approval: Approval) -> list[tuple[str, str, Any]]:
    """What was sent to the execution that has asked."""
    with org_context(organization):
        sent = Inbox.objects.filter(execution=approval.execution_id).order_by("number")
        return list(sent.values_list("kind", "name", "data"))


def reread(organization: OrganizationRecord, approval: Approval) -> Approval:
    with org_context(organization):
        return Approval.objects.get(id=approval.id)


def execution_of(organization: OrganizationRecord, approval: Approval) -> Execution:
    with org_context(organization):
        return Execution.objects.get(id=approval.execution_id)


def queued(approval: Approval) -> str | None:
    """The status in the run queue of what waits for the approval; None where it is not there."""
    with shared_context():
        return Dispatch.objects.filter(execution=approval.execution_id).values_list("status", flat=True).first()


def journal(organization: OrganizationRecord, execution: UUID) -> list[tuple[int, str, str, Any]]:
    with org_context(organization):
        lines = ExecutionEvent.objects.filter(execution_id=execution).order_by("seq")
        return list(lines.values_list("seq", "kind", "name", "data"))
