"""What a run costs that waits: nothing in its process meanwhile; its journal once, and many together little."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import Workspace, journal
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.engine import process
from workflows_app.engine.run import Run
from workflows_app.executions import Outcome

SOURCE = """
    @step
    async def double(number):
        return number * 2

    @workflow(execution_mode="async")
    async def example(context, steps: int):
        done = 0
        for number in range(steps):
            done += await double(number)
        return [done, await context.wait_for_signal("go")]
"""
WOKEN = 40


@pytest.fixture
def journal_queries() -> Iterator[list[str]]:
    """The queries for journals on connections that are opened from now on, in whatever thread."""
    found: list[str] = []

    def note(execute: Callable[..., Any], query: str, *rest: Any) -> Any:
        if "FROM workflows_app_executionevent" in query and "data" in query:
            found.append(query)
        return execute(query, *rest)

    def opened(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(note)

    connection_created.connect(opened)
    yield found
    connection_created.disconnect(opened)


def begun(acme: OrganizationRecord, outcomes: list[Outcome]) -> tuple[int, int]:
    """How often they have begun, and in how many transactions."""
    with org_context(acme), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT xmin::text) FROM workflows_app_executionevent"
            " WHERE kind = 'status' AND name = 'Running' AND execution_id = ANY(%s::uuid[])",
            [[outcome.execution_id for outcome in outcomes]],
        )
        count, transactions = cursor.fetchone()
    return int(count), int(transactions)


def test_a_run_that_resumes_reads_its_journal_once_however_long_it_is(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, journal_queries: list[str]
) -> None:
    workspace.add(SOURCE)
    worker.start()
    outcome = worker.submit("example", steps=300)
    wait_suspended(acme, outcome)
    worker.stop()
    assert journal_queries == [], "one that begins has none to read"

    worker.start()
    signal(acme, outcome, "go", "gone")
    end = worker.end_of(acme, outcome)

    assert end.result == [sum(2 * number for number in range(300)), "gone"]
    assert len(journal_queries) == 1
    assert len(journal(acme, outcome, "step")) == 300, "each step has one line"


def test_many_that_wake_at_the_same_moment_are_begun_together(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, journal_queries: list[str], settings: Any
) -> None:
    settings.CONCURRENCY = 2 * WOKEN
    workspace.add(SOURCE)
    worker.start()
    outcomes = [worker.submit("example", steps=1) for _ in range(WOKEN)]
    for outcome in outcomes:
        wait_suspended(acme, outcome)
    worker.stop()
    before = begun(acme, outcomes)
    for outcome in outcomes:
        signal(acme, outcome, "go")

    worker.start()
    ends = [worker.end_of(acme, outcome) for outcome in outcomes]

    assert {end.status for end in ends} == {"Success"}
    after = begun(acme, outcomes)
    assert after[0] - before[0] == WOKEN
    assert after[1] - before[1] <= 3, "transactions"
    assert 1 <= len(journal_queries) <= 3


@pytest.mark.parametrize(
    "waits",
    [
        'await context.wait_for_signal("go")',
        'await asyncio.gather(context.wait_for_signal("go"), context.sleep(1000))',
        'await asyncio.gather(double(1), context.first(context.sleep(1000), context.wait_for_signal("go")))',
    ],
)
def test_a_run_that_was_put_aside_leaves_nothing_in_memory(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, waits: str
) -> None:
    workspace.add(f"""
    @step
    async def double(number):
        return number * 2

    @workflow(execution_mode="async")
    async def example(context):
        {waits}
    """)
    seen: weakref.WeakSet[Run] = weakref.WeakSet()
    engine = worker.start()
    launch = engine.launch_claimed
    engine.launch_claimed = lambda run, seconds: (seen.add(run), launch(run, seconds))  # type: ignore[assignment]
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)

    eventually(lambda: gc.collect() >= 0 and not seen, "end of the run in memory")

    assert process.engine() is engine
    signal(acme, outcome, "go")
