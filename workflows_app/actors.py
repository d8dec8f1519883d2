"""Who an execution belongs to."""

from __future__ import annotations

from orgs.records import Actor


def actor_key(actor: Actor) -> str:
    """Who a caller's idempotency keys and executions belong to."""
    return f"{actor.kind}:{actor.id}"[:80]
