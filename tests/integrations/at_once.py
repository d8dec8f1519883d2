"""Several threads with a connection each, as so many processes would have: they act at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(number: int, act: Callable[[int], T]) -> list[T]:
    """What each came to, in no order of time. Only where the test's database writes are committed."""
    barrier = threading.Barrier(number)

    def one(place: int) -> T:
        try:
            connections["default"].ensure_connection()
            barrier.wait(20)
            return act(place)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))
