"""Alerts and notices as plain values, for the API and the staff's pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.alerts.handling import NO_ALERT
from workflows_app.alerts.models import Alert, Notice
from workflows_app.alerts.notices import NO_NOTICE, own
from workflows_app.errors import UnknownAlert, UnknownNotice
from workflows_app.serializers import shown, timestamp

MOST_COUNTED = 100


def list_alerts(
    organization: OrganizationRecord, state: str | None, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page, newest first, and the cursor of the next. One query."""
    narrowed = Q() if state is None else Q(state=state)
    with org_context(organization):
        rows, following = _page(Alert.objects.filter(narrowed), limit, cursor)
    return {"results": [alert_document(row) for row in rows], "next": following}


def get_alert(organization: OrganizationRecord, alert: UUID) -> dict[str, Any]:
    """One. Raises UnknownAlert."""
    with org_context(organization):
        row = Alert.objects.filter(id=alert).values().first()
    if row is None:
        raise UnknownAlert(NO_ALERT)
    return alert_document(row)


def list_notices(
    organization: OrganizationRecord, actor: Actor, limit: int, cursor: UUID | None = None, *, unread: bool = False
) -> dict[str, Any]:
    """A page of the actor's own, newest first, and the cursor of the next. One query."""
    narrowed = own(actor) & (Q(read_at=None) if unread else Q())
    with org_context(organization):
        rows, following = _page(Notice.objects.filter(narrowed), limit, cursor)
    return {"results": [notice_document(row) for row in rows], "next": following}


def count_unread(organization: OrganizationRecord, actor: Actor) -> int:
    """How many of the actor's own are not read, a hundred at most. One query."""
    with org_context(organization):
        return Notice.objects.filter(own(actor), read_at=None).order_by().values("id")[:MOST_COUNTED].count()


def get_notice(organization: OrganizationRecord, notice: UUID, actor: Actor) -> dict[str, Any]:
    """One of the actor's own. Raises UnknownNotice, also for somebody else's."""
    with org_context(organization):
        row = Notice.objects.filter(own(actor), id=notice).values().first()
    if row is None:
        raise UnknownNotice(NO_NOTICE)
    return notice_document(row)


def alert_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as the API shows it. To whom e-mails went is not told: those people may be the MSP's."""
    return {
        "alertId": str(row["id"]),
        "kind": row["kind"],
        "severity": row["severity"],
        "title": row["title"],
        "message": row["message"],
        "details": shown(row["details"]),
        "executionId": _text(row["execution"]),
        "workflowName": row["workflow"] or None,
        "count": row["count"],
        "firstRaisedAt": timestamp(row["first_raised_at"]),
        "lastRaisedAt": timestamp(row["last_raised_at"]),
        "state": row["state"],
        "acknowledgedAt": timestamp(row["acknowledged_at"]),
        "acknowledgedBy": row["acknowledged_by"],
        "resolvedAt": timestamp(row["resolved_at"]),
        "resolvedBy": row["resolved_by"],
        "deliveries": {channel: made["state"] for channel, made in row["deliveries"].items()},
    }


def notice_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A notice as its recipient sees it."""
    return {
        "noticeId": str(row["id"]),
        "subject": row["subject"],
        "message": row["message"],
        "executionId": _text(row["execution"]),
        "workflowName": row["workflow"] or None,
        "approvalId": _text(row["approval"]),
        "createdAt": timestamp(row["created_at"]),
        "readAt": timestamp(row["read_at"]),
    }


def _page(rows: QuerySet[Any, Any], limit: int, cursor: UUID | None) -> tuple[list[dict[str, Any]], str | None]:
    narrowed = rows if cursor is None else rows.filter(id__lt=cursor)
    found = list(narrowed.order_by("-id").values()[: limit + 1])
    return found[:limit], str(found[limit - 1]["id"]) if len(found) > limit else None


def _text(id_: UUID | None) -> str | None:
    return str(id_) if id_ else None
