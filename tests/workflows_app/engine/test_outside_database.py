"""The database step of a run: one transaction on an outside database, whole or not at all, and once if so asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from integrations import databases, secrets
from orgs.records import OrganizationRecord
from tests.integrations.outside import OutsideDatabase, outside_database, platforms_address
from tests.workflows_app.engine.conftest import Run, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually


@pytest.fixture
def outside(transactional_db: None, acme: OrganizationRecord) -> Iterator[OutsideDatabase]:
    with outside_database() as made:
        secrets.write_secret(acme, "orders_dsn", made.address)
        yield made
        secrets.delete_secret(acme, "orders_dsn")


SAVES = """
    @workflow(execution_mode="async")
    async def example(context, once: bool = False, fail: bool = False):
        operations = [
            ("INSERT INTO orders (id, item) VALUES (%s, %s)", [1, "a"]),
            ("INSERT INTO orders (id, item) VALUES (%(id)s, %(item)s)", {"id": 1 if fail else 2, "item": "b"}),
            "SELECT item FROM orders ORDER BY id",
        ]
        database = context.database("orders_dsn")
        try:
            saved = await database.transaction(operations, name="save order", exactly_once=once)
        except DatabaseError as error:
            return [error.message, error.details]
        await context.sleep(1.1)
        return saved
"""


def test_it_is_one_step_which_replay_does_not_repeat(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, outside: OutsideDatabase
) -> None:
    workspace.add(SAVES)
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == [
        {"operation": 0, "rowCount": 1, "rows": []},
        {"operation": 1, "rowCount": 1, "rows": []},
        {"operation": 2, "rowCount": 2, "rows": [{"item": "a"}, {"item": "b"}]},
    ]
    assert [name for _, name, _ in journal(acme, outcome, "step")] == ["save order"]
    assert outside.query("SELECT count(*) FROM orders") == [(2,)]
    assert "hunter22outside" not in str(journal(acme, outcome))


def test_what_fails_is_rolled_back_as_a_whole(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, outside: OutsideDatabase
) -> None:
    workspace.add(SAVES)
    worker.start()

    outcome = worker.run("example", fail=True)

    told, details = outcome.result
    assert told == 'Operation 1 failed: duplicate key value violates unique constraint "orders_pkey"'
    assert details == {"operation": 1, "sqlstate": "23505"}
    assert outside.query("SELECT count(*) FROM orders") == [(0,)]
    assert outside.name not in str(journal(acme, outcome, "step"))


@pytest.mark.parametrize("once", [True, False])
def test_a_worker_lost_after_the_commit_repeats_it_unless_it_is_exactly_once(
    worker: Worker,
    workspace: Workspace,
    acme: OrganizationRecord,
    outside: OutsideDatabase,
    monkeypatch: pytest.MonkeyPatch,
    once: bool,
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, once: bool):
            insert = "INSERT INTO orders (id) SELECT coalesce(max(id), 0) + 1 FROM orders RETURNING id"
            return await context.database("orders_dsn").transaction([insert], exactly_once=once)
        """
    )
    transact, committed = databases.transact, threading.Event()

    async def commits_and_is_never_heard_of(*arguments: Any, **named: Any) -> Any:
        await transact(*arguments, **named)
        committed.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(databases, "transact", commits_and_is_never_heard_of)
    engine = worker.start()
    outcome = worker.submit("example", once=once)
    assert committed.wait(20)
    eventually(lambda: journal(acme, outcome, "step"), "line that the step has begun")
    monkeypatch.setattr(databases, "transact", transact)

    lose(engine)
    worker.start()

    end = worker.end_of(acme, outcome)
    assert end.result[0]["rows"] == [{"id": 1 if once else 2}]
    assert outside.query("SELECT count(*) FROM orders") == [(1 if once else 2,)]


def test_the_platforms_own_database_is_out_of_reach(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            try:
                await context.database("own_dsn").transaction(["CREATE TABLE public.broken (id int)"])
            except ConfigurationError as error:
                return error.message
        """
    )
    secrets.write_secret(acme, "own_dsn", platforms_address())
    try:
        message = run("example").result
    finally:
        secrets.delete_secret(acme, "own_dsn")
    assert message.startswith('The secret "own_dsn" leads to the platform\'s own database')


def test_a_missing_secret_and_another_organizations_are_the_same(
    run: Run, workspace: Workspace, globex: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            await context.database("orders_dsn").transaction(["SELECT 1"])
        """
    )
    secrets.write_secret(globex, "orders_dsn", platforms_address())
    try:
        error = run("example").error
    finally:
        secrets.delete_secret(globex, "orders_dsn")
    assert error is not None
    assert error["error"] == "ConfigurationError"
    assert "has no secret 'orders_dsn'" in error["message"]


def test_a_plain_function_uses_it_too(
    run: Run, workspace: Workspace, acme: OrganizationRecord, outside: OutsideDatabase
) -> None:
    workspace.add(
        """
        @workflow
        def example(context):
            return context.database("orders_dsn").transaction(["SELECT 1 AS one"], "look")
        """
    )
    assert run("example").result == [{"operation": 0, "rowCount": 1, "rows": [{"one": 1}]}]
