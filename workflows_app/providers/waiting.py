"""How many callers may wait for options at once, so that pages, health and runs go on meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings


class Busy(Exception):
    """There is no place for another caller that waits."""


_lock = threading.Lock()
_waiting: Counter[UUID] = Counter()


@contextmanager
def waiting(organization: UUID) -> Iterator[None]:
    """Holds a place for one caller: of three eighths of the process's web threads, a quarter of them for one
    organization. With the half that may wait for sync workflows, an eighth is left. Raises Busy."""
    with _lock:
        all_, own = max(1, settings.WEB_THREADS * 3 // 8), max(1, settings.WEB_THREADS // 4)
        if _waiting.total() >= all_ or _waiting[organization] >= own:
            raise Busy
        _waiting[organization] += 1
    try:
        yield
    finally:
        with _lock:
            _waiting[organization] -= 1
            if not _waiting[organization]:
                del _waiting[organization]
