"""What is sent: alerts and notices as e-mails, and alerts as JSON for the webhook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings

from orgs.models import Membership
from orgs.records import OrganizationRecord
from orgs.sites import organization_address, organization_page
from orgs.tenancy import org_context, shared_context
from workflows_app.alerts.models import Alert, Notice
from workflows_app.alerts.raising import one_line
from workflows_app.serializers import timestamp

TO_STAFF = (Membership.Role.OWNER, Membership.Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Letter:
    """One alert or notice, ready to go. An e-mail goes once, to all addresses; `document` is the webhook's body."""

    id: UUID
    to: list[str]
    subject: str
    text: str
    document: Mapping[str, Any] = field(default_factory=dict)


class StaffAddresses:
    """Who gets e-mails about alerts: those whom the settings name, else the MSP's owners and admins, each about the
    organizations of that one's scope. Read once, on first use."""

    def __init__(self) -> None:
        self._members: list[Membership] | None = None

    def of(self, organization: OrganizationRecord) -> list[str]:
        named: list[str] = settings.ALERTS["emails"]
        return list(named) or sorted({row.user.email for row in self._staff() if _covers(row, organization)})

    def _staff(self) -> list[Membership]:
        if self._members is None:
            rows = Membership.objects.filter(organization__is_msp=True, role__in=TO_STAFF, user__is_active=True)
            with shared_context():
                self._members = list(rows.select_related("user").prefetch_related("organizations"))
        return self._members


def _covers(row: Membership, organization: OrganizationRecord) -> bool:
    if organization.is_msp or row.all_organizations or not set(row.tags).isdisjoint(organization.tags):
        return True
    return any(chosen.id == organization.id for chosen in row.organizations.all())


def read(organization: OrganizationRecord, items: Iterable[UUID], staff: StaffAddresses) -> dict[UUID, Letter]:
    """The letters of those that still exist. Two queries."""
    ids = list(items)
    with org_context(organization):
        alerts = list(Alert.objects.filter(id__in=ids).values())
        notices = list(Notice.objects.filter(id__in=ids).values())
    letters = [_alert(organization, row, staff.of(organization)) for row in alerts]
    letters += [_notice(organization, row) for row in notices]
    return {letter.id: letter for letter in letters}


def _alert(organization: OrganizationRecord, row: Mapping[str, Any], to: list[str]) -> Letter:
    facts = {
        "Organization": f"{organization.name} ({organization.org_id})",
        "Kind": row["kind"],
        "Severity": row["severity"],
        "Workflow": row["workflow"],
        "Execution": row["execution"],
        "Raised": timestamp(row["first_raised_at"]),
        "Page": _page(organization, row["id"]),
    }
    document = {
        "alertId": str(row["id"]),
        "organization": {"orgId": organization.org_id, "name": organization.name},
        "kind": row["kind"],
        "severity": row["severity"],
        "title": row["title"],
        "message": row["message"],
        "details": row["details"],
        "workflowName": row["workflow"] or None,
        "executionId": str(row["execution"]) if row["execution"] else None,
        "raisedAt": timestamp(row["first_raised_at"]),
    }
    subject = one_line(f"[Bifrost] {organization.org_id}: {row['title']}", 250)
    return Letter(row["id"], to, subject, f"{row['message']}\n\n{_listed(facts)}", document)


def _notice(organization: OrganizationRecord, row: Mapping[str, Any]) -> Letter:
    facts = {"Organization": organization.name, "Workflow": row["workflow"], "Execution": row["execution"]}
    if row["about"]:
        facts = {"Organization": organization.name, "Page": _portal_page(organization, row)}
    to = [row["email"]] if row["email"] else []
    return Letter(row["id"], to, row["subject"], f"{row['message']}\n\n{_listed(facts)}")


def _portal_page(organization: OrganizationRecord, row: Mapping[str, Any]) -> str:
    """Where people decide on it, or see how it stands."""
    if row["approval"] is not None:
        return organization_address(organization, "portal-approval", row["approval"])
    return organization_address(organization, "portal-request", row["execution"])


def _listed(facts: Mapping[str, Any]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in facts.items() if value)


def _page(organization: OrganizationRecord, alert: UUID) -> str:
    """Where the staff find it; nothing where the settings do not say under which address the pages are reached."""
    base = str(settings.ALERTS["public_url"]).rstrip("/")
    return base and base + organization_page(organization.org_id, "admin:workflows_app_alert_change", alert)
