"""The audit log of one organization as plain values."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from orgs.models import AuditEvent
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from workflows_app.serializers import timestamp


def list_events(
    organization: OrganizationRecord, operation: str | None, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page of the organization's events, newest first, and the cursor of the next. One query."""
    events = AuditEvent.objects.filter(organization=organization.id).order_by("-id")
    if operation is not None:
        events = events.filter(operation=operation)
    if cursor is not None:
        events = events.filter(id__lt=cursor)
    with shared_context():
        found = list(events[: limit + 1])
    page = found[:limit]
    return {
        "results": [event_document(event) for event in page],
        "next": str(page[-1].id) if len(found) > limit else None,
    }


def event_document(event: AuditEvent) -> dict[str, Any]:
    return {
        "eventId": str(event.id),
        "timestamp": timestamp(event.at),
        "operation": event.operation,
        "actor": {
            "kind": event.actor_kind,
            "id": event.actor_id,
            "email": event.actor_email,
            "name": event.actor_name,
        },
        "objectKind": event.object_kind,
        "objectId": event.object_id,
        "metadata": event.metadata,
        "executionId": str(event.execution) if event.execution else None,
    }
