"""The engine's few threads for database work, which its loop must not do itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from orgs.tenancy import guard_thread, shared_context
from workflows_app.engine import connection

T = TypeVar("T")


class DatabaseThreads:
    """Each keeps one connection, opened on first use and again when it is lost."""

    def __init__(self, number: int) -> None:
        self._executor = ThreadPoolExecutor(number, "engine-database", initializer=guard_thread)
        self._lock = threading.Lock()
        self._idle: dict[int, Any] = {}  # the connections of threads that do nothing now
        self._closed = False

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Runs it in the shared schema, unless it opens an `org_context`. Raises RuntimeError once closed."""
        return self._executor.submit(self._work, function, arguments)

    def close(self) -> None:
        """Starts nothing more. A connection in use is its thread's to close: under its feet, it would wait for ever."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for opened in idle.values():
            opened.close()

    def _work(self, function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        thread = threading.get_ident()
        with self._lock:
            self._idle.pop(thread, None)
        connection.discard_closed()
        with shared_context():
            try:
                return function(*arguments)
            except connection.LOST:
                connection.discard()
                raise
            finally:
                self._rest(thread)

    def _rest(self, thread: int) -> None:
        connection.discard_closed()  # whatever the function has made of it
        with self._lock:
            closed = self._closed
            if not closed and (opened := connection.opened()) is not None:
                self._idle[thread] = opened
        if closed:
            connection.discard()
