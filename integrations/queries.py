"""What is read of integrations. Each function returns data, never querysets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from bifrost.sdk.tolerant import JSON
from integrations.models import Config
from orgs.directory import record_of
from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import HasSchema, org_context, shared_context


@dataclass(frozen=True, slots=True)
class ConfigRow:
    key: str
    type: str
    value: JSON
    updated_at: datetime
    tag: str = ""


def config_rows(organization: HasSchema) -> list[ConfigRow]:
    """The organization's own configs by key; those of the MSP's organization also for tags."""
    with org_context(organization):
        return [ConfigRow(*row) for row in Config.objects.values_list("key", "type", "value", "updated_at", "tag")]


def config_versions(organization: OrganizationRecord) -> tuple[int, int]:
    """The organization's config version and the MSP's; 0 for one that is not there."""
    with shared_context():
        rows = Organization.objects.filter(Q(id=organization.id) | Q(is_msp=True))
        versions = list(rows.values_list("id", "is_msp", "config_version"))
    own = next((version for id_, _, version in versions if id_ == organization.id), 0)
    return own, next((version for _, is_msp, version in versions if is_msp), 0)


def all_organizations() -> list[OrganizationRecord]:
    with shared_context():
        return [record_of(organization) for organization in Organization.objects.all()]
