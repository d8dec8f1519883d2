"""A person's approvals: what waits for a decision, what was decided, and what the person has asked for."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import actor_key
from workflows_app.approvals.people import asked_of_actor
from workflows_app.approvals.queries import COLUMNS, approval_document
from workflows_app.models import Approval

State = Approval.State
MOST_COUNTED = 100
MOST_OF_ONE = 50


class Box(StrEnum):
    WAITING = "waiting"
    DECIDED = "decided"
    OWN = "own"


def list_box(
    organization: OrganizationRecord, actor: Actor, box: Box, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page of one box, newest first, and the cursor of the next. One query."""
    narrowed = _in_box(actor, box)
    if cursor is not None:
        narrowed &= Q(id__lt=cursor)
    with org_context(organization):
        rows = list(Approval.objects.filter(narrowed).order_by("-id").values(*COLUMNS)[: limit + 1])
    following = str(rows[limit - 1]["id"]) if len(rows) > limit else None
    return {"results": [approval_document(row, actor) for row in rows[:limit]], "next": following}


def count_waiting(organization: OrganizationRecord, actor: Actor) -> int:
    """How many wait for this one's decision, a hundred at most. One query."""
    with org_context(organization):
        waiting = Approval.objects.filter(_in_box(actor, Box.WAITING))
        return waiting.order_by().values("id")[:MOST_COUNTED].count()


def approvals_of(organization: OrganizationRecord, executions: Iterable[UUID], actor: Actor) -> list[dict[str, Any]]:
    """Those of these executions, the oldest first. Whether the actor may see the executions is for the caller to ask.
    One query."""
    with org_context(organization):
        rows = list(
            Approval.objects.filter(execution__in=list(executions)).order_by("id").values(*COLUMNS)[:MOST_OF_ONE]
        )
    return [approval_document(row, actor) for row in rows]


def _in_box(actor: Actor, box: Box) -> Q:
    own = Q(requester=actor_key(actor))
    if actor.email:
        # One address is one person, by whichever way she came.
        own |= Q(requested_by__email__iexact=actor.email)
    match box:
        case Box.OWN:
            return Q(requester=actor_key(actor))
        case Box.DECIDED:
            return asked_of_actor(actor) & ~Q(state=State.PENDING)
        case Box.WAITING:
            in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
            return Q(state=State.PENDING) & asked_of_actor(actor) & ~own & in_time
