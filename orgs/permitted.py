"""Which of an organization's own people may do something."""

from __future__ import annotations

from uuid import UUID

from orgs.models import Membership
from orgs.permissions import EVERYTHING, PLATFORM_PERMISSIONS, ROLE_PERMISSIONS, STAFF_PERMISSIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context


def how_many_may(organization: OrganizationRecord, permission: str, *, without: UUID | None = None) -> int:
    """How many active members have the permission, the one who is `without` not counted. The MSP's people, who may have
    it too, are no members of a customer. One query."""
    roles = [
        role
        for role, given in (STAFF_PERMISSIONS if organization.is_msp else ROLE_PERMISSIONS).items()
        if permission in given or (EVERYTHING in given and permission not in PLATFORM_PERMISSIONS)
    ]
    with shared_context():
        members = Membership.objects.filter(organization_id=organization.id, role__in=roles, user__is_active=True)
        return (members if without is None else members.exclude(user_id=without)).count()
