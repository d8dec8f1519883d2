"""What a run may ask of the platform besides its own journal: notices, audit events, limits.

Each service is asked for from within a step, so it may be asked again with the same key after a loss: it then does
nothing a second time and answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orgs.tenancy import org_context
from workflows_app.engine import messages, protection
from workflows_app.engine.alerting import compensation_failed, escalated
from workflows_app.engine.facts import Facts
from workflows_app.engine.notices import notify


@dataclass(frozen=True, slots=True)
class Asking:
    """Which run asks, and the key under which it is done once."""

    facts: Facts
    key: str


Service = Callable[[Asking, Mapping[str, Any]], Any]

SERVICES: Mapping[str, Service] = {
    "signal": messages.signal,
    "cancel": messages.cancel,
    "notify": notify,
    "compensation_failed": compensation_failed,
    "escalated": escalated,
    "rate_limit": protection.rate_limit,
    "circuit_enter": protection.circuit_enter,
    "circuit_leave": protection.circuit_leave,
}


def perform(name: str, asking: Asking, data: Mapping[str, Any]) -> Any:
    """Does it, inside the organization's context, in a thread of the database. The answer is JSON."""
    with org_context(asking.facts.organization):
        return SERVICES[name](asking, data)
