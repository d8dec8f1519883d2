"""How many callers may wait for sync executions at once, so that portal and health go on (engine.md, section 9)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from workflows_app.errors import TooManyWaiting

RETRY_AFTER_SECONDS = 2


class Admission:
    """Counts waiting callers: at most half of the process's web threads, and a quarter for one organization."""

    def __init__(self, threads: int) -> None:
        self._total_limit = max(1, threads // 2)
        self._each_limit = max(1, threads // 4)
        self._lock = threading.Lock()
        self._waiting: Counter[UUID] = Counter()
        self._total = 0

    @contextmanager
    def wait(self, organization: UUID) -> Iterator[None]:
        """Holds a place for one waiting caller. Raises TooManyWaiting when there is none."""
        self._enter(organization)
        try:
            yield
        finally:
            self._leave(organization)

    def _enter(self, organization: UUID) -> None:
        with self._lock:
            if self._waiting[organization] >= self._each_limit:
                raise TooManyWaiting(
                    f"{self._each_limit} callers of this organization already wait for sync workflows.",
                    RETRY_AFTER_SECONDS,
                )
            if self._total >= self._total_limit:
                raise TooManyWaiting(
                    f"{self._total_limit} callers already wait for sync workflows.", RETRY_AFTER_SECONDS
                )
            self._waiting[organization] += 1
            self._total += 1

    def _leave(self, organization: UUID) -> None:
        with self._lock:
            self._total -= 1
            self._waiting[organization] -= 1
            if not self._waiting[organization]:
                del self._waiting[organization]
