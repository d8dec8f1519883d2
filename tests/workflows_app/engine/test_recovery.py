"""Nothing stays Running that nobody works on, and a fenced process writes nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.db import connection as django_connection
from django.db.utils import OperationalError
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker as WorkerProcess
from workflows_app import recovery
from workflows_app.dispatch import workers
from workflows_app.dispatch.models import Dispatch, Fleet, Worker
from workflows_app.engine import connection, process, statements
from workflows_app.errors import PlatformUnavailable
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution, ExecutionEvent

from .conftest import ADA, Run, Workspace, caller, journal, recorded

WAITS = """
    @workflow(name="waits")
    async def waits(context, seconds: float = 30):
        context.log("info", "waiting")
        await asyncio.sleep(seconds)
        context.log("info", "waited")
        return "done"
"""


WAITERS = "SELECT count(DISTINCT pid)::int FROM pg_locks WHERE NOT granted"


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "The condition never came true."
        time.sleep(0.02)


@pytest.fixture
def in_background(acme: OrganizationRecord) -> Callable[..., list[Outcome]]:
    """Starts `waits` in a thread; the list gets its outcome."""

    def start(**parameters: object) -> list[Outcome]:
        outcomes: list[Outcome] = []
        caller(lambda: outcomes.append(submit(Start(acme, "waits", parameters, ADA))))
        until(lambda: process.running() and process.running().runs)  # type: ignore[union-attr]
        return outcomes

    return start


def left_behind(organization: OrganizationRecord, worker: UUID) -> UUID:
    """An execution as a killed process leaves it: running, owned by `worker`."""
    execution = uuid7()
    with org_context(organization):
        Execution.objects.create(
            id=execution,
            workflow="waits",
            status="Running",
            input={},
            trigger={},
            executed_by={},
            actor="a",
            code_version="",
        )
        ExecutionEvent.objects.create(
            execution_id=execution, seq=1, at="2026-01-01T00:00Z", kind="status", name="Running", path="", number=0
        )
    Dispatch.objects.create(
        execution=execution, organization=organization.id, workflow="waits", status="Running", worker=worker
    )
    return execution


@pytest.mark.django_db(transaction=True)
def test_what_a_fenced_worker_held_is_failed_with_the_reason(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    worker = workers.register("web", 1)
    ours, theirs = left_behind(acme, worker), left_behind(globex, worker)
    assert recovery.recover_orphans() == 0

    workers.fence(worker, workers.beats()[worker], 18.4)
    assert recovery.recover_orphans() == 2

    for organization, execution in ((acme, ours), (globex, theirs)):
        with org_context(organization):
            row = Execution.objects.get(id=execution)
            last = ExecutionEvent.objects.filter(execution_id=execution).order_by("seq").last()
        assert (row.status, row.error["error"]) == ("Failed", "WorkerLost")
        assert last is not None and "last seen 18 s ago" in last.data["reason"]
        assert Fleet.objects.get(execution=execution).status == "Failed"
    assert not Dispatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_end_an_execution_once(acme: OrganizationRecord) -> None:
    execution = left_behind(acme, uuid7())
    assert [recovery.recover_orphans(), recovery.recover_orphans()] == [1, 0]
    with org_context(acme):
        assert ExecutionEvent.objects.filter(execution_id=execution, name="Failed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_dropped_organization_leaves_the_queue_and_nothing_of_others(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    left_behind(acme, uuid7())
    kept = left_behind(globex, uuid7())
    recovery.forget_organization(acme)
    assert [row.execution for row in Dispatch.objects.all()] == [kept]


@pytest.mark.django_db(transaction=True)
def test_a_start_that_came_through_the_door_is_awaited_and_leaves_nothing(acme: OrganizationRecord) -> None:
    insert = """
        INSERT INTO dispatch_dispatch (execution, organization, workflow, status, priority, epoch, inbox)
        VALUES (gen_random_uuid(), %s, 'waits', 'Queued', 1, 0, 0)"""
    with psycopg.connect(**django_connection.get_connection_params()) as starting:
        starting.execute(f"LOCK TABLE {acme.schema_name}.workflows_app_execution IN ROW EXCLUSIVE MODE".encode())
        dropping = caller(lambda: recovery.forget_organization(acme))
        until(lambda: starting.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
        starting.execute(insert.encode(), [acme.id])
        starting.commit()
        dropping.join(10)
    assert not Dispatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_end_that_is_written_while_its_organization_goes_leaves_nothing(acme: OrganizationRecord) -> None:
    worker = workers.register("web", 1)
    execution = left_behind(acme, worker)
    Dispatch.objects.filter(execution=execution).update(epoch=1)
    end = {name: None for name in ("result", "result_sealed", "error", "variables", "progress", "duration_ms")}
    owner = {"worker": worker, "epoch": 1, "id": execution, "organization": acme.id, "status": "Success"}
    parameters = {**end, **owner, "events": "[]", "parent_worker": None, "parent_epoch": None}
    connect = partial(psycopg.connect, **django_connection.get_connection_params())
    with connect() as row, connect() as record:
        record.execute(f"SELECT 1 FROM {acme.schema_name}.workflows_app_execution FOR UPDATE".encode())
        row.execute("SELECT 1 FROM dispatch_dispatch FOR UPDATE")
        dropping = caller(lambda: recovery.forget_organization(acme))
        until(lambda: row.execute(WAITERS).fetchone() == (1,))
        ending = caller(lambda: connection.execute(statements.end(acme.schema_name), parameters))
        until(lambda: row.execute(WAITERS).fetchone() == (2,))
        row.commit()
        dropping.join(10)
        record.commit()
        ending.join(10)
    assert not Dispatch.objects.exists()
    assert not Fleet.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_that_cannot_be_recovered_keeps_no_other_from_it(acme: OrganizationRecord) -> None:
    broken, other = left_behind(acme, uuid7()), left_behind(acme, uuid7())
    with org_context(acme):
        ExecutionEvent.objects.filter(execution_id=broken).update(seq=2**31 - 1)
    assert recovery.recover_orphans() == 1
    with org_context(acme):
        assert Execution.objects.get(id=other).error["error"] == "WorkerLost"
        assert Execution.objects.get(id=broken).status == "Running"


@pytest.mark.django_db(transaction=True)
def test_a_terminal_status_never_changes(acme: OrganizationRecord) -> None:
    worker = workers.register("web", 1)
    execution = left_behind(acme, worker)
    with org_context(acme):
        Execution.objects.filter(id=execution).update(status="Success", result={"kept": True})
    recovery.give_back(worker, lambda _: False)
    with org_context(acme):
        row = Execution.objects.get(id=execution)
    assert (row.status, row.result) == ("Success", {"kept": True})
    assert not Dispatch.objects.exists()


def test_a_row_that_names_this_process_and_that_it_does_not_hold_is_ended(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(WAITS)
    run("waits", seconds=0)
    engine = process.engine()
    forgotten = left_behind(acme, engine.id)
    assert recovery.give_back(engine.id, engine.holds) == 1
    with org_context(acme):
        assert Execution.objects.get(id=forgotten).error["error"] == "WorkerLost"


def test_a_run_under_way_is_not_ended_as_abandoned(
    run: Run, workspace: Workspace, in_background: Callable[..., list[Outcome]]
) -> None:
    workspace.add(WAITS)
    outcomes = in_background(seconds=0.5)
    engine = process.engine()
    assert recovery.give_back(engine.id, engine.holds) == 0
    until(lambda: outcomes)
    assert outcomes[0].status == "Success"


def test_a_process_that_was_fenced_answers_lost_and_writes_nothing(
    run: Run, workspace: Workspace, acme: OrganizationRecord, in_background: Callable[..., list[Outcome]]
) -> None:
    workspace.add(WAITS)
    outcomes = in_background(seconds=0.6)
    fenced = process.engine()
    Worker.objects.filter(id=fenced.id).delete()
    until(lambda: outcomes)

    assert outcomes[0].error is not None and outcomes[0].error["error"] == "WorkerLost"
    assert recorded(acme, outcomes[0]).status == "Running"
    assert recovery.recover_orphans() == 1
    assert recorded(acme, outcomes[0]).status == "Failed"
    assert "waited" not in str(journal(acme, outcomes[0]))


def test_a_plain_function_leaves_its_thread_when_its_process_is_lost(
    worker: WorkerProcess, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    """Another process goes on with it. Nor does it clean up: it has not come to its end."""
    workspace.add(
        """
        @workflow(execution_mode="async", timeout_seconds=60, retry_policy={"max_attempts": 2})
        def computes(context, cleaned: str):
            import pathlib
            context.log("info", "here")
            try:
                while True:
                    time.sleep(0.02)
            finally:
                pathlib.Path(cleaned).touch()
        """
    )
    cleaned = tmp_path / "cleaned"
    engine = worker.start()
    outcome = worker.submit("computes", cleaned=str(cleaned))
    until(lambda: journal(acme, outcome, "log"))
    [thread] = [each for each in threading.enumerate() if each.name == "workflow-computes"]

    lose(engine)

    until(lambda: not thread.is_alive())
    assert not cleaned.exists()


def test_a_process_without_a_confirmed_beat_beats_before_it_starts_anything(run: Run, workspace: Workspace) -> None:
    workspace.add(WAITS)
    run("waits", seconds=0)
    engine = process.engine()
    engine.acknowledged -= 13

    assert run("waits", seconds=0).status == "Success"
    assert time.monotonic() - engine.acknowledged < 5


def test_a_process_that_was_fenced_in_its_silence_starts_nothing_in_its_old_place(
    run: Run, workspace: Workspace
) -> None:
    workspace.add(WAITS)
    run("waits", seconds=0)
    engine = process.engine()
    engine.acknowledged -= 13
    Worker.objects.filter(id=engine.id).delete()

    assert run("waits", seconds=0).status == "Success"
    assert process.engine().id != engine.id


def test_without_a_database_it_starts_nothing(run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.add(WAITS)
    run("waits", seconds=0)
    process.engine().acknowledged -= 13

    def away(*_: object) -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setattr(workers, "beat", away)
    with pytest.raises(PlatformUnavailable, match="The database is away"):
        run("waits", seconds=0)


def test_the_next_run_after_a_fence_gets_a_fresh_worker(run: Run, workspace: Workspace) -> None:
    workspace.add(WAITS)
    run("waits", seconds=0)
    fenced = process.engine()
    Worker.objects.filter(id=fenced.id).delete()
    assert run("waits", seconds=0).status == "Success"
    assert process.engine().id != fenced.id


def test_logs_of_a_long_run_are_durable_before_it_ends(
    run: Run, workspace: Workspace, acme: OrganizationRecord, in_background: Callable[..., list[Outcome]]
) -> None:
    workspace.add(WAITS)
    outcomes = in_background(seconds=2)
    execution = next(iter(process.engine().runs))
    with org_context(acme):
        until(lambda: ExecutionEvent.objects.filter(execution_id=execution, kind="log").exists(), seconds=1.5)
    assert not outcomes
    until(lambda: outcomes)


def test_stopping_lets_a_run_finish_within_the_grace(
    run: Run, workspace: Workspace, in_background: Callable[..., list[Outcome]]
) -> None:
    workspace.add(WAITS)
    outcomes = in_background(seconds=0.3)
    process.stop(grace=5)
    until(lambda: outcomes)
    assert outcomes[0].result == "done"
    assert not Worker.objects.exists()


def test_a_process_that_was_stopped_for_good_starts_no_fresh_engine(run: Run, workspace: Workspace) -> None:
    workspace.add(WAITS)
    process.stop(grace=0, for_good=True)
    with pytest.raises(PlatformUnavailable, match="stopping"):
        run("waits", seconds=0)
    assert not Worker.objects.exists()


def test_stopping_fails_what_outlasts_the_grace_as_worker_stopped(
    run: Run, workspace: Workspace, acme: OrganizationRecord, in_background: Callable[..., list[Outcome]]
) -> None:
    workspace.add(WAITS)
    outcomes = in_background(seconds=30)
    process.stop(grace=0.1)
    until(lambda: outcomes)
    assert outcomes[0].error is not None and outcomes[0].error["error"] == "WorkerStopped"
    assert recorded(acme, outcomes[0]).status == "Failed"
    assert not Dispatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_sent_again_on_a_fresh_connection_when_the_old_one_broke(acme: OrganizationRecord) -> None:
    raw = connection.raw()
    pid = raw.info.backend_pid
    with psycopg.connect(raw.info.dsn, password=raw.info.password, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    parameters = {"worker": uuid7(), "id": uuid7(), "epoch": 1, "events": "[]", "progress": None}
    assert connection.execute(statements.append(acme.schema_name), parameters) == (False, False)
    assert connection.raw().info.backend_pid != pid
