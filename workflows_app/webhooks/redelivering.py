"""Delivers what was kept once more: a new delivery, a new execution."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from orgs.records import Actor, OrganizationRecord
from workflows_app.webhooks import deliveries
from workflows_app.webhooks.deliveries import Started
from workflows_app.webhooks.queries import webhook_of


@dataclass(frozen=True, slots=True)
class Redelivery:
    """The new delivery and its execution."""

    delivery_id: UUID
    started: Started


def redeliver(organization: OrganizationRecord, delivery_id: UUID, actor: Actor) -> Redelivery:
    """Starts a new execution with the kept content; its trigger says who wanted that.

    Raises UnknownDelivery, DeliveryNotKept, UnknownWorkflow, UnknownWebhook, VaultUnavailable, and what a start raises.
    """
    kept = deliveries.read(organization, delivery_id)
    delivery = deliveries.keep_again(organization, webhook_of(kept.workflow), kept, actor)
    return Redelivery(delivery.id, deliveries.start(delivery, redeliveredBy=actor.name))
