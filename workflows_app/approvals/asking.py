"""What a run asks in the middle: one row for each question, however often the run comes there, and what became of it.

A decision and the end of the time meet at the row: the one is written where it is pending and its time is not over, the
other where it is pending and its time is over. So exactly one of them is, and the run reads there which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from integrations.sealing import unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import tidings
from workflows_app.actors import actor_key, person
from workflows_app.approvals.done import mark_done
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval

State = Approval.State

#: PostgreSQL knows no later time than the year 294276, and Python none than 9999.
LONGEST_SECONDS = 100 * 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as it is stored: redacted, with the exact initial values encrypted where that changed them.

    `key` tells it from the other questions of its execution; `earlier` are the keys that it had in earlier attempts.
    """

    key: str
    earlier: tuple[str, ...]
    title: str
    message: str
    form: list[dict[str, Any]] | None
    form_sealed: bytes | None
    permission: str
    approvers: list[str] | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Owner:
    """The stretch of a run that asks; another one of the same execution finds the question there."""

    execution: UUID
    workflow: str
    actor: Actor
    worker: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Answer:
    """`decision` is the one that was made; None where there is none: nobody made it in time, or the question was
    withdrawn."""

    state: str
    decision: dict[str, Any] | None = None


def ask(organization: OrganizationRecord, owner: Owner, question: Question) -> tuple[UUID, float | None] | None:
    """The question's approval, made now or before, and until when it can be decided, in seconds since 1970.

    None where the execution is no longer this owner's.
    """
    with org_context(organization), transaction.atomic():
        held = Dispatch.objects.select_for_update().filter(
            execution=owner.execution, worker=owner.worker, epoch=owner.epoch
        )
        if held.values_list("execution").first() is None:
            return None
        if question.earlier:
            _withdraw(owner.execution, *question.earlier)
        approval, created = Approval.objects.get_or_create(
            execution_id=owner.execution, key=question.key, defaults=_columns(owner, question)
        )
        if created:
            tidings.note(organization, tidings.Kind.APPROVAL, approval.id, owner.execution)
            approval.refresh_from_db(fields=["expires_at"])
    return approval.id, approval.expires_at.timestamp() if approval.expires_at else None


def withdraw(organization: OrganizationRecord, execution: UUID, key: str) -> None:
    """The run waits for it no longer; what was decided before stays so."""
    with org_context(organization), transaction.atomic():
        _withdraw(execution, key)


def answer(organization: OrganizationRecord, approval_id: UUID) -> Answer | None:
    """What has become of it, and that its time is over where that is so; None while it can still be decided.

    Raises VaultUnavailable where the values are encrypted and the vault is away.
    """
    with org_context(organization):
        mine = Approval.objects.filter(id=approval_id)
        if mine.filter(state=State.PENDING, expires_at__lte=Now()).update(state=State.EXPIRED, decided_at=Now()):
            mark_done(mine.values_list("execution", flat=True))
        found = mine.values("state", "decided_by", "decided_at", "comment", "values", "values_sealed").first()
    if found is None:
        return Answer(State.WITHDRAWN)
    if found["state"] == State.PENDING:
        return None
    if found["state"] in {State.APPROVED, State.REJECTED}:
        return Answer(found["state"], _decision(organization, found))
    return Answer(found["state"])


def _decision(organization: OrganizationRecord, row: Mapping[str, Any]) -> dict[str, Any]:
    sealed = row["values_sealed"]
    by = row["decided_by"]
    return {
        "approved": row["state"] == State.APPROVED,
        "decidedBy": {"id": by["id"], "email": by["email"], "name": by["name"]},
        "decidedAt": row["decided_at"].isoformat(),
        "comment": row["comment"],
        "values": (row["values"] or {}) if sealed is None else unseal(organization, bytes(sealed)),
    }


def _withdraw(execution: UUID, *keys: str) -> None:
    pending = Approval.objects.filter(execution=execution, key__in=keys, state=State.PENDING)
    if pending.update(state=State.WITHDRAWN, decided_at=Now()):
        mark_done([execution])


def _columns(owner: Owner, question: Question) -> dict[str, Any]:
    expires = None
    if question.seconds is not None:
        expires = Now() + timedelta(seconds=min(question.seconds, LONGEST_SECONDS))
    return {
        "kind": Approval.Kind.STEP,
        "workflow": owner.workflow,
        "title": question.title,
        "message": question.message,
        "form": question.form,
        "form_sealed": question.form_sealed,
        "requested_by": person(owner.actor),
        "requester": actor_key(owner.actor),
        "permission": question.permission,
        "approvers": question.approvers,
        "expires_at": expires,
    }
