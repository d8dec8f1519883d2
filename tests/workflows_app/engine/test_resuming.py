"""What becomes of runs whose process was lost, stopped or replaced: resumed where that does no harm, else failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.utils import timezone

from integrations import sealing
from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import recovery
from workflows_app.dispatch import workers
from workflows_app.dispatch.models import Dispatch, Lane
from workflows_app.dispatch.models import Worker as WorkerRow
from workflows_app.engine import process
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Execution, ExecutionEvent

RESUMES = """
    @workflow(execution_mode="async", retry_policy={"max_attempts": 3, "initial_interval_seconds": 0})
    async def resumes(context, gate: str):
        import os
        context.log("info", "first line")
        context.save_checkpoint("place", {"runs": 1 + (context.get_checkpoint("place") or {"runs": 0})["runs"]})
        while not os.path.exists(gate):
            await asyncio.sleep(0.02)
        context.log("info", "last line")
        return {"attempt": context.attempt, "place": context.get_checkpoint("place")}

    @workflow(execution_mode="async")
    async def waits(context, gate: str):
        import os
        while not os.path.exists(gate):
            await asyncio.sleep(0.02)
        return "done"

    @workflow(execution_mode="async")
    async def has_child(context, gate: str):
        first = await context.execute_workflow("counts", {"file": gate + ".count"})
        result = await context.execute_workflow("waits", {"gate": gate})
        return [first, result]

    @workflow
    async def counts(context, file: str):
        with open(file, "a") as f:
            f.write("x")
        return "counted"
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def begin(worker: Worker, workspace: Workspace, acme: OrganizationRecord, gate: Path) -> Callable[[str], Outcome]:
    """Starts the workflow and waits until its code runs."""
    workspace.add(RESUMES)
    worker.start()

    person = make_user(acme)
    actor = Actor("user", str(person.id), person.email, "Eve", frozenset({EVERYTHING}))

    def began(name: str) -> Outcome:
        outcome = submit(Start(acme, name, {"gate": str(gate)}, actor))
        worker.wake()
        with org_context(acme):
            eventually(lambda: Execution.objects.get(id=outcome.execution_id).status == "Running", "running execution")
        eventually(lambda: UUID(outcome.execution_id) in process.engine().runs, "run")
        return outcome

    return began


Begin = Callable[[str], Outcome]


def lose() -> None:
    """The process's row is taken away, as a sweep does it, and its engine goes without a word."""
    engine = process.engine()
    process._process.current._intake.stop()  # type: ignore[union-attr]
    seen = workers.beats()[engine.id]
    assert workers.fence(engine.id, seen, 18.0)
    engine.lost()


def statuses(organization: OrganizationRecord, outcome: Outcome) -> list[str]:
    return [name for _, name, _ in journal(organization, outcome, "status")]


def test_a_run_with_a_retry_policy_goes_on_elsewhere_and_says_nothing_twice(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = begin("resumes")
    with org_context(acme):
        eventually(lambda: ExecutionEvent.objects.filter(kind="checkpoint").exists(), "durable checkpoint")
    lose()
    assert recovery.recover_orphans() == 1
    assert statuses(acme, outcome)[-1] == "Queued"

    worker.start()
    gate.touch()
    worker.wake()
    end = worker.end_of(acme, outcome)

    assert end.status == "Success"
    assert end.result["attempt"] == 1, "a loss is no attempt"
    lines = journal(acme, outcome, "log", "recovery")
    assert [(kind, data.get("message") or data["reason"][-18:]) for kind, _, data in lines] == [
        ("log", "first line"),
        ("recovery", "last seen 18 s ago"),
        ("log", "last line"),
    ]
    assert recorded(acme, outcome).recoveries == 1


def test_a_run_that_may_not_run_again_is_failed(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = begin("waits")
    lose()
    assert recovery.recover_orphans() == 1

    end = worker.end_of(acme, outcome, seconds=1)
    assert end.error is not None and end.error["error"] == "WorkerLost"
    assert not Dispatch.objects.exists()


def test_what_was_claimed_and_had_not_begun_goes_back(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, gate: Path
) -> None:
    workspace.add(RESUMES)
    gate.touch()
    outcome = submit(Start(acme, "waits", {"gate": str(gate)}, ADA))
    dead = workers.register("worker", 1)
    Dispatch.objects.update(status="Running", worker=dead, epoch=1)
    workers.retire(dead)

    assert recovery.recover_orphans() == 1

    row = Dispatch.objects.get()
    assert (row.status, row.worker, row.lane) == ("Queued", None, Lane.OPEN)
    worker.start()
    assert worker.end_of(acme, outcome).result == "done"
    assert recorded(acme, outcome).recoveries == 0


def test_a_finished_child_is_not_run_again_and_one_under_way_is_waited_for(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = begin("has_child")
    with org_context(acme):
        eventually(lambda: Execution.objects.filter(workflow="waits").exists(), "second child")
        eventually(lambda: ExecutionEvent.objects.filter(kind="child").exists(), "durable child")
    lose()
    worker.start()
    recovery.recover_orphans()
    gate.touch()
    worker.wake()

    end = worker.end_of(acme, outcome)

    assert Path(f"{gate}.count").read_text() == "x"
    assert end.status == "Failed" and end.error is not None, "the child that was under way could not run again"
    assert end.error["error"] == "WorkerLost"


def test_lost_again_and_again_without_progress_it_is_taken_alone_and_given_up(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = begin("resumes")
    lanes = []
    for _ in range(3):
        lose()
        recovery.recover_orphans()
        lanes.append(Dispatch.objects.get().lane)
        worker.start()
        worker.wake()
        eventually(lambda: UUID(outcome.execution_id) in process.engine().runs, "run")
    lose()
    recovery.recover_orphans()

    assert lanes == [Lane.OPEN, Lane.ALONE, Lane.ALONE]
    end = worker.end_of(acme, outcome, seconds=1)
    assert end.error is not None and end.error["error"] == "RecoveryLimitExceeded"


def test_a_fenced_process_writes_nothing_about_what_it_still_runs(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    """The zombie's code goes on, and its log lines, its end and its child's end change nothing."""
    outcome = begin("waits")
    zombie = process.engine()
    run = zombie.runs[UUID(outcome.execution_id)]
    lose()
    recovery.recover_orphans()
    before = journal(acme, outcome)
    gate.touch()

    eventually(run.finished.done, "end of the zombie's code")
    assert journal(acme, outcome) == before
    assert recorded(acme, outcome).status == "Failed"


def test_stopping_lets_runs_finish_within_the_grace(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = begin("waits")
    gate.touch()
    worker.stop(grace=10)

    assert recorded(acme, outcome).status == "Success"
    assert not WorkerRow.objects.exists()


def test_stopping_hands_over_what_may_run_again_and_fails_the_rest(
    begin: Begin, worker: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    handed, failed = begin("resumes"), begin("waits")
    worker.stop(grace=0.1)

    row = Dispatch.objects.get()
    assert (row.status, row.worker) == ("Queued", None)
    assert "was stopped" in row.reason
    assert recorded(acme, failed).error["error"] == "WorkerStopped"

    worker.start()
    gate.touch()
    assert worker.end_of(acme, handed).status == "Success"
    assert recorded(acme, handed).recoveries == 0, "a stop is no loss"


def test_a_workflow_that_no_worker_has_any_more_fails_and_says_so(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, gate: Path
) -> None:
    workspace.add(RESUMES)
    outcome = submit(Start(acme, "waits", {"gate": str(gate)}, ADA))
    Dispatch.objects.update(workflow="renamed")
    worker.start()

    end = worker.end_of(acme, outcome)
    assert end.error is not None and end.error["message"] == "No worker has the workflow 'renamed' any more."


def test_while_another_worker_has_other_code_it_is_put_off(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, gate: Path
) -> None:
    workspace.add(RESUMES)
    submit(Start(acme, "waits", {"gate": str(gate)}, ADA))
    workers.register("worker", 1, "other code")
    Dispatch.objects.update(workflow="renamed")
    worker.start()
    worker.wake()

    row = eventually(lambda: Dispatch.objects.filter(status="Suspended").first(), "row that was put off")
    assert row.reason == "no process at hand has the workflow renamed"


def test_without_the_vaults_key_it_waits_and_that_counts_as_nothing(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: Any
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def keeps(context, options: dict):
            return len(options["password"])
        """
    )
    outcome = submit(Start(acme, "keeps", {"options": {"password": "p-987654321"}}, ADA))

    def away() -> dict[int, bytes]:
        raise sealing.VaultUnavailable("The vault is sealed.")

    sealing.forget_master_keys()
    monkeypatch.setattr(sealing, "_read_keys", away)
    worker.start()
    row = eventually(lambda: Dispatch.objects.filter(status="Suspended").first(), "row that waits for the vault")
    assert row.reason == "waits for the vault"
    monkeypatch.undo()
    Dispatch.objects.update(run_at="2026-01-01T00:00Z")
    worker.wake()

    end = worker.end_of(acme, outcome)
    assert (end.status, end.result) == ("Success", 11)
    row_ = recorded(acme, outcome)
    assert (row_.attempt, row_.recoveries) == (1, 0)


def test_a_dropped_organizations_rows_leave_the_queue(worker: Worker, acme: OrganizationRecord) -> None:
    from uuid6 import uuid7

    Dispatch.objects.create(execution=uuid7(), organization=uuid7(), workflow="w", status="Running", worker=uuid7())

    recovery.recover_orphans()

    assert not Dispatch.objects.exists()


def test_what_was_given_back_meanwhile_does_nothing_more(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    """It may run elsewhere already: a step that could not be recorded is not followed by another one."""
    workspace.add(
        """
        from pathlib import Path

        @step
        async def first(directory):
            Path(directory, "first").touch()
            while not Path(directory, "open").exists():
                await asyncio.sleep(0.01)

        @step
        async def second(directory):
            Path(directory, "second").touch()

        @workflow(execution_mode="async")
        async def both(context, directory: str):
            await first(directory)
            await second(directory)
        """
    )
    engine = worker.start()
    outcome = worker.submit("both", directory=str(tmp_path))
    eventually((tmp_path / "first").exists, "first step")
    later = timezone.now() + timedelta(hours=1)
    Dispatch.objects.update(epoch=F("epoch") + 1, worker=None, status="Suspended", run_at=later)

    (tmp_path / "open").touch()

    eventually(lambda: not engine.runs, "end of its stay")
    assert not (tmp_path / "second").exists()
    assert [data["state"] for _, _, data in journal(acme, outcome, "step")] in ([], ["started"])
