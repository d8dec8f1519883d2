"""Webhooks and their deliveries as plain values. No secret is among them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.db.models import Q

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.errors import UnknownDelivery, UnknownWebhook
from workflows_app.models import Webhook, WebhookDelivery
from workflows_app.serializers import shown, timestamp
from workflows_app.webhooks.deliveries import NO_DELIVERY

SUMMARY_COLUMNS = ("id", "workflow", "delivery_id", "execution", "redelivery_of", "received_at", "problem")


def webhook_of(workflow: str) -> LoadedWorkflow:
    """The workflow, if it has a webhook. Raises UnknownWorkflow, UnknownWebhook."""
    loaded = catalog.find(workflow)
    if not loaded.spec.webhook_enabled:
        raise UnknownWebhook(f"The workflow {workflow!r} has no webhook.")
    return loaded


def list_webhooks(organization: OrganizationRecord) -> list[dict[str, Any]]:
    """All webhooks that the workspace offers, by name, with the state of their secrets here. One query."""
    with org_context(organization):
        rows = {
            workflow: (rotated_at, until)
            for workflow, rotated_at, until in Webhook.objects.values_list("workflow", "rotated_at", "previous_until")
        }
    return [
        webhook_document(organization, loaded, *rows.get(name, (None, None)))
        for name, loaded in sorted(catalog.current().workflows.items())
        if loaded.spec.webhook_enabled
    ]


def webhook_document(
    organization: OrganizationRecord, loaded: LoadedWorkflow, rotated_at: datetime | None, until: datetime | None
) -> dict[str, Any]:
    """A webhook as it is shown. `until`: when the secret before stops working."""
    spec = loaded.spec
    return {
        "workflowName": spec.name,
        "url": address(organization, spec.name),
        "secretRequired": spec.webhook_secret_required,
        "hasSecret": rotated_at is not None,
        "rotatedAt": timestamp(rotated_at),
        "previousUntil": timestamp(until),
    }


def address(organization: OrganizationRecord, workflow: str) -> str:
    """The path that the sender calls."""
    return f"/webhooks/{organization.org_id}/{quote(workflow, safe='')}"


def list_deliveries(
    organization: OrganizationRecord, workflow: str | None, limit: int, cursor: UUID | None = None
) -> dict[str, Any]:
    """A page of deliveries, newest first, without their content, and the cursor of the next. One query."""
    narrowed = Q() if workflow is None else Q(workflow=workflow)
    if cursor is not None:
        narrowed &= Q(id__lt=cursor)
    with org_context(organization):
        rows = list(WebhookDelivery.objects.filter(narrowed).order_by("-id").values(*SUMMARY_COLUMNS)[: limit + 1])
    page = rows[:limit]
    following = str(page[-1]["id"]) if len(rows) > limit else None
    return {"results": [delivery_document(row) for row in page], "next": following}


def get_delivery(organization: OrganizationRecord, delivery_id: UUID) -> dict[str, Any]:
    """One, with its headers and body, redacted and cut. Raises UnknownDelivery."""
    with org_context(organization):
        kept = WebhookDelivery.objects.filter(id=delivery_id).annotate(raw=Q(body_sealed__isnull=False))
        row = kept.values(*SUMMARY_COLUMNS, "headers", "body", "raw").first()
    if row is None:
        raise UnknownDelivery(NO_DELIVERY)
    return {
        **delivery_document(row),
        "headers": shown(row["headers"]),
        "body": shown(row["body"]),
        "canRedeliver": row["raw"],
    }


def delivery_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """A delivery as a list shows it. `deliveryId` is the sender's own, or the row's where it gave none."""
    return {
        "webhookDeliveryId": str(row["id"]),
        "deliveryId": row["delivery_id"],
        "workflowName": row["workflow"],
        "executionId": str(row["execution"]) if row["execution"] else None,
        "redeliveryOf": str(row["redelivery_of"]) if row["redelivery_of"] else None,
        "receivedAt": timestamp(row["received_at"]),
        "problem": row["problem"] or None,
    }
