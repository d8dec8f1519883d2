"""The engine's database threads: each closes its own connection, and none outlives the engine or keeps a dead one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from django.db import connection as django_connection

from tests.acceptance.launching import eventually
from workflows_app.engine import connection
from workflows_app.engine.database import DatabaseThreads

pytestmark = pytest.mark.django_db(transaction=True)


def ask(statement: str) -> Any:
    return connection.raw().execute(statement.encode()).fetchone()


def ask_django(statement: str) -> Any:
    with django_connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def ask_in_vain(statement: str) -> Any:
    with suppress(*connection.LOST):
        return ask(statement)


@pytest.fixture
def threads() -> DatabaseThreads:
    return DatabaseThreads(2)


def ended(pids: list[int]) -> bool:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [pids])
        return bool(cursor.fetchone() == (0,))


@pytest.fixture
def thread() -> Iterator[DatabaseThreads]:
    alone = DatabaseThreads(1)
    yield alone
    alone.close()


def terminate(pid: int) -> None:
    """Ends the session, as a restart of the server does, and waits until it has ended."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
        assert cursor.fetchone() == (True,)


def test_an_idle_thread_s_connection_is_closed(threads: DatabaseThreads) -> None:
    [pid] = threads.submit(ask, "SELECT pg_backend_pid()").result(10)

    threads.close()

    eventually(lambda: ended([pid]), "the end of its connection")


def test_work_under_way_is_finished_and_its_thread_ends(threads: DatabaseThreads) -> None:
    begun: list[int] = []

    def work() -> Any:
        begun.extend(ask("SELECT pg_backend_pid()"))
        return ask("SELECT 'done' FROM pg_sleep(1)")

    running = [threads.submit(work), threads.submit(work)]
    waiting = threads.submit(work)
    eventually(lambda: len(begun) == 2, "both statements")

    threads.close()

    assert [future.result(10) for future in running] == [("done",), ("done",)]
    assert waiting.cancelled()
    eventually(lambda: ended(begun), "the end of their connections")
    eventually(lambda: not any(thread.name.startswith("engine-database") for thread in threading.enumerate()), "theirs")
    assert len(begun) == 2


@pytest.mark.parametrize("asked", [ask, ask_django])
def test_a_connection_that_was_lost_is_replaced_after_the_call_that_meets_its_loss(
    thread: DatabaseThreads, asked: Callable[[str], Any]
) -> None:
    [pid] = thread.submit(asked, "SELECT pg_backend_pid()").result(10)
    terminate(pid)

    with pytest.raises(connection.LOST):
        thread.submit(asked, "SELECT 1").result(10)

    [other] = thread.submit(asked, "SELECT pg_backend_pid()").result(10)
    assert other != pid


def test_so_is_one_whose_loss_the_call_kept_to_itself(thread: DatabaseThreads) -> None:
    [pid] = thread.submit(ask, "SELECT pg_backend_pid()").result(10)
    terminate(pid)

    assert thread.submit(ask_in_vain, "SELECT 1").result(10) is None

    assert thread.submit(ask, "SELECT 1").result(10) == (1,)


def test_one_that_was_closed_while_its_thread_was_idle_is_replaced_before_the_call(thread: DatabaseThreads) -> None:
    thread.submit(connection.raw).result(10).close()

    assert thread.submit(ask, "SELECT 1").result(10) == (1,)


def test_what_the_database_refuses_costs_no_connection(thread: DatabaseThreads) -> None:
    [pid] = thread.submit(ask, "SELECT pg_backend_pid()").result(10)

    with pytest.raises(psycopg.errors.UndefinedTable):
        thread.submit(ask, "SELECT 1 FROM nobody").result(10)

    assert thread.submit(ask, "SELECT pg_backend_pid()").result(10) == (pid,)
