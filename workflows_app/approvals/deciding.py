"""Approves or rejects, once: whoever comes second is told who was first."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs import audit
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import tidings
from workflows_app.actors import actor_key, person
from workflows_app.approvals.done import mark_done
from workflows_app.approvals.editing import Edited, Given
from workflows_app.approvals.people import asked_of, has_asked, is_asked
from workflows_app.dispatch import hints
from workflows_app.dispatch.models import Dispatch
from workflows_app.errors import AlreadyDecided, UnknownApproval
from workflows_app.models import Approval, Execution, Inbox, Status
from workflows_app.sending import send_entry
from workflows_app.unowned import end, note

LONGEST_COMMENT = 2_000
NO_APPROVAL = "There is no such approval."
FOUR_EYES = "You asked for this yourself; somebody else has to decide."

State = Approval.State


def decide(
    organization: OrganizationRecord,
    approval_id: UUID,
    actor: Actor,
    *,
    approve: bool,
    comment: str = "",
    values: Mapping[str, Any] | None = None,
    left_out: Collection[str] = (),
) -> None:
    """Queues the execution or ends it as Rejected; a run that has asked is told. `values` are those of its form, or of
    the input of a start, that whoever approves has edited; `left_out` are those that this one has emptied.

    Raises UnknownApproval, PermissionError where the actor may not decide or asked for it, AlreadyDecided where
    somebody was faster or the time is over, ValidationError for a comment or values that cannot be kept, and
    PlatformUnavailable where a value must be encrypted or shown and the vault is away.
    """
    comment = checked_comment(comment)
    with org_context(organization):
        approval = Approval.objects.filter(id=approval_id).first()
    if approval is None:
        raise UnknownApproval(NO_APPROVAL)
    _require_may_decide(approval, actor)
    if approval.state != State.PENDING:
        raise _too_late(approval)
    given = Given(values or {}, frozenset(left_out))
    edited = Edited.of(organization, approval, actor, given, approve=approve)
    with org_context(organization), transaction.atomic():
        if approval.kind == Approval.Kind.START:
            held = _decide_start(organization, approval, actor, comment, edited, approve=approve)
        else:
            held = _tell_run(organization, approval, actor, approve=approve)
        # Not after its time, also where nobody has noted yet that it is over.
        open_ = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
        won = held and Approval.objects.filter(open_, id=approval_id, state=State.PENDING).update(
            state=State.APPROVED if approve else State.REJECTED,
            decided_at=Now(),
            decided_by=person(actor),
            comment=comment,
            values=edited.values,
            values_sealed=edited.sealed,
        )
        if not won:
            approval.refresh_from_db()
            raise _too_late(approval)
        mark_done([approval.execution_id])
        tidings.note(organization, tidings.Kind.DECISION, approval_id, approval.execution_id)
        audit.record(
            actor,
            "approval.approve" if approve else "approval.reject",
            organization=organization,
            target=f"approval:{approval_id}",
            metadata={"workflow": approval.workflow, **({"edited": list(edited.changed)} if edited.changed else {})},
            execution=approval.execution_id,
        )
    if approve or approval.kind == Approval.Kind.STEP:
        hints.send()


def checked_comment(comment: object) -> str:
    """The comment without blanks around it. Raises ValidationError where it is no text that can be kept."""
    if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT or "\0" in comment:
        message = f"comment has to be text of at most {LONGEST_COMMENT:,} characters."
        raise ValidationError(message, field="comment", details={"errors": [{"field": "comment", "message": message}]})
    return comment.strip()


def _require_may_decide(approval: Approval, actor: Actor) -> None:
    if not is_asked(actor, approval.permission, approval.approvers):
        if approval.approvers is not None:
            raise PermissionError(f"This was asked of {asked_of('', approval.approvers)}, who alone may decide it.")
        raise PermissionError(
            f"Deciding this needs the permission {approval.permission}.", required_permission=approval.permission
        )
    if has_asked(actor, approval.requester, approval.requested_by):
        raise PermissionError(FOUR_EYES)


def _decide_start(
    organization: OrganizationRecord, approval: Approval, actor: Actor, comment: str, edited: Edited, *, approve: bool
) -> bool:
    """Whether the execution still waits for it; it does no longer afterwards."""
    if not _hold(organization, approval.execution_id):
        return False
    if approve:
        _queue(approval.execution_id, actor, comment, edited)
    else:
        _reject(organization, approval.execution_id, actor, comment)
    return True


def _tell_run(organization: OrganizationRecord, approval: Approval, actor: Actor, *, approve: bool) -> bool:
    """Whether the execution that has asked goes on; then the decision is in its inbox. What it says lies with the
    question."""
    rows = Dispatch.objects.select_for_update()
    row = rows.filter(execution=approval.execution_id, organization=organization.id).first()
    if row is None:
        return False
    by = {"by": actor.name, "kind": actor.kind, "id": actor.id}
    data = {**by, "state": State.APPROVED if approve else State.REJECTED}
    send_entry(row, Inbox(kind="decision", name=str(approval.id), data=data))
    return True


def _hold(organization: OrganizationRecord, execution: UUID) -> bool:
    """Locks the execution's row in the run queue; False where it waits for no approval, or no longer."""
    waiting = Dispatch.objects.select_for_update().filter(
        execution=execution, organization=organization.id, status=Status.PENDING_APPROVAL, run_at__gt=Now()
    )
    return waiting.values_list("execution").first() is not None


def _queue(execution: UUID, actor: Actor, comment: str, edited: Edited) -> None:
    """What was submitted stays as it is; what was made of it lies beside it, and that runs."""
    Execution.objects.filter(id=execution, status=Status.PENDING_APPROVAL).update(
        status=Status.QUEUED, approved_input=edited.values, approved_input_sealed=edited.sealed
    )
    data: dict[str, Any] = {"reason": f"approved by {actor.name}", "comment": comment or None}
    data |= {"decidedBy": actor_key(actor), **({"edited": list(edited.changed)} if edited.changed else {})}
    note(execution, "status", Status.QUEUED, data)
    Dispatch.objects.filter(execution=execution).update(status=Status.QUEUED, run_at=Now(), queued_at=Now(), reason="")


def _reject(organization: OrganizationRecord, execution: UUID, actor: Actor, comment: str) -> None:
    said = f"Rejected by {actor.name}: {comment}" if comment else f"Rejected by {actor.name}"
    error = {"error": "Rejected", "message": said, "details": {}}
    end(
        organization,
        [execution],
        Status.REJECTED,
        error,
        {"reason": f"rejected by {actor.name}", "decidedBy": actor_key(actor)},
    )


def _too_late(approval: Approval) -> AlreadyDecided:
    """Why nothing can be decided any more."""
    state, at = approval.state, approval.decided_at
    if state == State.PENDING and approval.expires_at is not None and approval.expires_at <= timezone.now():
        state, at = State.EXPIRED, approval.expires_at
    if state == State.PENDING or at is None:
        return AlreadyDecided("The execution waits for no approval any more.", {"state": state})
    name = (approval.decided_by or {}).get("name")
    by = f" by {name}" if name else ""
    details = {"state": state, "decidedBy": name, "decidedAt": to_the_second(at)}
    return AlreadyDecided(f"This was already {state}{by} at {to_the_second(at)}.", details)


def to_the_second(moment: datetime) -> str:
    """UTC as people read it, such as 2026-11-21T09:12:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
