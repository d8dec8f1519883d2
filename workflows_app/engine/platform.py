"""What a run may ask of the platform besides its own journal: notices, audit events, limits.

Each service is asked for from within a step, so it may be asked again with the same key after a loss: it then does
nothing a second time and answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from bifrost.sdk.sanitizing import redact_keys
from orgs import audit
from orgs.tenancy import org_context
from workflows_app.engine import messages, protection
from workflows_app.engine.alerting import compensation_failed, escalated
from workflows_app.engine.facts import Facts
from workflows_app.engine.notices import notify


@dataclass(frozen=True, slots=True)
class Asking:
    """Which run asks, the key under which it is done once, and what takes from a value all that must not be shown."""

    facts: Facts
    key: str
    clean: Callable[[Any], Any] = redact_keys


Service = Callable[[Asking, Mapping[str, Any]], Any]


def audit_event(asking: Asking, data: Mapping[str, Any]) -> None:
    """An event in the name of whoever started the run. `data`: operation, resource or None, metadata."""
    facts, operation, resource = asking.facts, str(data["operation"]), data["resource"]
    with transaction.atomic():
        audit.record(
            facts.actor,
            operation,
            organization=facts.organization,
            target="" if resource is None else f"resource:{asking.clean(resource)}",
            metadata=asking.clean(data["metadata"]),
            execution=facts.id,
            # A step's own code may record several.
            key=f"{facts.id}:{asking.key}:{operation}:{resource}",
        )


SERVICES: Mapping[str, Service] = {
    "signal": messages.signal,
    "cancel": messages.cancel,
    "notify": notify,
    "compensation_failed": compensation_failed,
    "escalated": escalated,
    "rate_limit": protection.rate_limit,
    "circuit_enter": protection.circuit_enter,
    "circuit_leave": protection.circuit_leave,
    "audit": audit_event,
}


def perform(name: str, asking: Asking, data: Mapping[str, Any]) -> Any:
    """Does it, inside the organization's context, in a thread of the database. The answer is JSON."""
    with org_context(asking.facts.organization):
        return SERVICES[name](asking, data)
