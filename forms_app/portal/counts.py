"""What waits for a person, for the numbers in the menu. One query each, bounded."""

from __future__ import annotations

from django.db.models import Q

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import actor_key
from workflows_app.alerts.models import Notice
from workflows_app.alerts.notices import own
from workflows_app.approvals.people import asked_of_actor
from workflows_app.models import Approval

MOST = 100


def pending_approvals(organization: OrganizationRecord, actor: Actor) -> int:
    """How many approvals this one may decide now."""
    asked_himself = Q(requester=actor_key(actor))
    if actor.email:
        asked_himself |= Q(requested_by__email__iexact=actor.email)
    with org_context(organization):
        waiting = Approval.objects.filter(asked_of_actor(actor), state=Approval.State.PENDING).exclude(asked_himself)
        return waiting[:MOST].count()


def unread_notices(organization: OrganizationRecord, actor: Actor) -> int:
    with org_context(organization):
        return Notice.objects.filter(own(actor), read_at=None)[:MOST].count()
