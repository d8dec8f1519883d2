"""Who watches which execution, and the one thread of this process that looks for all of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog
from django.db import connection

from orgs.records import OrganizationRecord
from orgs.tenancy import guard_thread
from workflows_app.engine.connection import DatabaseAway
from workflows_app.errors import TooManyWatching
from workflows_app.live.looking import State, look

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
AWAY_SECONDS = 1.0
RETRY_AFTER_SECONDS = 5


class Watch:
    """One watcher's view of one execution: an asynchronous iterator of the states that it has not told of.

    It ends behind the terminal state, or when it is closed. States that come while nobody asks are one: the newest.
    """

    def __init__(self, organization: OrganizationRecord, execution: UUID, state: State, told: State) -> None:
        self.organization = organization
        self.execution = execution
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._state = state
        self._over = False
        if state != told or state.ended:
            self._news.set()

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> State:
        await self._news.wait()
        if self._over:
            raise StopAsyncIteration
        self._news.clear()
        if self._state.ended:
            self.close()
        return self._state

    def close(self) -> None:
        """Nothing more comes. Called on its loop."""
        self._over = True
        self._news.set()

    def hear(self, state: State | None) -> None:
        """What was found of it now; None closes it. May be called from every thread."""
        if state == self._state:
            return
        with suppress(RuntimeError):  # its loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._heard, state)

    def _heard(self, state: State | None) -> None:
        if state is None:
            self.close()
        elif state != self._state and not self._state.ended:
            self._state = state
            self._news.set()


class Watchers:
    """At most `most` watches, half of them of one organization. While there is one, a thread looks every 100 ms, with
    one statement for each organization that is watched; otherwise there are neither statements nor a connection.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_each = max(1, most // 2)
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def __len__(self) -> int:
        return len(self._watches)

    @contextmanager
    def watch(self, organization: OrganizationRecord, execution: UUID, state: State, told: State) -> Iterator[Watch]:
        """A watch of the execution, whose state is known, by somebody who knows of `told`.

        Raises TooManyWatching where there is no room, or the process is about to end.
        """
        made = Watch(organization, execution, state, told)
        self._enter(made)
        try:
            yield made
        finally:
            with self._lock:
                self._watches.discard(made)

    def stop(self) -> None:
        """All watches end, and none begins any more."""
        self._stopped.set()
        with self._lock:
            watches = list(self._watches)
        for watch in watches:
            watch.hear(None)

    def close(self, timeout: float) -> None:
        """The same, and waits for the thread to let go of its connection."""
        thread = self._thread
        self.stop()
        if thread is not None:
            thread.join(timeout)

    def _enter(self, watch: Watch) -> None:
        with self._lock:
            if self._stopped.is_set():
                raise TooManyWatching("This process is stopping; try again.", RETRY_AFTER_SECONDS)
            same = sum(each.organization.id == watch.organization.id for each in self._watches)
            if same >= self._most_each or len(self._watches) >= self._most:
                raise TooManyWatching("Too many watch executions now; try again in a moment.", RETRY_AFTER_SECONDS)
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-journal", daemon=True)
                self._thread.start()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        guard_thread()
        try:
            while watched := self._watched():
                self._stopped.wait(self._look(watched))
        except Exception:
            log.exception("the live journal broke down")
            self._let_go()
        finally:
            connection.close()

    def _watched(self) -> list[list[Watch]]:
        """All watches, those of one organization together. Without any, the thread is no longer counted on."""
        watched: dict[UUID, list[Watch]] = defaultdict(list)
        with self._lock:
            if not self._watches or self._stopped.is_set():
                self._thread = None
            else:
                for watch in self._watches:
                    watched[watch.organization.id].append(watch)
        return list(watched.values())

    def _let_go(self) -> None:
        """Whoever watches comes again, and finds another thread."""
        with self._lock:
            self._thread = None
            watches = list(self._watches)
        for watch in watches:
            watch.hear(None)

    def _look(self, watched: list[list[Watch]]) -> float:
        """Looks once, tells the watches, and says how long to wait: no more than half of the time goes into looking."""
        began = time.monotonic()
        try:
            found = look([(watches[0].organization, {each.execution for each in watches}) for watches in watched])
        except DatabaseAway as error:
            log.warning("the live journal waits for the database", error=str(error).strip())
            return AWAY_SECONDS
        for watches, states in zip(watched, found, strict=True):
            for watch in watches:
                watch.hear(states.get(watch.execution))
        return max(LOOK_SECONDS, time.monotonic() - began)
