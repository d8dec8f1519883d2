"""Whether the MSP has a workflow switched on for an organization, for those who only ask."""

from __future__ import annotations

from orgs.records import OrganizationRecord
from workflows_app.dispatch import settled


def is_enabled(organization: OrganizationRecord, workflow: str) -> bool:
    """As a start would find it; from memory, which is at most two seconds old."""
    return settled.settings_for(organization.id, workflow).enabled
