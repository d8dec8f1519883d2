"""Events of an execution's journal, and the one writer per process that commits them for many executions at once."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import psycopg
import structlog
from django.db.utils import OperationalError

from orgs.tenancy import guard_thread, shared_context
from workflows_app.engine import connection
from workflows_app.metrics.noticing import batch_committed

log = structlog.get_logger(__name__)

CONNECTION_ERRORS = (psycopg.OperationalError, psycopg.InterfaceError, OperationalError)
RETRY_SECONDS = 0.5
EVENTS_PER_BATCH = 200


@dataclass(slots=True)
class Event:
    """One journal line, as it was made: not yet redacted, its data already plain JSON.

    `exact`: the value in its data, encrypted, where redaction changes it; `seals`: the writer finds that out.
    """

    seq: int
    at: str
    kind: str
    name: str
    path: str
    number: int
    data: Any
    exact: bytes | None = None
    seals: bool = False


Statement = tuple[bytes, dict[str, Any]]


@dataclass(slots=True)
class Write:
    """A statement of one execution that the writer commits: more events, or its end.

    `make` gives it with its parameters; it is called once, in the writer's thread.
    """

    make: Callable[[], Statement]
    done: Future[tuple[Any, ...]] = field(default_factory=Future)
    _made: Statement | None = None

    @property
    def made(self) -> Statement:
        if self._made is None:
            self._made = self.make()
        return self._made


class FenceLost(Exception):
    """This process's `Worker` row is gone: others own its executions now, and it may write nothing more."""


class Writer:
    """One thread that commits what running executions hand it, as few transactions as the load allows.

    A connection error repeats the same batch until the database is back; a data error harms only its own execution.
    `on_fence_lost` is called once, from the writer's thread, when a statement finds the fence gone.
    """

    def __init__(self, name: str, on_fence_lost: Callable[[], None]) -> None:
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._on_fence_lost = on_fence_lost
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"journal-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, write: Write) -> Write:
        """Queues the write; `write.done` holds the statement's row once it is durable, or what prevented it."""
        self._queue.put(write)
        return write

    def close(self, timeout: float) -> None:
        """Commits what is queued, then ends the thread; gives up after `timeout` seconds."""
        self._closing.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        guard_thread()
        with shared_context():
            while self._commit_next():
                pass
        connection.discard()

    def _commit_next(self) -> bool:
        """Whether there was a batch. By itself, so that a thread that waits for the next one keeps nothing of it."""
        batch = self._next_batch()
        if batch is None:
            return False
        if made := [write for write in batch if self._make(write)]:
            self._commit(made)
        return True

    def _next_batch(self) -> list[Write] | None:
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < EVENTS_PER_BATCH:
            try:
                write = self._queue.get_nowait()
            except queue.Empty:
                break
            if write is None:
                self._queue.put(None)
                break
            batch.append(write)
        return batch

    def _make(self, write: Write) -> bool:
        """An accident of one write is its own."""
        try:
            return bool(write.made)
        except Exception as error:  # noqa: BLE001  handed to whoever waits for the write
            self._fail([write], error)
            return False

    def _commit(self, batch: Sequence[Write]) -> None:
        while True:
            try:
                rows = _commit_together(batch)
            except CONNECTION_ERRORS as error:
                connection.discard()
                if self._closing.is_set():
                    return self._fail(batch, error)
                log.warning("journal waits for the database", error=str(error).strip(), writes=len(batch))
                time.sleep(RETRY_SECONDS)
            except psycopg.Error as error:
                return self._split(batch, error)
            else:
                batch_committed(len(batch))
                return self._settle(batch, rows)

    def _split(self, batch: Sequence[Write], error: psycopg.Error) -> None:
        """A statement was refused for its data: each goes by itself, so that only the culprit fails."""
        if len(batch) == 1:
            return self._fail(batch, error)
        for write in batch:
            self._commit([write])

    def _fail(self, batch: Sequence[Write], error: Exception) -> None:
        for write in batch:
            if write.done.set_running_or_notify_cancel():
                write.done.set_exception(error)

    def _settle(self, batch: Sequence[Write], rows: Sequence[tuple[Any, ...]]) -> None:
        for write, row in zip(batch, rows, strict=True):
            if not write.done.set_running_or_notify_cancel():
                continue
            if row[0]:
                write.done.set_result(row)
            else:
                write.done.set_exception(FenceLost())
        if not all(row[0] for row in rows):
            self._on_fence_lost()


def _commit_together(batch: Sequence[Write]) -> list[tuple[Any, ...]]:
    """All statements of the batch in one transaction and one round trip. Their rows, in order."""
    return [row for rows in connection.together([write.made for write in batch]) for row in rows]
