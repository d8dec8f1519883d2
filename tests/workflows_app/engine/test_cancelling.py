"""Cancelling: at once where nothing has begun, by the owner where it runs, and honest about code that blocks."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connections

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, caller, journal, recorded
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.engine import ending, inbox, process
from workflows_app.engine.engine import Engine
from workflows_app.engine.run import Run as EngineRun
from workflows_app.errors import HasEnded, UnknownExecution
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Inbox

SLEEPS = """
    @workflow(execution_mode="async")
    async def sleeps(context, seconds: float = 60):
        context.log("info", "began")
        try:
            await asyncio.sleep(seconds)
        finally:
            context.log("info", "cleaned up")
        return "slept"

    @workflow(execution_mode="async")
    def blocks(context, file: str):
        open(file, "w").close()
        time.sleep(4)
        return "woke"

    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 3600})
    async def fails(context):
        raise IntegrationError("no")
"""


def running(outcome: Outcome) -> bool:
    engine = process.running()
    return engine is not None and UUID(outcome.execution_id) in engine.runs


def test_what_has_not_begun_is_cancelled_at_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SLEEPS)
    outcome = worker.submit("sleeps")

    assert sending.cancel(acme, UUID(outcome.execution_id), ADA) == "Cancelled"

    row = recorded(acme, outcome)
    assert (row.status, row.error["message"]) == ("Cancelled", "Cancelled by Ada.")
    assert not Dispatch.objects.exists()
    assert Fleet.objects.get().status == "Cancelled"
    worker.start()
    worker.wake()
    assert [name for _, name, _ in journal(acme, outcome, "status")] == ["Queued", "Cancelled"]


def test_a_run_that_awaits_ends_within_a_second_and_may_clean_up(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SLEEPS)
    worker.start()
    outcome = worker.submit("sleeps")
    eventually(lambda: running(outcome), "run")

    asked = time.monotonic()
    assert sending.cancel(acme, UUID(outcome.execution_id), ADA) == "Running"
    end = worker.end_of(acme, outcome)

    assert time.monotonic() - asked < 1.5
    assert (end.status, end.error) == (
        "Cancelled",
        {"error": "Cancelled", "message": "Cancelled by Ada.", "details": {}},
    )
    assert ("inbox", "cancel", {"by": "Ada", "kind": "user", "id": ADA.id}) in journal(acme, outcome, "inbox")


def test_a_sync_run_is_cancelled_too(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(SLEEPS.replace('execution_mode="async"', 'execution_mode="sync"'))
    outcomes: list[Outcome] = []
    caller(lambda: outcomes.append(submit(Start(acme, "sleeps", {"seconds": 20}, ADA))))
    engine = eventually(lambda: (one := process.running()) and one.runs and one, "run")

    sending.cancel(acme, next(iter(engine.runs)), ADA)

    eventually(lambda: outcomes, "answer")
    assert outcomes[0].status == "Cancelled"


def test_blocking_code_is_not_waited_for_and_the_record_says_so(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(SLEEPS)
    worker.start()
    outcome = worker.submit("blocks", file=str(tmp_path / "began"))
    eventually((tmp_path / "began").exists, "begin")

    asked = time.monotonic()
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    end = worker.end_of(acme, outcome)

    assert end.status == "Cancelled"
    assert time.monotonic() - asked < 3
    warned = {"message": "The code did not stop; it may still be running.", "data": None}
    assert ("log", "warning", warned) in journal(acme, outcome, "log")


def test_one_that_waits_for_its_next_attempt_never_makes_it(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SLEEPS)
    worker.start()
    outcome = worker.submit("fails")
    eventually(lambda: Dispatch.objects.filter(status="Suspended").exists(), "wait for the next attempt")

    assert sending.cancel(acme, UUID(outcome.execution_id), ADA) == "Queued"
    worker.wake()
    end = worker.end_of(acme, outcome)

    assert end.status == "Cancelled"
    assert len(journal(acme, outcome, "error")) == 2, "the attempt's and the cancellation"


def test_what_has_ended_stays_as_it_is(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(SLEEPS)
    worker.start()
    outcome = worker.run("sleeps", seconds=0)

    with pytest.raises(HasEnded, match="has ended already, as Success"):
        sending.cancel(acme, UUID(outcome.execution_id), ADA)
    assert recorded(acme, outcome).status == "Success"
    with org_context(acme):
        assert not Inbox.objects.exists()


def test_another_organizations_execution_is_not_found(
    worker: Worker, workspace: Workspace, globex: OrganizationRecord, acme: OrganizationRecord
) -> None:
    workspace.add(SLEEPS)
    outcome = worker.submit("sleeps")

    with pytest.raises(UnknownExecution):
        sending.cancel(globex, UUID(outcome.execution_id), ADA)
    assert recorded(acme, outcome).status == "Queued"


def test_someone_elses_is_not_found_by_those_who_manage_only_their_own(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(SLEEPS)
    outcome = worker.submit("sleeps")

    with pytest.raises(UnknownExecution):
        sending.cancel(acme, UUID(outcome.execution_id), ADA, owner="user:somebody-else")


def test_twenty_at_once_cancel_it_once(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(SLEEPS)
    outcome = worker.submit("sleeps")
    answers: list[str] = []

    def cancel() -> None:
        try:
            answers.append(sending.cancel(acme, UUID(outcome.execution_id), ADA))
        except HasEnded:
            answers.append("has ended")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=cancel) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == ["Cancelled", *["has ended"] * 19]


def test_a_cancel_that_arrives_exactly_while_a_run_suspends_is_not_lost(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    """Tried at many moments around the end of the first attempt: it always ends as Cancelled, and soon."""
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 3600})
        async def shortly(context):
            await asyncio.sleep(0.05)
            raise IntegrationError("no")
        """
    )
    worker.start()
    outcomes = []
    for number in range(15):
        outcome = worker.submit("shortly")
        eventually(lambda made=outcome: running(made) or recorded(acme, made).started_at, "begin")  # type: ignore[misc]
        time.sleep(0.004 * number)
        sending.cancel(acme, UUID(outcome.execution_id), ADA)
        worker.wake()
        outcomes.append(outcome)

    assert [worker.end_of(acme, outcome, seconds=10).status for outcome in outcomes] == ["Cancelled"] * 15


def test_a_cancel_that_is_read_when_the_run_is_just_being_put_aside_is_not_lost(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attempt has been judged, and not yet written: too late to stop it, and it must not count as read."""
    conclude = ending.conclude

    def conclude_and_read(run: EngineRun, *arguments: Any) -> ending.Ending:
        found = conclude(run, *arguments)
        reader = threading.Thread(target=cancel_and_read, args=(acme, run))
        reader.start()
        reader.join()
        return found

    monkeypatch.setattr(ending, "conclude", conclude_and_read)
    workspace.add(SLEEPS)
    worker.start()

    outcome = worker.submit("fails")

    assert worker.end_of(acme, outcome, seconds=10).status == "Cancelled"


def cancel_and_read(organization: OrganizationRecord, run: EngineRun) -> None:
    """In a thread of its own, as another process would cancel and this one's intake read."""
    try:
        with suppress(HasEnded), shared_context():
            sending.cancel(organization, run.facts.id, ADA)
            inbox.deliver(run.engine, organization, [run])
    finally:
        connections.close_all()


def test_a_cancel_that_is_read_before_the_code_has_begun_is_not_lost(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its configs need from the vault is being fetched meanwhile."""
    fetched = threading.Event()
    monkeypatch.setattr(Engine, "secret_configs", lambda *_: ("api_key",))
    monkeypatch.setattr(EngineRun, "fetch_secret_configs", lambda *_: fetched.wait(20))
    workspace.add(SLEEPS)
    engine = worker.start()
    outcome = worker.submit("sleeps")
    run = eventually(lambda: engine.runs.get(UUID(outcome.execution_id)), "run")

    cancel_and_read(acme, run)
    fetched.set()

    assert worker.end_of(acme, outcome, seconds=10).status == "Cancelled"
