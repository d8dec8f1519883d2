"""The options that this process keeps, by question, until their time is over or what they depend on has changed.

Bounded as a whole, and for each organization by itself: one that asks much never drives out what others have.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, replace
from uuid import UUID

from workflows_app.providers.options import Options
from workflows_app.providers.questions import Key, Question, Stamp

MOST_BYTES = 64_000_000
MOST_BYTES_OF_ONE = 8_000_000
ENTRY_BYTES = 500  # beside what its options take as JSON


@dataclass(frozen=True, slots=True)
class _Entry:
    stamp: Stamp
    options: Options
    began: float
    until: float
    bytes: int


class Cache:
    """All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: defaultdict[UUID, OrderedDict[Key, _Entry]] = defaultdict(OrderedDict)  # the longest unused first
        self._bytes: defaultdict[UUID, int] = defaultdict(int)

    def get(self, question: Question) -> Options | None:
        organization = question.organization.id
        with self._lock:
            entry = self._of[organization].get(question.key) if organization in self._of else None
            if entry is None or entry.stamp != question.stamp or entry.until <= time.monotonic():
                return None
            self._of[organization].move_to_end(question.key)
            return entry.options

    def put(self, question: Question, options: Options, bytes_: int, began: float) -> None:
        """Keeps them, unless there are some whose computation began later. `began`: by time.monotonic()."""
        lifetime, key, organization = question.loaded.spec.cache_ttl_seconds, question.key, question.organization.id
        if lifetime == 0:
            return
        kept = replace(options, cached=True)
        entry = _Entry(question.stamp, kept, began, time.monotonic() + lifetime, bytes_ + ENTRY_BYTES)
        with self._lock:
            before = self._of[organization].get(key)
            if before is not None and before.began > began:
                return
            self._drop(organization, key)
            self._of[organization][key] = entry
            self._bytes[organization] += entry.bytes
            self._shrink(organization)

    def forget(self, organization: UUID | None = None) -> None:
        """What there is of the organization, or everything."""
        with self._lock:
            for each in list(self._of) if organization is None else [organization]:
                self._of.pop(each, None)
                self._bytes.pop(each, None)

    def _shrink(self, organization: UUID) -> None:
        while self._bytes[organization] > MOST_BYTES_OF_ONE:
            self._drop(organization, next(iter(self._of[organization])))
        while sum(self._bytes.values()) > MOST_BYTES:
            largest = max(self._bytes, key=lambda each: self._bytes[each])
            self._drop(largest, next(iter(self._of[largest])))

    def _drop(self, organization: UUID, key: Key) -> None:
        entry = self._of[organization].pop(key, None)
        if entry is not None:
            self._bytes[organization] -= entry.bytes


cache = Cache()
