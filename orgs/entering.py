"""Who may sign in at an organization's pages, for those that are open before anybody has."""

from __future__ import annotations

from django.http import HttpRequest

from orgs import directory
from orgs.models import Organization, User
from orgs.records import OrganizationRecord
from orgs.resolver import organization_of_host


def organization_at(request: HttpRequest) -> OrganizationRecord | None:
    """The organization whose pages the request was sent to; None where there is none of that name.

    Whoever is told which it is must have shown that he may know, or have come by its own host name.
    """
    host = organization_of_host(request)
    org_id = getattr(request, "path_org_id", "")
    if not org_id or "\0" in org_id:
        return None if org_id else host
    named: OrganizationRecord | None = directory.organization_by_org_id(org_id)
    return None if named and host and named.id != host.id else named


def may_enter(user: User, organization: OrganizationRecord) -> bool:
    """Whether the person is one of the organization's, or of the MSP's staff with that organization in scope."""
    if not user.is_active:
        return False
    return user.is_superuser or any(membership.covers(organization) for membership in directory.memberships_of(user.id))


def is_open(organization: OrganizationRecord) -> bool:
    """Whether its doors are open."""
    return organization.status == Organization.Status.ACTIVE and organization.ready
