"""The engine's database threads: each closes its own connection, and none outlives the engine."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection as django_connection

from tests.acceptance.launching import eventually
from workflows_app.engine import connection
from workflows_app.engine.database import DatabaseThreads

pytestmark = pytest.mark.django_db(transaction=True)


def ask(statement: str) -> Any:
    return connection.raw().execute(statement.encode()).fetchone()


@pytest.fixture
def threads() -> DatabaseThreads:
    return DatabaseThreads(2)


def ended(pids: list[int]) -> bool:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)", [pids])
        return bool(cursor.fetchone() == (0,))


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
