"""Approvals as plain values: what somebody may decide or has asked for, and what the staff's pages show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from bifrost.sdk.forms import Form
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import actor_key
from workflows_app.approvals.deciding import NO_APPROVAL
from workflows_app.approvals.editing import shown_values
from workflows_app.approvals.inputs import fields_of, workflow_of
from workflows_app.approvals.people import asked_of_actor, has_asked, is_asked
from workflows_app.errors import UnknownApproval
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.from_parameters import asked_of, definition_of
from workflows_app.models import Approval
from workflows_app.serializers import shown, timestamp

COLUMNS = (
    "id",
    "execution_id",
    "workflow",
    "kind",
    "title",
    "message",
    "form",
    "state",
    "requested_by",
    "requester",
    "permission",
    "approvers",
    "told",
    "created_at",
    "expires_at",
    "decided_at",
    "decided_by",
    "comment",
    "values",
)


INPUT_COLUMNS = ("execution__input", "execution__code_version", "execution__trigger")


@dataclass(frozen=True, slots=True)
class Found:
    """`definition`: what may be changed before it is approved, with these `values`, redacted; None: nothing."""

    document: dict[str, Any]
    definition: Definition | None = None

    @property
    def values(self) -> dict[str, Any]:
        return shown_values((self.document["form"] or {}).get("fields", ()))


def list_approvals(
    organization: OrganizationRecord, actor: Actor, state: str | None, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page of what the actor may decide or has asked for, newest first, and the cursor of the next. One query."""
    narrowed = _seen_by(actor)
    if state is not None:
        narrowed &= Q(state=state)
    if cursor is not None:
        narrowed &= Q(id__lt=cursor)
    with org_context(organization):
        rows = list(Approval.objects.filter(narrowed).order_by("-id").values(*COLUMNS)[: limit + 1])
    page = rows[:limit]
    following = str(page[-1]["id"]) if len(rows) > limit else None
    return {"results": [approval_document(row, actor) for row in page], "next": following}


def get_approval(
    organization: OrganizationRecord, approval_id: UUID, actor: Actor, *, of_anyone: bool = False
) -> dict[str, Any]:
    """One, as the API says it. Raises as `find`."""
    return find(organization, approval_id, actor, of_anyone=of_anyone).document


def find(organization: OrganizationRecord, approval_id: UUID, actor: Actor, *, of_anyone: bool = False) -> Found:
    """One, with the execution's input, redacted and cut; a start that is not decided yet also with that input as a
    form. One query.

    Raises UnknownApproval, also where the actor may neither decide it nor has asked for it, unless `of_anyone`.
    """
    seen = Q() if of_anyone else _seen_by(actor)
    with org_context(organization):
        row = Approval.objects.filter(seen, id=approval_id).values(*COLUMNS, *INPUT_COLUMNS).first()
    if row is None:
        raise UnknownApproval(NO_APPROVAL)
    document = {**approval_document(row, actor), "inputData": shown(row["execution__input"]) or {}}
    if row["state"] != Approval.State.PENDING:
        return Found(document)
    if row["kind"] == Approval.Kind.START:
        return _with_input(row, document)
    return Found(document, None if row["form"] is None else definition_of(Form.from_json(row["form"]), {}))


def _with_input(row: Mapping[str, Any], document: dict[str, Any]) -> Found:
    """With the input of a start as a form; none where there is nothing to change, or no code that says how."""
    loaded = workflow_of(row["workflow"], row["execution__code_version"], row["execution__trigger"] or {})
    fields = [] if loaded is None else fields_of(loaded, row["execution__input"] or {})
    if loaded is None or not fields:
        return Found({**document, "form": None})
    return Found({**document, "form": {"fields": fields}}, asked_of(loaded.spec))


def approval_document(row: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """An approval as this actor sees it. Its form and values are redacted as they are stored, and never cut: what comes
    back as it was shown is taken for what is there."""
    return {
        "approvalId": str(row["id"]),
        "executionId": str(row["execution_id"]),
        "workflowName": row["workflow"],
        "kind": row["kind"],
        "title": row["title"],
        "message": row["message"],
        "form": None if row["form"] is None else {"fields": row["form"]},
        "state": row["state"],
        "requestedBy": row["requested_by"],
        "permission": row["permission"] or None,
        "approvers": row["approvers"],
        "told": row["told"],
        "createdAt": timestamp(row["created_at"]),
        "expiresAt": timestamp(row["expires_at"]),
        "decidedAt": timestamp(row["decided_at"]),
        "decidedBy": row["decided_by"],
        "comment": row["comment"],
        "values": row["values"],
        "canDecide": row["state"] == Approval.State.PENDING
        and is_asked(actor, row["permission"], row["approvers"])
        and not has_asked(actor, row["requester"], row["requested_by"]),
    }


def _seen_by(actor: Actor) -> Q:
    return asked_of_actor(actor) | Q(requester=actor_key(actor))
