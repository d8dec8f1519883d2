"""What came of each data provider last, in the organization's schema: a row for each provider, and nothing of what it
answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.utils import timezone

from bifrost.sdk.tolerant import JSON
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.providers.models import ProviderHealth
from workflows_app.serializers import timestamp

MOST_TEXT = 500


def note_success(
    organization: OrganizationRecord, provider: str, options: int, seconds: float, log: Sequence[dict[str, JSON]]
) -> None:
    """One statement."""
    now = timezone.now()
    facts: dict[str, Any] = {"last_success_at": now, "asked_at": now, "failures": 0, "log": list(log)}
    facts |= {"options": options, "duration_ms": round(seconds * 1000)}
    row = ProviderHealth(provider=provider, **facts)
    with org_context(organization):
        ProviderHealth.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["provider"], update_fields=list(facts)
        )


def note_failure(organization: OrganizationRecord, provider: str, reason: str, log: Sequence[dict[str, JSON]]) -> None:
    """The text is for staff, and redacted already."""
    now = timezone.now()
    facts: dict[str, Any] = {"last_error_at": now, "asked_at": now, "last_error": reason[:MOST_TEXT], "log": list(log)}
    with org_context(organization):
        known = ProviderHealth.objects.filter(provider=provider)
        if not known.update(failures=F("failures") + 1, **facts):
            row = ProviderHealth(provider=provider, failures=1, **facts)
            ProviderHealth.objects.bulk_create([row], ignore_conflicts=True)


def documents(organization: OrganizationRecord, *, staff: bool) -> dict[str, dict[str, Any]]:
    """By provider, for the API. What went wrong is for staff. One query."""
    with org_context(organization):
        rows = list(ProviderHealth.objects.all())
    return {
        row.provider: {
            "state": "failing" if row.failures else "working",
            "lastSuccessAt": timestamp(row.last_success_at),
            "lastErrorAt": timestamp(row.last_error_at),
            "lastError": (row.last_error or None) if staff else None,
            "failures": row.failures,
            "options": row.options,
            "durationMs": row.duration_ms,
        }
        for row in rows
    }
