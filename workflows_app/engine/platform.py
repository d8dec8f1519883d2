"""What a run may ask of the platform besides its own journal: notices, audit events, limits.

Each service is asked for from within a step, so it may be asked again with the same key after a loss: it then does
nothing a second time and answers the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orgs.tenancy import org_context
from workflows_app.engine import messages
from workflows_app.engine.facts import Facts


@dataclass(frozen=True, slots=True)
class Asking:
    """Which run asks, and the key under which it is done once."""

    facts: Facts
    key: str


Service = Callable[[Asking, Mapping[str, Any]], Any]

SERVICES: Mapping[str, Service] = {"signal": messages.signal, "cancel": messages.cancel}


def perform(name: str, asking: Asking, data: Mapping[str, Any]) -> Any:
    """Does it, inside the organization's context, in a thread of the database. The answer is JSON."""
    with org_context(asking.facts.organization):
        return SERVICES[name](asking, data)
