"""Alerts, notices and what is to be sent, as tests make and read them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.alerts.models import Alert, Notice
from workflows_app.alerts.notices import Note, Recipient, leave
from workflows_app.alerts.raising import raise_alert
from workflows_app.dispatch.models import OpenAlert, Outgoing


def make_alert(organization: OrganizationRecord, key: str = "trouble", **fields: Any) -> UUID:
    given = {"kind": "escalated", "title": "Somebody has to look", "message": "It failed."}
    return raise_alert(organization, **{**given, **fields}, key=key)


def make_notice(organization: OrganizationRecord, *to: Recipient, key: str = "k") -> int:
    return leave(organization, key, Note("Done", "All is moved."), to)


def alerts(organization: OrganizationRecord) -> list[Alert]:
    with org_context(organization):
        return list(Alert.objects.order_by("id"))


def notices(organization: OrganizationRecord) -> list[Notice]:
    with org_context(organization):
        return list(Notice.objects.order_by("id"))


def alert(organization: OrganizationRecord) -> Alert:
    """The only one that there is."""
    [one] = alerts(organization)
    return one


def shown() -> list[tuple[UUID, str, str]]:
    """What the staff's first page has: organization, kind and severity."""
    with shared_context():
        return list(OpenAlert.objects.order_by("alert").values_list("organization", "kind", "severity"))


def waiting() -> list[tuple[str, str, int]]:
    """What is still to be sent: about what, by which channel, and how often that was tried."""
    with shared_context():
        return sorted(Outgoing.objects.values_list("about", "channel", "attempts"))


def time_passes() -> None:
    """Whatever is still to be sent is due, also by the clock of a test's transaction, which stands still."""
    with shared_context():
        Outgoing.objects.update(due_at=timezone.now() - timedelta(days=1))
