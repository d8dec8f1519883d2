"""A few threads in which equal questions that are under way at the same time are asked once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Flights:
    """Runs work in threads of its own, one flight per key. No method blocks, so an event loop may call them.

    A flight's time begins when it is asked for, not when a thread is free: the deadline that `work` gets bounds both
    together. Each caller has a future of its own, so that one who gives up takes nothing from the others.
    """

    def __init__(self, threads: int, seconds: float, name: str) -> None:
        self._seconds = seconds
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, list[Future[Any]]] = {}

    def join(self, key: Hashable, work: Callable[[float], T]) -> Future[T]:
        """A future of `work(deadline)`, or of the flight that is already under way for this key."""
        waiter: Future[T] = Future()
        with self._lock:
            waiters = self._waiting.get(key)
            if waiters is not None:
                waiters.append(waiter)
                return waiter
            flight = self._pool.submit(work, time.monotonic() + self._seconds)
            waiters = self._waiting[key] = [waiter]
        flight.add_done_callback(partial(self._land, key, waiters))
        return waiter

    def forget(self, key: Hashable) -> None:
        """Whoever asks from now on gets a new flight: what the present one reads is out of date."""
        with self._lock:
            self._waiting.pop(key, None)

    def close(self) -> None:
        """Takes no more questions; those under way are answered."""
        self._pool.shutdown(wait=False)

    def _land(self, key: Hashable, waiters: list[Future[Any]], flight: Future[Any]) -> None:
        with self._lock:
            if self._waiting.get(key) is waiters:
                del self._waiting[key]
        error = flight.exception()
        for waiter in waiters:
            if not waiter.set_running_or_notify_cancel():
                continue
            if error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(flight.result())
