"""The connections that an organization can use, as plain values. Nothing of a token is among them."""

from __future__ import annotations

from typing import Any

from integrations.oauth import finding, fleet
from integrations.oauth.records import Target
from integrations.oauth.words import Status
from orgs.records import OrganizationRecord
from workflows_app.serializers import timestamp

NOT_YOURS = "The MSP has to look after it."


def list_connections(organization: OrganizationRecord) -> list[dict[str, Any]]:
    """Its own and those that the MSP shares with it, by name. Two queries."""
    targets = finding.usable(organization)
    uses = fleet.used_by(organization, [target.settings.id for target in targets])
    return [_document(target, organization, uses.get(target.settings.id, [])) for target in targets]


def _document(target: Target, organization: OrganizationRecord, used_by: list[str]) -> dict[str, Any]:
    settings = target.settings
    return {
        "connectionId": str(settings.id),
        "name": settings.name,
        "provider": settings.provider,
        "grant": settings.grant,
        "shared": target.owner.id != organization.id,
        "status": settings.status,
        "expiresAt": timestamp(target.state.expires_at),
        "scopes": settings.scopes.split(),
        "lastError": _last_error(target, organization),
        "usedBy": used_by,
    }


def _last_error(target: Target, organization: OrganizationRecord) -> str | None:
    """What a provider said of the MSP's account is not for its customers."""
    if target.holder.id == organization.id:
        return target.state.last_error or None
    return NOT_YOURS if target.settings.status in {Status.EXPIRED, Status.FAILED} else None
