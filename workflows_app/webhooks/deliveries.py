"""Each call of a webhook as it came: kept before anything is started, with what came of it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from uuid6 import uuid7

from bifrost.sdk.errors import WorkflowException
from bifrost.sdk.sanitizing import Scrubber, is_secret_key
from integrations.sealing import VaultUnavailable, seal, unseal
from orgs import audit
from orgs.errors import Denied
from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import executions
from workflows_app.actors import actor_key
from workflows_app.catalog import LoadedWorkflow
from workflows_app.errors import DeliveryNotKept, IdempotencyConflict, UnknownDelivery
from workflows_app.models import Execution, Status, WebhookDelivery
from workflows_app.webhooks.bodies import Content, read_content
from workflows_app.webhooks.signatures import SECRET_HEADER, SIGNATURE_HEADERS

ID_HEADERS = ("X-Webhook-Delivery", "X-GitHub-Delivery", "Webhook-Id", "Idempotency-Key")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
LONGEST_KEY = 255
LONGEST_PROBLEM = 500
LONGEST_HEADER = 1_000
MOST_HEADERS = 100
NO_DELIVERY = "There is no such delivery."
NOT_KEPT = "The vault was away: the raw body was not kept, and this cannot be delivered again."
REPEATED = "This delivery had come before; what it started then stands."
# Beside those whose names say that they are secrets.
_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", SECRET_HEADER.lower(), *map(str.lower, SIGNATURE_HEADERS)}
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A kept call: its row, and what it asks for. `sender_id`: the sender's own id of it, "" where it gave none."""

    id: UUID
    organization: OrganizationRecord
    loaded: LoadedWorkflow
    content: Content
    sender_id: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A delivery as it was written down: what is shown of it, and its content with the encrypted form."""

    id: UUID
    workflow: str
    content: Content
    headers: dict[str, str]
    body: Any
    body_sealed: bytes


@dataclass(frozen=True, slots=True)
class Started:
    """The execution of a delivery. `status` is Queued or PendingApproval, whatever became of it since."""

    execution_id: str
    status: str


def keep(
    organization: OrganizationRecord,
    loaded: LoadedWorkflow,
    content: Content,
    headers: Mapping[str, str],
    secrets: tuple[str, ...],
) -> Delivery:
    """Writes the call down, without credentials; its raw bytes are encrypted. `secrets` are blotted out everywhere."""
    scrubber = Scrubber()
    for secret in secrets:
        scrubber.add(secret)
    sealed, note = _sealed(organization, content)
    delivery = Delivery(uuid7(), organization, loaded, content, sender_id_in(headers), note)
    shown = (scrubber.scrub(shown_headers(headers)), content.shown(loaded.spec, scrubber))
    _write(delivery, shown, sealed)
    return delivery


def keep_again(organization: OrganizationRecord, loaded: LoadedWorkflow, kept: Kept, actor: Actor) -> Delivery:
    """Writes down that the actor has the kept delivery delivered once more."""
    delivery = Delivery(uuid7(), organization, loaded, kept.content)
    with org_context(organization), transaction.atomic():
        _write(delivery, (kept.headers, kept.body), kept.body_sealed, kept.id)
        facts = {"workflow": kept.workflow, "deliveredAs": delivery.id}
        audit.record(
            actor, "webhook.redeliver", organization=organization, target=f"delivery:{kept.id}", metadata=facts
        )
    return delivery


def _write(delivery: Delivery, shown: tuple[Any, Any], sealed: bytes | None, of: UUID | None = None) -> None:
    headers, body = shown
    with org_context(delivery.organization):
        WebhookDelivery.objects.create(
            id=delivery.id,
            workflow=delivery.loaded.spec.name,
            delivery_id=delivery.sender_id or str(delivery.id),
            redelivery_of=of,
            headers=headers,
            body=body,
            body_sealed=sealed,
            problem=delivery.note,
        )


def start(delivery: Delivery, **trigger: str) -> Started:
    """Starts the delivery's execution, or finds the one that an earlier delivery of the same id started.

    Raises what `executions.submit` raises; the reason stands in the delivery then.
    """
    try:
        started, note = _start(delivery, trigger)
    except (WorkflowException, Denied) as refused:
        _note(delivery, refused.message)
        raise
    _note(delivery, note, UUID(started.execution_id))
    return started


def read(organization: OrganizationRecord, delivery_id: UUID) -> Kept:
    """A kept delivery with its raw content. Raises UnknownDelivery, DeliveryNotKept, VaultUnavailable."""
    with org_context(organization):
        row = WebhookDelivery.objects.filter(id=delivery_id).first()
    if row is None:
        raise UnknownDelivery(NO_DELIVERY)
    if row.body_sealed is None:
        raise DeliveryNotKept(NOT_KEPT)
    sealed = bytes(row.body_sealed)
    kept = unseal(organization, sealed)
    content = read_content(base64.b64decode(kept["body"]), kept["contentType"])
    return Kept(row.id, row.workflow, content, row.headers, row.body, sealed)


def sender_id_in(headers: Mapping[str, str]) -> str:
    """The sender's own id of this delivery, by which a repetition is known; "" where it gives none."""
    for name in ID_HEADERS:
        given = headers.get(name)
        if given is not None:
            return given if _PRINTABLE.fullmatch(given) else ""
    return ""


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may be shown: without credentials, bounded, printable."""
    open_ = [(name, value) for name, value in headers.items() if not _is_credential(name)]
    return {
        name[:LONGEST_HEADER]: "".join(letter if letter.isprintable() else "?" for letter in value[:LONGEST_HEADER])
        for name, value in open_[:MOST_HEADERS]
    }


def _is_credential(name: str) -> bool:
    return name.lower() in _CREDENTIAL_HEADERS or "signature" in name.lower() or is_secret_key(name)


def _sealed(organization: OrganizationRecord, content: Content) -> tuple[bytes | None, str]:
    kept = {"contentType": content.content_type, "body": base64.b64encode(content.raw).decode()}
    try:
        return seal(organization, kept), ""
    except VaultUnavailable:
        return None, NOT_KEPT


def _start(delivery: Delivery, trigger: Mapping[str, str]) -> tuple[Started, str]:
    name = delivery.loaded.spec.name
    actor = Actor("webhook", name, "", "Webhook", frozenset({EVERYTHING}))
    key = _idempotency_key(delivery.sender_id)
    if key is not None and (earlier := _earlier(delivery.organization, name, actor, key)):
        return earlier, REPEATED
    start = executions.Start(
        organization=delivery.organization,
        workflow=name,
        parameters=delivery.content.parameters(delivery.loaded.spec),
        actor=actor,
        trigger={"type": "webhook", "webhookDeliveryId": str(delivery.id), **trigger},
        idempotency_key=key,
        key_lifetime=None,
        background=True,
    )
    try:
        outcome = executions.submit(start)
    except IdempotencyConflict:
        # Another body under the same id came at the same time and was first.
        if key is None or not (earlier := _earlier(delivery.organization, name, actor, key)):
            raise
        return earlier, REPEATED
    return Started(outcome.execution_id, _first_status(outcome.status)), delivery.note


def _earlier(organization: OrganizationRecord, workflow: str, actor: Actor, key: str) -> Started | None:
    with org_context(organization):
        found = (
            Execution.objects.filter(workflow=workflow, actor=actor_key(actor), idempotency_key=key)
            .values_list("id", "status")
            .first()
        )
    return Started(str(found[0]), _first_status(found[1])) if found else None


def _first_status(status: str) -> str:
    """A sender learns that its delivery was taken, not how the run went."""
    return Status.PENDING_APPROVAL if status == Status.PENDING_APPROVAL else Status.QUEUED


def _idempotency_key(sender_id: str) -> str | None:
    if not sender_id:
        return None
    key = f"webhook:{sender_id}"
    if len(key) > LONGEST_KEY or sender_id.startswith("sha256:"):
        key = f"webhook:sha256:{hashlib.sha256(sender_id.encode()).hexdigest()}"
    return key


def _note(delivery: Delivery, problem: str, execution: UUID | None = None) -> None:
    with org_context(delivery.organization):
        WebhookDelivery.objects.filter(id=delivery.id).update(
            problem=problem.replace("\0", "")[:LONGEST_PROBLEM], execution=execution
        )
