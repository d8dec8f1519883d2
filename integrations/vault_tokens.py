"""Organizations' vault tokens, kept while they are in use."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from integrations.errors import VaultUnavailable
from orgs.records import OrganizationRecord

# A token is no longer handed out in its last minute, so that it does not expire on its way.
MARGIN_SECONDS = 60.0

MakeToken = Callable[[OrganizationRecord, float], tuple[str, float]]


class _Slot:
    def __init__(self) -> None:
        self.making = threading.Lock()
        self.token = ""
        self.good_until = 0.0


class OrganizationTokens:
    """At most `limit` tokens, the least recently used given up first. Each is made when first needed, one maker per
    organization at a time; none is renewed, so an idle organization has none."""

    def __init__(self, make: MakeToken, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._slots: OrderedDict[UUID, _Slot] = OrderedDict()

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, organization: OrganizationRecord, deadline: float) -> str:
        """A token with the organization's policy. Raises VaultUnavailable when none can be made in time."""
        slot = self._slot(organization.id)
        if not slot.making.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise VaultUnavailable("The vault is too slow: a token is still being made.")
        try:
            if self._clock() >= slot.good_until:
                slot.token, seconds = self._make(organization, deadline)
                slot.good_until = self._clock() + max(0.0, seconds - MARGIN_SECONDS)
            return slot.token
        finally:
            slot.making.release()

    def forget(self, organization: OrganizationRecord, token: str) -> None:
        """Gives up a token that the vault refused, unless a newer one has taken its place."""
        with self._lock:
            slot = self._slots.get(organization.id)
            if slot is not None and slot.token == token:
                del self._slots[organization.id]

    def _slot(self, key: UUID) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > self._limit:
                self._slots.popitem(last=False)
            return slot
