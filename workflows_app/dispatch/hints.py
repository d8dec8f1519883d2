"""Hints that there is work: sent after a commit, heard by the clusters that run workers.

A hint says nothing but "look". The database is the truth: a lost hint costs at most the time of a poll, and so nothing
here ever raises, blocks a caller, or writes inside somebody's transaction (a NOTIFY there takes a lock that the whole
database shares). Hints travel by PostgreSQL, or by Redis where REDIS_URL is set.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import structlog
from django.conf import settings
from django.db import connections

if TYPE_CHECKING:
    import redis

log = structlog.get_logger(__name__)

POSTGRES_CHANNEL = "bifrost_work"
REDIS_LIST = "bifrost:work"
SECONDS_BETWEEN = 0.005
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 5.0


class Channel(Protocol):
    """A way that hints travel. Connects on first use; raises OSError while it cannot, and connects again next time."""

    def send(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Whether a hint came within that time. True at once after a new connection: one may have been missed."""

    def close(self) -> None: ...


class PostgresChannel:
    """NOTIFY and LISTEN on a connection of its own, in autocommit. Every listener hears each hint."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._listening = False

    def send(self) -> None:
        with self._guarded() as connection:
            connection.execute(f"NOTIFY {POSTGRES_CHANNEL}")

    def wait(self, seconds: float) -> bool:
        with self._guarded() as connection:
            if self._listening:
                return bool(list(connection.notifies(timeout=seconds, stop_after=1)))
            connection.execute(f"LISTEN {POSTGRES_CHANNEL}")
            self._listening = True
            return True

    def close(self) -> None:
        self._listening = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _guarded(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            if self._connection is None:
                parameters = connections["default"].get_connection_params()
                self._connection = psycopg.connect(**parameters, autocommit=True)
            yield self._connection
        except psycopg.Error as error:
            self.close()
            raise ConnectionError(str(error).strip()) from error


class RedisChannel:
    """A list of at most one entry. One of those who wait for it takes it."""

    def __init__(self) -> None:
        self._client: redis.Redis | None = None

    def send(self) -> None:
        with self._guarded() as client:
            pipeline = client.pipeline()
            pipeline.lpush(REDIS_LIST, 1)
            pipeline.ltrim(REDIS_LIST, 0, 0)
            pipeline.execute()

    def wait(self, seconds: float) -> bool:
        with self._guarded() as client:
            return client.blpop([REDIS_LIST], timeout=seconds) is not None

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _guarded(self) -> Iterator[redis.Redis]:
        import redis  # takes a tenth of a process's start, and most platforms run without

        try:
            if self._client is None:
                self._client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
            yield self._client
        except redis.RedisError as error:
            self.close()
            raise ConnectionError(str(error).strip()) from error


def channel() -> Channel:
    """The channel that the settings choose, not yet connected."""
    return RedisChannel() if settings.REDIS_URL else PostgresChannel()


class _Outage:
    """While a channel is away: says so once, and when to try again, at growing intervals."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._delay = 0.0
        self._until = 0.0

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def began(self, error: OSError) -> None:
        if not self._delay:
            log.warning("hints wait for their channel; polling goes on", who=self._who, error=str(error))
        self._delay = min(max(self._delay * 2, FIRST_RETRY_SECONDS), LONGEST_RETRY_SECONDS)
        self._until = time.monotonic() + self._delay

    def ended(self) -> None:
        if self._delay:
            log.info("hints have their channel again", who=self._who)
        self._delay = self._until = 0.0


class Listener:
    """The waiting side, for one thread of one process."""

    def __init__(self, make_channel: Callable[[], Channel] = channel) -> None:
        self._channel = make_channel()
        self._outage = _Outage("listener")

    def wait(self, seconds: float) -> bool:
        """Whether a hint came within that time. While the channel is away it waits as long and has heard nothing."""
        if self._outage.seconds_left:
            time.sleep(min(seconds, self._outage.seconds_left))
            return False
        try:
            heard = self._channel.wait(seconds)
        except OSError as error:
            self._outage.began(error)
            return False
        self._outage.ended()
        return heard

    def close(self) -> None:
        self._channel.close()


class Notifier:
    """The sending side of one process: one thread, started by the first hint, that sends one for many."""

    def __init__(self, make_channel: Callable[[], Channel] = channel) -> None:
        self._make_channel = make_channel
        self._wanted = threading.Event()
        self._pending = False
        self._starting = threading.Lock()
        self._closing = False
        self._thread: threading.Thread | None = None

    def hint(self) -> None:
        """Has a hint sent soon: at once where none was sent for 5 ms, otherwise one for all of that time."""
        if self._thread is None:
            with self._starting:
                if self._thread is None and not self._closing:
                    self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                    self._thread.start()
        self._pending = True
        if not self._wanted.is_set():
            self._wanted.set()

    def close(self) -> None:
        """Sends what was hinted, then ends the thread and closes its connection."""
        with self._starting:
            self._closing = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def _run(self) -> None:
        channel, outage = self._make_channel(), _Outage("notifier")
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._pending:
                self._pending = False
                try:
                    _send(channel)
                    outage.ended()
                except OSError as error:
                    outage.began(error)
            if self._closing:
                return channel.close()
            time.sleep(max(SECONDS_BETWEEN, outage.seconds_left))


def _send(channel: Channel) -> None:
    try:
        channel.send()
    except OSError:
        # The connection was idle and has died meanwhile; a fresh one may do.
        channel.send()


# By process number: a child of a fork has neither its parent's thread nor a right to its connection.
_notifiers: dict[int, Notifier] = {}


def send() -> None:
    """Says that there is work. Returns at once, whatever the channel does."""
    pid = os.getpid()
    notifier = _notifiers.get(pid) or _notifiers.setdefault(pid, Notifier())
    notifier.hint()


def close() -> None:
    """Ends this process's notifier; the next `send` starts another."""
    notifier = _notifiers.pop(os.getpid(), None)
    if notifier is not None:
        notifier.close()
