"""Hints: they arrive, they are coalesced, and their sender never waits or fails, whatever their channel does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections

from tests.acceptance.launching import eventually
from tests.workflows_app.dispatch.redis_server import redis_server
from workflows_app.dispatch import hints
from workflows_app.dispatch.hints import Channel, Listener, Notifier, PostgresChannel, RedisChannel

pytestmark = pytest.mark.django_db


@pytest.fixture
def closing() -> Iterator[Callable[[Any], Any]]:
    """Closes what it was given, so that no connection outlives the test."""
    opened: list[Any] = []

    def keep(closable: Any) -> Any:
        opened.append(closable)
        return closable

    yield keep
    hints.close()
    for closable in opened:
        closable.close()


@pytest.fixture(params=["postgres", "redis"])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[], Channel]]:
    """Both ways that hints travel."""
    if request.param == "postgres":
        yield PostgresChannel
        return
    settings = request.getfixturevalue("settings")
    with redis_server() as url:
        settings.REDIS_URL = url
        yield RedisChannel


class Recording:
    """A channel that only counts, and fails while it is told to."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.attempts = 0
        self.away = False
        self.slow = threading.Event()
        self.slow.set()

    def send(self) -> None:
        self.attempts += 1
        self.slow.wait(10)
        if self.away:
            raise ConnectionError("away")
        self.sent.append(time.monotonic())

    def wait(self, seconds: float) -> bool:
        self.attempts += 1
        if self.away:
            raise ConnectionError("away")
        return True

    def close(self) -> None:
        self.slow.set()


@pytest.fixture
def recording() -> Recording:
    return Recording()


# --- the channels ----------------------------------------------------------------------------------------------------


def heard_after_silence(listener: Channel) -> None:
    """A new listener looks once, since it may have missed one; then nothing is to be heard."""
    while listener.wait(0.05):
        pass


def test_a_hint_arrives(make: Callable[[], Channel], closing: Any) -> None:
    listener, sender = closing(make()), closing(make())
    heard_after_silence(listener)

    sender.send()

    assert listener.wait(5)
    assert not listener.wait(0.05)


def test_a_hint_wakes_who_waits(make: Callable[[], Channel], closing: Any) -> None:
    listener, sender = closing(make()), closing(make())
    heard_after_silence(listener)
    later = threading.Timer(0.1, sender.send)
    later.start()
    began = time.monotonic()

    assert listener.wait(5)

    assert time.monotonic() - began < 1
    later.join()


def test_many_hints_are_few_to_hear(make: Callable[[], Channel], closing: Any) -> None:
    listener, sender = closing(make()), closing(make())
    heard_after_silence(listener)

    for _ in range(200):
        sender.send()

    heard = 0
    while listener.wait(0.1):
        heard += 1
    assert 1 <= heard <= 50


def test_without_a_hint_the_wait_ends_in_time(make: Callable[[], Channel], closing: Any) -> None:
    listener = closing(make())
    heard_after_silence(listener)
    began = time.monotonic()

    assert not listener.wait(0.3)

    assert 0.25 < time.monotonic() - began < 1


def test_every_postgres_listener_hears_a_hint(closing: Any) -> None:
    listeners = [closing(PostgresChannel()) for _ in range(3)]
    for listener in listeners:
        heard_after_silence(listener)

    closing(PostgresChannel()).send()

    assert [listener.wait(5) for listener in listeners] == [True] * 3


def test_the_list_in_redis_holds_one_entry_at_most(closing: Any, settings: Any) -> None:
    import redis

    with redis_server() as settings.REDIS_URL:
        sender = closing(RedisChannel())
        for _ in range(20):
            sender.send()
        assert redis.Redis.from_url(settings.REDIS_URL).llen(hints.REDIS_LIST) == 1


def test_the_settings_choose_the_channel(settings: Any) -> None:
    settings.REDIS_URL = ""
    assert isinstance(hints.channel(), PostgresChannel)
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert isinstance(hints.channel(), RedisChannel)


def cut_other_connections() -> None:
    """What a restart of the database does to them."""
    with psycopg.connect(**connections["default"].get_connection_params(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query IN (%s, %s)",
            [f"NOTIFY {hints.POSTGRES_CHANNEL}", f"LISTEN {hints.POSTGRES_CHANNEL}"],
        )


def test_a_connection_that_was_cut_is_replaced(closing: Any) -> None:
    listener, sender = closing(Listener(PostgresChannel)), closing(Notifier(PostgresChannel))
    assert listener.wait(0.1)
    sender.hint()
    assert listener.wait(5)

    cut_other_connections()

    eventually(lambda: not listener.wait(0.05), "the listener notices")
    eventually(lambda: listener.wait(0.1), "the listener is back, and looks")
    sender.hint()
    assert listener.wait(5)


# --- the listener ----------------------------------------------------------------------------------------------------


def test_a_channel_that_is_away_neither_fails_nor_spins(recording: Recording, caplog: Any) -> None:
    recording.away = True
    listener, began = Listener(lambda: recording), time.monotonic()

    heard = [listener.wait(0.1) for _ in range(10)]

    assert heard == [False] * 10
    assert time.monotonic() - began > 0.8
    assert recording.attempts <= 3
    assert caplog.text.count("hints wait for their channel") == 1


def test_a_channel_that_comes_back_is_heard_again(recording: Recording) -> None:
    recording.away = True
    listener = Listener(lambda: recording)
    listener.wait(0.01)

    recording.away = False

    eventually(lambda: listener.wait(0.05), "a hint")


def test_a_redis_that_is_not_there_is_away(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1"
    assert not Listener().wait(0.05)


# --- the notifier ----------------------------------------------------------------------------------------------------


def test_the_first_hint_goes_at_once(recording: Recording, closing: Any) -> None:
    notifier = closing(Notifier(lambda: recording))
    notifier.hint()
    eventually(lambda: recording.sent, "the hint")


def test_many_hints_are_sent_as_few(recording: Recording, closing: Any) -> None:
    notifier, began = closing(Notifier(lambda: recording)), time.monotonic()
    while time.monotonic() - began < 0.2:
        notifier.hint()
    notifier.close()

    assert 2 <= len(recording.sent) <= 0.2 / hints.SECONDS_BETWEEN + 2
    gaps = [after - before for before, after in zip(recording.sent, recording.sent[1:], strict=False)]
    assert min(gaps) >= hints.SECONDS_BETWEEN * 0.9


def test_a_hint_during_a_slow_one_is_sent_after_it(recording: Recording, closing: Any) -> None:
    notifier = closing(Notifier(lambda: recording))
    recording.slow.clear()
    notifier.hint()
    eventually(lambda: recording.attempts == 1, "the first")

    notifier.hint()
    recording.slow.set()

    eventually(lambda: len(recording.sent) == 2, "both")


def test_closing_sends_what_was_hinted(recording: Recording, closing: Any) -> None:
    notifier = Notifier(lambda: recording)
    notifier.hint()
    notifier.close()
    assert len(recording.sent) == 1


def test_a_slow_channel_delays_no_sender(recording: Recording, closing: Any) -> None:
    notifier = closing(Notifier(lambda: recording))
    recording.slow.clear()
    began = time.monotonic()

    for _ in range(1_000):
        notifier.hint()

    assert time.monotonic() - began < 0.5


def test_a_channel_that_is_away_is_tried_at_intervals_and_said_once(
    recording: Recording, closing: Any, caplog: Any
) -> None:
    recording.away = True
    notifier, began = closing(Notifier(lambda: recording)), time.monotonic()
    while time.monotonic() - began < 1:
        notifier.hint()
    assert recording.attempts <= 6
    assert caplog.text.count("hints wait for their channel") == 1

    recording.away = False
    notifier.hint()

    eventually(lambda: recording.sent, "the hint", 10)


def test_a_hint_is_sent_by_a_connection_of_its_own(closing: Any) -> None:
    """Not in the test's transaction, which never commits."""
    listener = closing(PostgresChannel())
    heard_after_silence(listener)

    hints.send()

    assert listener.wait(5)


def test_after_closing_the_next_hint_starts_anew(closing: Any) -> None:
    listener = closing(PostgresChannel())
    heard_after_silence(listener)
    hints.send()
    assert listener.wait(5)
    hints.close()
    heard_after_silence(listener)

    hints.send()

    assert listener.wait(5)


def test_a_forked_child_sends_by_itself_and_leaves_its_parents_connection_alone(closing: Any) -> None:
    listener = closing(PostgresChannel())
    hints.send()
    heard_after_silence(listener)

    child = os.fork()
    if child == 0:
        try:
            signal.alarm(10)
            hints.send()
            hints.close()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert listener.wait(5)
    heard_after_silence(listener)
    hints.send()
    assert listener.wait(5)
