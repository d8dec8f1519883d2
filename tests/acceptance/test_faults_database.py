"""PostgreSQL stands still, restarts or crashes under load: nobody is declared dead, and every run ends well."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance.crowd import Crowd, all_workers, holders, workers
from tests.acceptance.launching import eventually, send
from tests.acceptance.stack import Stack, running_stack
from tests.acceptance.test_database_away import away, frozen, is_reachable, postmaster

NUMBER = 100
AWAY_SECONDS = 2


def wait(seconds: float) -> None:
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > seconds, "the time", seconds + 10)


def rows(stack: Stack) -> list[tuple[Any, ...]]:
    return sorted(stack.sql("SELECT id FROM dispatch_worker"))


@contextmanager
def nobody_is_declared_dead(crowd: Crowd) -> Iterator[None]:
    all_workers(crowd.stack)
    before = rows(crowd.stack)
    yield
    assert rows(crowd.stack) == before
    assert "worker is dead" not in crowd.stack.said
    assert "fenced" not in crowd.stack.said


def start_and_wait_for_some(crowd: Crowd) -> tuple[list[str], list[str]]:
    once, again = crowd.start("once", NUMBER, seconds=0.3), crowd.start("again", NUMBER, seconds=0.3)
    crowd.wait_ended(int(0.2 * len(crowd.ids)))
    return once, again


def all_well(crowd: Crowd) -> None:
    crowd.wait_ended()
    assert crowd.check(crowd.ids) == {"Success": len(crowd.ids)}
    assert set(crowd.counts("begin").values()) == {1}


@pytest.mark.faults
def test_it_stands_still_under_load(crowd: Crowd) -> None:
    with nobody_is_declared_dead(crowd):
        for _ in range(2):
            start_and_wait_for_some(crowd)
            with frozen(crowd.stack):
                wait(AWAY_SECONDS)
        all_well(crowd)


@pytest.mark.faults
@pytest.mark.parametrize("gone", [away, frozen])
def test_again_and_again(crowd: Crowd, gone: Callable[[Stack], AbstractContextManager[None]]) -> None:
    with nobody_is_declared_dead(crowd):
        for _ in range(4):
            start_and_wait_for_some(crowd)
            with gone(crowd.stack):
                wait(AWAY_SECONDS)
            eventually(crowd.stack.up.is_healthy, "health")
        all_well(crowd)


def crash(stack: Stack) -> None:
    """Kills one of the server's processes, and is back once the server has noticed."""
    with psycopg.connect(stack.up.document["databaseUrl"], autocommit=True) as thrown_out:
        backend = "SELECT pid FROM pg_stat_activity WHERE application_name = 'bifrost' ORDER BY random() LIMIT 1"
        [(pid,)] = thrown_out.execute(backend)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: is_cut(thrown_out), "the crash")


def is_cut(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@pytest.mark.faults
def test_it_crashes_under_load(crowd: Crowd) -> None:
    """One of its processes is killed: the server throws all others out and recovers from its log."""
    with nobody_is_declared_dead(crowd):
        for _ in range(3):
            start_and_wait_for_some(crowd)
            crash(crowd.stack)
            eventually(lambda: is_reachable(crowd.stack), "its return")
            eventually(crowd.stack.up.is_healthy, "health")
        all_well(crowd)


@pytest.mark.faults
def test_the_server_itself_is_killed_under_load(crowd: Crowd) -> None:
    with nobody_is_declared_dead(crowd):
        start_and_wait_for_some(crowd)
        killed = postmaster(crowd.stack)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: is_reachable(crowd.stack) and postmaster(crowd.stack) != killed, "the next server", 60)
        eventually(crowd.stack.up.is_healthy, "health")
        all_well(crowd)


@contextmanager
def disturbed(stack: Stack, query: str) -> Iterator[None]:
    """Again and again, whoever is connected and last said this is thrown out."""
    ended = threading.Event()
    statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s"

    def disturb() -> None:
        with psycopg.connect(stack.up.document["databaseUrl"], autocommit=True) as connection:
            while not ended.wait(0.02):
                connection.execute(statement.encode(), [query])

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.faults
def test_hints_are_lost_under_load(crowd: Crowd) -> None:
    """Nobody hears them and nobody can send them: what waits is found by looking."""
    with disturbed(crowd.stack, "LISTEN%"), disturbed(crowd.stack, "NOTIFY%"):
        for _ in range(3):
            crowd.start("once", NUMBER)
            crowd.wait_ended(seconds=20)
        for _ in range(10):
            crowd.start("once", 1)
            crowd.wait_ended(seconds=5)
    all_well(crowd)
    listening = "SELECT count(*) >= 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
    eventually(lambda: crowd.stack.sql(listening) == [(True,)], "somebody who listens again")


@pytest.mark.faults
def test_every_connection_is_cut_again_and_again(crowd: Crowd) -> None:
    with nobody_is_declared_dead(crowd):
        for _ in range(5):
            start_and_wait_for_some(crowd)
            crowd.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bifrost'")
        all_well(crowd)


# --- with the times as they are by default ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def default_stack() -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture
def default_crowd(default_stack: Stack, tmp_path: Path) -> Iterator[Crowd]:
    default_stack.begin_test()
    all_workers(default_stack)
    made = Crowd(default_stack, tmp_path / "room")
    yield made
    made.open()
    print(default_stack.said[-20_000:])
    default_stack.nothing_left()


@pytest.mark.faults
def test_forty_seconds_without_it(default_crowd: Crowd) -> None:
    crowd = default_crowd
    crowd.start("once", 50, seconds=-1)
    crowd.start("again", 50, seconds=-1)
    crowd.wait_begun(100)
    with nobody_is_declared_dead(crowd):
        with away(crowd.stack):
            wait(20)
            crowd.open()
            eventually(lambda: len(crowd.counts("end")) == 100, "all results")
            wait(20)
        eventually(crowd.stack.up.is_healthy, "health", 60)
        all_well(crowd)


@pytest.mark.faults
def test_what_a_killed_worker_held_is_found_within_thirty_seconds(default_crowd: Crowd) -> None:
    crowd = default_crowd
    once, again = crowd.start("once", 50, seconds=-1), crowd.start("again", 50, seconds=-1)
    crowd.wait_begun(100)
    killed = holders(crowd.stack)[0]
    send([killed], signal.SIGKILL)
    crowd.open()
    crowd.wait_ended(seconds=30)
    assert crowd.check_once(once)["WorkerLost"] > 0
    assert crowd.check(again) == {"Success": 50}
    assert killed not in workers(crowd.stack)
