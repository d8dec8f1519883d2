"""What becomes of children when their parent ends: those that are bound to it are cancelled.

A child's row in the run queue names the parent with which it closes. Whoever ends a parent cancels them at once; where
that was cut off, or somebody else has ended it, the rows still say so, and the next look finds them.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef

from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from workflows_app import sending
from workflows_app.dispatch.models import Dispatch

log = structlog.get_logger(__name__)

AT_ONCE = 200


def close_children(organization: OrganizationRecord, parent: UUID) -> None:
    """Cancels those that are bound to this parent, which has ended."""
    with shared_context():
        children = list(Dispatch.objects.filter(closes_with=parent).values_list("execution", flat=True))
    for child in children:
        sending.close_child(organization, child)


def close_orphans() -> int:
    """The same for all whose parent has ended, some hundred a call. Call in the shared schema. Returns how many it
    found."""
    parent = Dispatch.objects.filter(execution=OuterRef("closes_with"))
    rows = Dispatch.objects.filter(~Exists(parent), closes_with__isnull=False).order_by("closes_with")[:AT_ONCE]
    found = list(rows.values_list("execution", "organization"))
    for execution, organization_id in found:
        organization = directory.organization_by_id(organization_id)
        if organization is not None:
            sending.close_child(organization, execution)
    return len(found)
