"""Deliveries as rows, for tests that need no sender."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from integrations.sealing import seal
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import WebhookDelivery


def make_delivery(organization: OrganizationRecord, **fields: Any) -> UUID:
    """One of the workflow `called`, with its raw body."""
    kept = {"contentType": "application/json", "body": base64.b64encode(b'{"message": "hi"}').decode()}
    given = {
        "workflow": "called",
        "delivery_id": "d-1",
        "headers": {"User-Agent": "vendor/1"},
        "body": {"message": "hi"},
        "body_sealed": seal(organization, kept),
    }
    with org_context(organization):
        return WebhookDelivery.objects.create(**{**given, **fields}).id
