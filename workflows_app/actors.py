"""Who an execution belongs to, and who did something about one, as records keep it."""

from __future__ import annotations

from orgs.records import Actor


def actor_key(actor: Actor) -> str:
    """Who a caller's idempotency keys and executions belong to."""
    return f"{actor.kind}:{actor.id}"[:80]


def person(actor: Actor) -> dict[str, str]:
    """Who it was, as records keep it."""
    return {"kind": actor.kind, "id": actor.id, "email": actor.email, "name": actor.name}
