"""Circuits and permits of the tests about them."""

from __future__ import annotations

from datetime import timedelta

from integrations import breakers
from integrations.breakers import Admission
from integrations.models import CircuitBreaker, RateLimit
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context


def open_circuit(organization: OrganizationRecord, seconds: float = 30) -> None:
    """It lets a trial through after so many seconds."""
    for _ in range(5):
        breakers.report(organization, Admission("halopsa"), "failed", "IntegrationError 503")
    with org_context(organization):
        row = CircuitBreaker.objects.get()
        assert row.until is not None
        row.until -= timedelta(seconds=30 - seconds)
        row.save()


def state(organization: OrganizationRecord) -> str:
    with org_context(organization):
        return CircuitBreaker.objects.get().state


def permits(organization: OrganizationRecord, key: str = "crm") -> int:
    with org_context(organization):
        return len(RateLimit.objects.get(key=key).given)
