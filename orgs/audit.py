"""The audit log: who changed what, where and when.

Whoever changes something for a person or a program calls `record()` in the transaction of the change, so that both
happen or neither does. Nothing changes an event afterwards; `forget_before()` deletes those whose time is over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from bifrost.sdk.documents import plain, size
from bifrost.sdk.sanitizing import redact_keys
from orgs.models import AuditEvent
from orgs.records import Actor, OrganizationRecord

MOST_BYTES = 8_000  # of an event's metadata
# Ids are made by the clocks of processes, times by the database's: how far the two may be apart.
CLOCK_SKEW_MS = 3_600_000


def record(
    actor: Actor,
    operation: str,
    *,
    organization: OrganizationRecord | UUID | None = None,
    target: str = "",
    metadata: Mapping[str, Any] | None = None,
    execution: UUID | None = None,
    key: str | None = None,
) -> None:
    """Notes that the actor did this. Call inside the transaction that does it; one insert.

    `target` is the kind and the id of what was changed, such as "schedule:nightly_report". `organization` None: an act
    on the platform as a whole. What was recorded under the same `key` before is not recorded again.
    """
    happened = event(
        actor, operation, organization=organization, target=target, metadata=metadata, execution=execution, key=key
    )
    record_all([happened])


def event(
    actor: Actor,
    operation: str,
    *,
    organization: OrganizationRecord | UUID | None = None,
    target: str = "",
    metadata: Mapping[str, Any] | None = None,
    execution: UUID | None = None,
    key: str | None = None,
) -> AuditEvent:
    """The same as an event for `record_all`."""
    kind, _, id_ = target.partition(":")
    return AuditEvent(
        organization=organization.id if isinstance(organization, OrganizationRecord) else organization,
        actor_kind=actor.kind,
        actor_id=_text(actor.id, 100),
        actor_email=_text(actor.email, 254),
        actor_name=_text(actor.name, 200),
        operation=_text(operation, 220),
        object_kind=_text(kind, 50),
        object_id=_text(id_, 250),
        metadata=_bounded(metadata or {}),
        execution=execution,
        key=None if key is None else hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def record_all(events: Sequence[AuditEvent]) -> None:
    """Writes them by one insert. Raises TransactionManagementError outside a transaction."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("An audit event belongs into the transaction of the change that it tells of.")
    AuditEvent.objects.bulk_create(events, ignore_conflicts=any(each.key is not None for each in events))


def forget_before(organization: UUID | None, moment: datetime) -> int:
    """Deletes the organization's events from before then, or those of the platform as a whole. Returns how many."""
    milliseconds = int(moment.timestamp() * 1000) + CLOCK_SKEW_MS
    # The first condition lets the index find them, the second is exact.
    old = AuditEvent.objects.filter(id__lt=UUID(int=milliseconds << 80), at__lt=moment)
    whose = old.filter(organization=None) if organization is None else old.filter(organization=organization)
    return whose.delete()[0]


def forget_organization(organization: UUID) -> None:
    """Deletes all of its events, with the organization."""
    AuditEvent.objects.filter(organization=organization).delete()


def _text(value: str, most: int) -> str:
    return str(plain(value))[:most]


def _bounded(metadata: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = redact_keys(plain(dict(metadata)))
    length = size(shown)
    return shown if length <= MOST_BYTES else {"omitted": f"{length:,} bytes"}
