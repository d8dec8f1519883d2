"""What the engine counts: ends of executions and steps, attempts, losses and batches."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_recovery import left_behind
from tests.workflows_app.engine.working import Worker, eventually
from tests.workflows_app.metrics.conftest import Scrape
from workflows_app import recovery, sending, unowned
from workflows_app.engine import process
from workflows_app.metrics.families import EXECUTIONS_ENDED
from workflows_app.metrics.keeping import kept
from workflows_app.metrics.noticing import database_step
from workflows_app.metrics.recording import recorder

STEPS = """
    from bifrost.sdk.steps import step_info

    @step
    async def double(number: int) -> int:
        return number * 2

    @step(name="flaky", retry_policy={"max_attempts": 3, "initial_interval_seconds": 0})
    async def flaky_one(fails: int) -> str:
        if step_info().attempt <= fails:
            raise RuntimeError("again")
        return "ok"

    @workflow(execution_mode="async")
    async def example(context, fails: int = 0, email: str = "ann@example.com"):
        await double(1)
        await context.step(f"tell {email}", double, 2)
        await context.step(f"greet {email}", lambda: email)
        try:
            await flaky_one(fails)
        except Exception:
            return "failed"
"""


def test_an_end_is_counted_with_its_workflow_status_and_duration(
    run: Run, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(
        """
        @workflow
        async def good(context):
            return 1

        @workflow
        def bad(context):
            raise ValueError("no")
        """
    )
    for name in ("good", "good", "bad"):
        run(name)

    found = scrape()

    assert found["bifrost_executions_ended_total", "Success", "good"] == 2
    assert found["bifrost_executions_ended_total", "Failed", "bad"] == 1
    assert found["bifrost_execution_duration_ms_count", "Success", "good"] == 2
    assert found["bifrost_execution_duration_ms_bucket", "+Inf", "Failed", "bad"] == 1
    assert found["bifrost_execution_duration_ms_sum", "Success", "good"] >= 2


def test_steps_are_counted_by_what_the_code_calls_them_and_never_by_a_made_up_name(
    worker: Worker, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(STEPS)
    worker.start()
    worker.run("example")

    found = scrape()

    assert found["bifrost_activities_ended_total", "double", "done"] == 2
    assert found["bifrost_activities_ended_total", "flaky", "done"] == 1
    assert found["bifrost_activities_ended_total", "example.<locals>.<lambda>", "done"] == 1
    assert found["activity_duration_ms_count", "double"] == 2
    assert "ann@example.com" not in str(found)


def test_each_attempt_has_its_duration_and_what_is_tried_again_counts_as_a_retry(
    worker: Worker, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(STEPS)
    worker.start()
    worker.run("example", fails=1)
    worker.run("example", fails=9)

    found = scrape()

    assert found["bifrost_activity_retries_total", "flaky"] == 1 + 2
    assert found["bifrost_activities_ended_total", "flaky", "done"] == 1
    assert found["bifrost_activities_ended_total", "flaky", "failed"] == 1
    assert found["activity_duration_ms_count", "flaky"] == 2 + 3
    assert ("bifrost_activity_retries_total", "double") not in found


def test_items_of_a_map_are_counted_as_their_function(worker: Worker, workspace: Workspace, scrape: Scrape) -> None:
    workspace.add(
        """
        @step
        async def double(number: int) -> int:
            return number * 2

        @workflow(execution_mode="async")
        async def example(context):
            await context.map(double, [1, 2, 3])
            await context.map(double, [1, 2, 3], batch_size=2)
        """
    )
    worker.start()
    worker.run("example")
    assert scrape()["bifrost_activities_ended_total", "double", "done"] == 3 + 2


def test_a_run_that_resumes_counts_no_recorded_step_again(worker: Worker, workspace: Workspace, scrape: Scrape) -> None:
    workspace.add(
        """
        @step
        async def once() -> int:
            return 1

        @workflow(execution_mode="async")
        async def example(context):
            await once()
            await context.wait_for_signal("go")
            await once()
        """
    )
    lost = worker.start()
    outcome = worker.submit("example")
    eventually(lambda: scrape().get(("bifrost_activities_ended_total", "once", "done")) == 1, "its first step")
    lose(lost)
    before = scrape()
    worker.start()
    sending.signal(worker.organization, UUID(outcome.execution_id), "go", None, ADA)
    worker.end_of(worker.organization, outcome)

    found = scrape()

    assert found["bifrost_activities_ended_total", "once", "done"] == 2
    assert found["bifrost_executions_ended_total", "Success", "example"] == 1
    assert_never_less(before, found)


def test_what_was_put_aside_has_not_ended(worker: Worker, workspace: Workspace, scrape: Scrape) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            await context.wait_for_signal("go")
        """
    )
    worker.start()
    worker.submit("example")
    eventually(lambda: scrape()["bifrost_queue_executions", "Suspended"] == 1, "a suspended execution")
    assert not [name for name, *_ in scrape() if name.startswith("bifrost_executions_ended")]


def test_ends_and_losses_of_what_nobody_works_on_are_counted(
    acme: OrganizationRecord, worker: Worker, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(STEPS)
    queued = worker.submit("example")
    sending.cancel(acme, UUID(queued.execution_id), ADA)
    left_behind(acme, uuid7())
    recovery.recover_orphans()

    found = scrape()

    assert found["bifrost_executions_ended_total", "Cancelled", "example"] == 1
    assert found["bifrost_executions_ended_total", "Failed", "waits"] == 1
    assert found["bifrost_executions_lost_total", "failed", "waits"] == 1
    assert ("bifrost_execution_duration_ms_count", "Cancelled", "example") not in found


@pytest.mark.django_db(transaction=True)
def test_an_end_that_is_rolled_back_is_not_counted(acme: OrganizationRecord) -> None:
    execution = left_behind(acme, uuid7())
    error = {"error": "Gone", "message": "", "details": {}}
    with org_context(acme), pytest.raises(ZeroDivisionError), transaction.atomic():
        unowned.end(acme, [execution], "Failed", error, None)
        raise ZeroDivisionError
    assert recorder.take() == {}


def test_the_journal_writers_batches_are_counted(worker: Worker, workspace: Workspace, scrape: Scrape) -> None:
    workspace.add(STEPS)
    worker.start()
    worker.run("example")
    found = scrape()
    assert 1 <= found[("bifrost_journal_batch_writes_count",)] <= found[("bifrost_journal_batch_writes_sum",)]


def test_the_engine_keeps_them_at_each_beat_and_when_it_stops(
    worker: Worker, workspace: Workspace, limits: Any
) -> None:
    limits(beat_seconds=0.05)
    workspace.add(STEPS)
    worker.start()
    worker.run("example")
    eventually(lambda: (EXECUTIONS_ENDED.name, ("example", "Success")) in kept(), "the figures of the first run")

    limits(beat_seconds=60)
    process.stop(grace=0)
    worker.start()
    worker.run("example")
    process.stop(grace=0)

    assert kept()[EXECUTIONS_ENDED.name, ("example", "Success")].count == 2


def test_figures_that_cannot_be_kept_harm_no_run(worker: Worker, workspace: Workspace, limits: Any) -> None:
    limits(beat_seconds=0.05)
    workspace.add(STEPS)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE dispatch_metric RENAME TO away")
    try:
        worker.start()
        assert [worker.run("example").status for _ in range(3)] == ["Success"] * 3
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO dispatch_metric")
    eventually(lambda: (EXECUTIONS_ENDED.name, ("example", "Success")) in kept(), "what was put back")
    assert kept()[EXECUTIONS_ENDED.name, ("example", "Success")].count == 3


def assert_never_less(before: dict[tuple[str, ...], float], after: dict[tuple[str, ...], float]) -> None:
    counted = {
        name: value for name, value in before.items() if not name[0].startswith(("bifrost_queue", "bifrost_workers"))
    }
    assert counted and all(after[name] >= value for name, value in counted.items())


def test_what_outside_services_and_databases_take_is_measured(
    worker: Worker, workspace: Workspace, scrape: Scrape
) -> None:
    workspace.add(
        """
        @step(circuit_breaker="PSA")
        async def ask(status):
            if status == 408:
                raise asyncio.TimeoutError
            if status:
                raise IntegrationError("no", "psa", status)

        @workflow(execution_mode="async")
        async def asks(context):
            for status in (0, 0, 503, 408):
                try:
                    await ask(status)
                except Exception:
                    pass
        """
    )
    worker.start()
    assert worker.run("asks").status == "Success"
    database_step(2, 0.3)

    found = scrape()

    assert found["external_api_duration_ms_count", "psa", "ok"] == 2
    assert found["external_api_duration_ms_count", "psa", "503"] == 1
    assert found["external_api_duration_ms_count", "psa", "timeout"] == 1
    assert found["db_transaction_duration_ms_count", "2"] == 1
