"""`context.notify`: the notice that a run leaves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import ValidationError
from orgs.records import Actor
from workflows_app.alerts.notices import Note, Recipient, leave

if TYPE_CHECKING:
    from workflows_app.engine.platform import Asking

# Nobody reads what is left for these.
NO_PERSONS = frozenset({"system", "command"})


def notify(asking: Asking, data: Mapping[str, Any]) -> None:
    """Leaves it once. Raises ValidationError where it is for nobody.

    What it says is part of its key: a step may leave several notices, and another attempt may say something else in
    the same place.
    """
    facts = asking.facts
    to = data["to"]
    recipients = [_caller(facts.actor)] if to is None else [Recipient.at(address) for address in to]
    key = f"{facts.id}:{_digest(data)}:{asking.key}"
    leave(
        facts.organization,
        key,
        # Inboxes and mailboxes are no place for a secret that the run has read.
        Note(asking.clean(data["subject"]), asking.clean(data["message"]), facts.id, facts.loaded.spec.name),
        recipients,
    )


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def _caller(actor: Actor) -> Recipient:
    if actor.kind in NO_PERSONS and not actor.email:
        raise ValidationError(
            f"This run was started by {actor.name or actor.kind}, who has no inbox: say to= whom the notice is",
            field="to",
        )
    return Recipient.of(actor)
