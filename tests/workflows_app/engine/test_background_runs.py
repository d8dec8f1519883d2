"""Runs that wait in the queue, and the engine of a worker process that takes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.working import Worker
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.executions import Start, submit, submit_all
from workflows_app.retrying import start_again

ADD = """
    @workflow(execution_mode="async")
    async def add(context, a: int, b: int):
        context.log("info", "adding")
        return a + b
"""


@pytest.fixture
def started(worker: Worker) -> Worker:
    worker.start()
    return worker


def test_an_async_start_is_answered_at_once_and_waits_in_the_queue(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ADD)

    outcome = submit(Start(acme, "add", {"a": 1, "b": 2}, ADA))

    assert outcome.status == "Queued"
    row = Dispatch.objects.get(execution=outcome.execution_id)
    assert (row.status, row.organization, row.workflow, row.worker, row.epoch) == ("Queued", acme.id, "add", None, 0)
    execution = recorded(acme, outcome)
    assert (execution.status, execution.started_at) == ("Queued", None)
    assert journal(acme, outcome) == [("status", "Queued", None)]


def test_a_worker_takes_it_and_keeps_the_full_record(
    started: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ADD)

    outcome = started.run("add", a=1, b=2)

    assert (outcome.status, outcome.result) == ("Success", 3)
    lines = journal(acme, outcome)
    assert [(kind, name) for kind, name, _ in lines] == [
        ("status", "Queued"),
        ("status", "Running"),
        ("log", "info"),
        ("status", "Success"),
    ]
    assert not Dispatch.objects.exists()
    assert Fleet.objects.get().status == "Success"


def test_a_failure_is_recorded_with_its_error(started: Worker, workspace: Workspace) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def fails(context):
            raise IntegrationError("No answer", integration="msgraph", status_code=503)
        """
    )
    outcome = started.run("fails")

    assert outcome.status == "Failed"
    assert outcome.error == {
        "error": "IntegrationError",
        "message": "No answer",
        "details": {"integration": "msgraph", "status_code": 503},
    }


def test_a_plain_function_runs_in_the_background_too(started: Worker, workspace: Workspace) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        def plainly(context, name: str):
            context.log("info", "in a thread")
            return {"hello": name}
        """
    )
    assert started.run("plainly", name="Ada").result == {"hello": "Ada"}


def test_many_starts_for_several_organizations_are_written_together(
    started: Worker, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(ADD)
    starts = [Start(organization, "add", {"a": n, "b": 1}, ADA) for organization in (acme, globex) for n in range(150)]
    starts.append(Start(acme, "add", {"a": "one"}, ADA))

    outcomes = submit_all(starts)

    assert isinstance(outcomes[-1], Exception) and "a" in str(outcomes[-1])
    ends = [started.end_of(start.organization, outcome) for start, outcome in zip(starts[:-1], outcomes, strict=False)]
    assert [end.result for end in ends] == [n + 1 for n in range(150)] * 2


def test_a_value_that_the_record_hides_reaches_the_code_exactly(
    started: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        @param("api_key", type="secret", required=True)
        async def uses(context, api_key: str, options: dict):
            context.log("info", f"with {api_key}")
            return {"key_length": len(api_key), "inner": len(options["password"])}
        """
    )
    outcome = started.run("uses", api_key="k-123456789", options={"password": "p-987654321"})

    assert outcome.result == {"key_length": 11, "inner": 11}
    record = recorded(acme, outcome)
    assert "k-123456789" not in str(record.input) and "p-987654321" not in str(record.input)
    assert journal(acme, outcome, "log") == [("log", "info", {"message": "with REDACTED", "data": None})]


def test_a_parameter_that_is_declared_a_secret_is_one_whatever_its_name(
    started: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        @param("pin", type="secret", required=True)
        async def dials(context, pin: str):
            return {"length": len(pin), "is": pin}
        """
    )
    outcome = started.run("dials", pin="4711471147")

    record = recorded(acme, outcome)
    assert outcome.result == {"length": 10, "is": "REDACTED"}, "what was read as a secret is one everywhere"
    assert record.input == {"pin": "REDACTED"} and record.input_sealed is not None


def test_the_same_code_runs_again_though_it_was_changed(
    started: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ADD)
    old = started.run("add", a=1, b=2)
    workspace.add(ADD.replace("a + b", "a * 100 + b"))
    started.stop()
    started.start()

    same = start_again(acme, UUID(old.execution_id), ADA, same_code=True)
    current = start_again(acme, UUID(old.execution_id), ADA)
    started.wake()

    assert started.end_of(acme, same).result == 3
    assert started.end_of(acme, current).result == 102
    assert recorded(acme, same).code_version == recorded(acme, old).code_version
    assert recorded(acme, current).retry_of == recorded(acme, old).id


def test_the_same_key_answers_with_the_same_execution(
    started: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ADD)
    start = Start(acme, "add", {"a": 1, "b": 2}, ADA, idempotency_key="once")

    first, second = submit(start), submit(start)

    assert first.execution_id == second.execution_id
    assert started.end_of(acme, first).result == 3
    assert submit(start).result == 3


def test_a_caller_may_wait_for_the_end(started: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(ADD)
    started.wakes_by_itself()

    outcome = submit(Start(acme, "add", {"a": 1, "b": 2}, ADA, wait_seconds=20))

    assert (outcome.status, outcome.result) == ("Success", 3)


def test_what_runs_too_long_is_ended_whoever_waits(started: Worker, workspace: Workspace) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", timeout_seconds=0.2)
        async def slow(context):
            await asyncio.sleep(60)
        """
    )
    outcome = started.run("slow")

    assert outcome.status == "Failed" and outcome.error is not None
    assert (outcome.error["error"], outcome.error["message"]) == (
        "TimeoutError",
        "Workflow exceeded timeout of 0.2 seconds",
    )


def test_a_poisoned_record_fails_alone(started: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    """Its sealed input cannot be opened: damaged, or of another organization."""
    from orgs.tenancy import org_context
    from workflows_app.models import Execution

    workspace.add(ADD)
    started.stop()
    broken = submit(Start(acme, "add", {"a": 1, "b": 2}, ADA))
    whole = submit(Start(acme, "add", {"a": 3, "b": 4}, ADA))
    with org_context(acme):
        Execution.objects.filter(id=broken.execution_id).update(input_sealed=b"not sealed at all, this is")
    started.start()

    assert started.end_of(acme, whole).result == 7
    end = started.end_of(acme, broken)
    assert end.status == "Failed"
    assert not Dispatch.objects.exists()


def test_the_queue_is_left_alone_by_an_engine_that_is_no_worker(
    run: Any, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ADD)
    workspace.add("@workflow\nasync def now(context):\n    return 1\n", "workflows/now.py")
    waiting = submit(Start(acme, "add", {"a": 1, "b": 2}, ADA))

    assert run("now").status == "Success"
    assert recorded(acme, waiting).status == "Queued"
    assert UUID(waiting.execution_id) == Dispatch.objects.get().execution
