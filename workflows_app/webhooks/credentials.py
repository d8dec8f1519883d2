"""The secret of each webhook: in the vault, for a minute in this process, and changed by a rotation.

The vault holds the present secret and the former one together, so that one write changes both. The `Webhook` row
beside it says what there is, without the secret.
"""

from __future__ import annotations

import hashlib
import json
import secrets as randomness
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.utils import timezone

from integrations import secrets
from integrations.errors import VaultUnavailable
from integrations.secret_places import is_secret_name, webhooks_place
from orgs import audit, directory
from orgs.records import COMMAND_LINE, Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Webhook

KEPT_SECONDS = 60.0
# A secret that does not fit what is kept may be newer than that; so it is read anew, but not at every wrong guess.
DOUBTED_SECONDS = 2.0
MOST_ENTRIES = 10_000
OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)
PREFIX = "whs_"
NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A webhook's secrets. Its repr does not show them."""

    current: str
    previous: str = ""
    previous_until: datetime | None = None

    def valid(self, now: datetime) -> list[str]:
        """Those that prove a sender at this time."""
        former = self.previous and self.previous_until is not None and now < self.previous_until
        return [self.current, self.previous] if former else [self.current]

    def __repr__(self) -> str:
        return f"Credentials(previous_until={self.previous_until!r})"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation made. The secret is shown once and never again."""

    secret: str
    rotated_at: datetime
    previous_until: datetime | None

    def __repr__(self) -> str:
        return f"Rotation(rotated_at={self.rotated_at!r})"


class _Kept:
    """What was read, with when. Full, it is emptied: strangers' guesses are kept too."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[float, Credentials | None]] = {}
        self._generation = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, age: float, read: Callable[[], Credentials | None]) -> Credentials | None:
        entry = self._entries.get(key)
        if entry is not None and monotonic() - entry[0] < age:
            return entry[1]
        generation, began = self._generation, monotonic()
        value = read()
        with self._lock:
            # What was read before a rotation may be older than it.
            if generation == self._generation:
                if len(self._entries) >= MOST_ENTRIES:
                    self._entries = {}
                self._entries[key] = (began, value)
        return value

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._entries = {}


_kept = _Kept()
_kept_of_nobody = _Kept()


def credentials_of(organization: OrganizationRecord, workflow: str, age: float = KEPT_SECONDS) -> Credentials | None:
    """The webhook's, at most `age` seconds old; None where it has none. Raises VaultUnavailable."""
    return _kept.get((organization.id, workflow), age, lambda: _read(organization, workflow))


def credentials_of_nobody(org_id: str, workflow: str, age: float = KEPT_SECONDS) -> None:
    """Does for a webhook that does not exist what is done for one that does. Raises VaultUnavailable."""
    own = directory.msp()
    if own is not None:
        key = hashlib.sha256(f"{org_id}\0{workflow}".encode("utf-8", "replace")).digest()
        _kept_of_nobody.get(key, age, lambda: _read(own, NOBODY))


def rotate(
    organization: OrganizationRecord, workflow: str, overlap: timedelta = OVERLAP, actor: Actor = COMMAND_LINE
) -> Rotation:
    """Makes a new secret; the former one works for `overlap` longer. Raises VaultUnavailable; then nothing changed."""
    secret = PREFIX + randomness.token_urlsafe(32)
    with org_context(organization), transaction.atomic():
        row, _ = Webhook.objects.select_for_update().get_or_create(workflow=workflow)
        # The lock is held from before the read until after the write: rotations come one after the other.
        former = _read(organization, workflow)
        now = timezone.now()
        until = now + overlap if former is not None and overlap > timedelta() else None
        row.rotated_at, row.previous_until = now, until
        row.save(update_fields=["rotated_at", "previous_until"])
        facts = {"previousUntil": until}
        audit.record(actor, "webhook.rotate", organization=organization, target=f"webhook:{workflow}", metadata=facts)
        kept = Credentials(secret, former.current if former is not None and until is not None else "", until)
        secrets.write_at(webhooks_place(organization), _name(workflow), _text(kept))
    forget()
    return Rotation(secret, now, until)


def forget() -> None:
    """Everything is read anew, in this process."""
    _kept.forget()
    _kept_of_nobody.forget()


def _read(organization: OrganizationRecord, workflow: str) -> Credentials | None:
    # A vault that does not answer is asked by one at a time, not by every call that comes.
    if not (health := secrets.health()).healthy:
        raise VaultUnavailable(health.message)
    text = secrets.read_at(organization, webhooks_place(organization), _name(workflow))
    if text is None:
        return None
    kept = json.loads(text)
    until = kept["previousUntil"]
    return Credentials(kept["current"], kept["previous"], datetime.fromisoformat(until) if until else None)


def _text(kept: Credentials) -> str:
    until = kept.previous_until.isoformat() if kept.previous_until else None
    return json.dumps({"current": kept.current, "previous": kept.previous, "previousUntil": until})


def _name(workflow: str) -> str:
    """The vault's name for it: a workflow's name may hold what the vault does not take."""
    return workflow if is_secret_name(workflow) else f"sha256-{hashlib.sha256(workflow.encode()).hexdigest()}"
