"""Decides which workers are dead, by watching their counters with this process's own clock.

A worker is dead when the same counter was seen in enough uninterrupted, successful polls over long enough. A failed or
late poll starts every count anew, so neither a database outage nor a skewed clock declares anybody dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from workflows_app.dispatch.workers import Beat


@dataclass(slots=True)
class _Watched:
    beat: Beat
    since: float
    polls: int


@dataclass(frozen=True, slots=True)
class Dead:
    """A worker whose counter stood still, and for how long this process watched it."""

    worker: UUID
    seen: Beat
    silent_seconds: float


class Observer:
    """One process's view of all workers' counters. `late_after`: a gap between polls that starts every count anew."""

    def __init__(
        self,
        dead_after_seconds: float,
        dead_after_polls: int,
        late_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = dead_after_seconds
        self._polls = dead_after_polls
        self._late_after = late_after
        self._clock = clock
        self._watched: dict[UUID, _Watched] = {}
        self._last_poll = clock()

    def forget(self) -> None:
        """A poll failed: nothing that was seen before counts."""
        self._watched.clear()

    def poll(self, beats: Mapping[UUID, Beat]) -> list[Dead]:
        """Takes what a successful poll saw; returns the workers that are dead by now."""
        now = self._clock()
        if now - self._last_poll > self._late_after:
            self.forget()
        self._last_poll = now
        watched = {worker: self._watch(worker, seen, now) for worker, seen in beats.items()}
        self._watched = watched
        return [
            Dead(worker, entry.beat, now - entry.since)
            for worker, entry in watched.items()
            if entry.polls >= self._polls and now - entry.since >= self._seconds
        ]

    def _watch(self, worker: UUID, seen: Beat, now: float) -> _Watched:
        known = self._watched.get(worker)
        if known is None or known.beat.beat != seen.beat:
            return _Watched(seen, now, 1)
        known.polls += 1
        return known
