"""What the commands of this app share."""

from __future__ import annotations

from django.core.management.base import CommandError

from orgs import directory
from orgs.records import OrganizationRecord


def named_organization(org_id: str) -> OrganizationRecord:
    """The organization, or a CommandError that says what there is none of."""
    organization = directory.organization_by_org_id(org_id)
    if organization is None:
        raise CommandError(f"There is no organization {org_id!r}.")
    return organization
