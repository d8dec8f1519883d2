"""A workflow that runs other workflows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orgs.permissions import EVERYTHING
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import children
from workflows_app.executions import Start, submit
from workflows_app.models import Execution

#: Who may do everything also when its rights are looked up again.
COMMAND = Actor("command", "command", "", "Command line", frozenset({EVERYTHING}), staff=True)
FAMILY = """
    @workflow(name="add")
    async def add(context, left: int, right: int):
        if left < 0:
            raise ValidationError("left is negative", field="left")
        context.log("info", "adding")
        return {"sum": left + right, "by": context.executed_by_email, "api_token": "not-from-the-vault"}

    @workflow(name="parent")
    async def parent(context, left: int = 1):
        return await context.execute_workflow("add", {"left": left, "right": 2})

    @workflow(name="many")
    async def many(context):
        results = await asyncio.gather(*[
            context.execute_workflow("add", {"left": number, "right": 0}) for number in range(20)])
        return [result["sum"] for result in results]

    @workflow(name="plain_parent")
    def plain_parent(context):
        return context.execute_workflow("add", {"left": 3, "right": 4})["sum"]

    @workflow(name="catches")
    async def catches(context):
        try:
            await context.execute_workflow("add", {"left": -1, "right": 0})
        except ValidationError as error:
            return {"caught": error.message, "field": error.field}

    @workflow(name="endless")
    async def endless(context):
        return await context.execute_workflow("endless")

    @workflow(name="sleeper")
    async def sleeper(context):
        await asyncio.sleep(30)

    @workflow(name="impatient", timeout_seconds=1)
    async def impatient(context):
        await context.execute_workflow("sleeper")

    @workflow(name="unknown_child")
    async def unknown_child(context):
        await context.execute_workflow("nobody")

    @workflow(name="later", execution_mode="async")
    async def later(context):
        return "in the same process"

    @workflow(name="async_child")
    async def async_child(context):
        return await context.execute_workflow("later")

    @workflow(name="approved", requires_approval=True)
    async def approved(context):
        pass

    @workflow(name="approved_child")
    async def approved_child(context):
        await context.execute_workflow("approved")
"""


def children_of(organization: OrganizationRecord, parent_id: str) -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.filter(parent=parent_id).order_by("id"))


def test_the_parent_gets_its_childs_exact_result(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    assert run("parent").result == {"sum": 3, "by": "ada@acme.example", "api_token": "not-from-the-vault"}


def test_the_child_has_a_record_of_its_own_that_names_its_parent(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    outcome = run("parent")
    (child,) = children_of(acme, outcome.execution_id)
    assert (child.workflow, child.status, child.depth) == ("add", "Success", 1)
    assert child.trigger == {"type": "parent", "executionId": outcome.execution_id}
    assert [data["state"] for _, _, data in journal(acme, outcome, "child")] == ["started", "done"]
    assert journal(acme, outcome, "child")[-1][2]["status"] == "Success"


def test_children_run_side_by_side_and_each_gets_its_own_result(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    assert run("many").result == list(range(20))


def test_a_plain_function_may_have_children_too(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    assert run("plain_parent").result == 7


def test_a_childs_failure_reaches_the_parent_as_the_childs_error(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    outcome = run("parent", left=-1)
    assert outcome.status == "Failed"
    assert outcome.error == {"error": "ValidationError", "message": "left is negative", "details": {"field": "left"}}
    assert children_of(acme, outcome.execution_id)[0].status == "Failed"


def test_a_parent_may_catch_its_childs_failure(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    assert run("catches").result == {"caught": "left is negative", "field": "left"}


def test_a_parent_that_runs_out_of_time_stops_its_child(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    outcome = run("impatient")
    assert outcome.error is not None and outcome.error["error"] == "TimeoutError"
    # The child's end is written beside the parent's.
    eventually(lambda: not Dispatch.objects.exists(), "end of both")
    (child,) = children_of(acme, outcome.execution_id)
    assert child.status == "Cancelled"


def test_a_child_that_begins_when_its_parent_has_just_given_up_ends_at_once(
    run: Run, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(name="gives_up")
    async def gives_up(context):
        return (await context.first(context.execute_workflow("sleeper"), context.sleep(0.1))).key
"""
    )
    go, begin = threading.Event(), children.begin

    def late(engine: Any, prepared: Any) -> Any:
        assert go.wait(20)
        return begin(engine, prepared)

    monkeypatch.setattr(children, "begin", late)
    outcome = run("gives_up")
    assert outcome.result == 1
    go.set()
    eventually(lambda: [child.status for child in children_of(acme, outcome.execution_id)] == ["Cancelled"], "end")
    assert not Dispatch.objects.exists()


def test_children_are_nested_ten_deep_at_most(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAMILY)
    outcome = run("endless")
    assert outcome.error is not None and outcome.error["error"] == "ChildDepthExceeded"
    with org_context(acme):
        assert Execution.objects.count() == 11


def test_a_child_that_cannot_be_started_is_an_error_of_the_parent(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    outcome = run("unknown_child")
    assert outcome.error is not None and outcome.error["error"] == "NotFound"


def test_a_parent_waits_without_a_worker_for_a_child_that_needs_an_approval(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "approved_child", {}, COMMAND, background=True))
    wait_suspended(acme, outcome)
    (child,) = children_of(acme, outcome.execution_id)
    assert child.status == "PendingApproval"

    sending.cancel(acme, child.id, ADA)
    worker.wake()

    end = worker.end_of(acme, outcome)
    assert (end.status, end.error["error"]) == ("Failed", "Cancelled")


def test_a_parent_waits_without_a_worker_for_a_child_that_waits(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(name="asks", execution_mode="async")
        async def asks(context, number: int):
            return [number, await context.wait_for_signal("go")]

        @workflow(name="asks_all", execution_mode="async")
        async def asks_all(context):
            return await asyncio.gather(*(context.execute_workflow("asks", {"number": number}) for number in range(3)))
        """
    )
    worker.start()
    outcome = submit(Start(acme, "asks_all", {}, COMMAND))
    wait_suspended(acme, outcome)
    children = children_of(acme, outcome.execution_id)
    assert [child.status for child in children] == ["Suspended"] * 3

    for child in children:
        sending.signal(acme, child.id, "go", child.input["number"] * 10, ADA)
    worker.wake()

    assert worker.end_of(acme, outcome).result == [[0, 0], [1, 10], [2, 20]]
    assert len(children_of(acme, outcome.execution_id)) == 3


def test_a_parent_that_was_lost_finds_its_child_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @workflow(name="counts", execution_mode="async", retry_policy={"max_attempts": 3})
        async def counts(context, directory: str):
            import os
            while not os.path.exists(directory + "/open"):
                await asyncio.sleep(0.05)
            return "counted"

        @workflow(name="has_counted", execution_mode="async")
        async def has_counted(context, directory: str):
            return [await context.execute_workflow("counts", {"directory": directory})]
        """
    )
    engine = worker.start()
    outcome = submit(Start(acme, "has_counted", {"directory": str(tmp_path)}, COMMAND))
    eventually(lambda: journal(acme, outcome, "child"), "child")

    lose(engine)
    worker.start()
    (tmp_path / "open").touch()

    assert worker.end_of(acme, outcome).result == ["counted"]
    assert len(children_of(acme, outcome.execution_id)) == 1


def test_a_child_runs_where_its_parent_runs_whatever_its_mode(run: Run, workspace: Workspace) -> None:
    workspace.add(FAMILY)
    assert run("async_child").result == "in the same process"


def test_the_caller_needs_the_permission_for_the_child_too(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(name="reset", required_permission="canResetPasswords")
        async def reset(context):
            return "reset"

        @workflow(name="wraps")
        async def wraps(context):
            return await context.execute_workflow("reset")
        """
    )
    operator = Actor("user", "1", "", "Op", frozenset({"canExecuteWorkflows"}))
    outcome = submit(Start(acme, "wraps", {}, operator))
    assert outcome.error is not None and outcome.error["error"] == "PermissionError"
    assert recorded(acme, outcome).status == "Failed"


def test_the_journal_limit_stops_a_run_that_would_fill_the_disk(
    run: Run, workspace: Workspace, limits: Callable[..., None]
) -> None:
    limits(max_events=50)
    workspace.add(
        """
        @workflow(name="chatty")
        async def chatty(context):
            for number in range(100):
                context.save_checkpoint("n", number)
        """
    )
    outcome = run("chatty")
    assert outcome.error is not None and outcome.error["error"] == "HistoryTooLarge"


def test_log_lines_over_their_limit_are_dropped_and_counted(
    run: Run, workspace: Workspace, acme: OrganizationRecord, limits: Callable[..., None]
) -> None:
    limits(max_logs=10)
    workspace.add(
        """
        @workflow(name="chatty")
        async def chatty(context):
            for number in range(100):
                context.log("info", f"line {number}")
            return "done"
        """
    )
    outcome = run("chatty")
    assert outcome.result == "done"
    lines = [data["message"] for _, _, data in journal(acme, outcome, "log")]
    assert len(lines) == 11
    assert lines[-1] == "90 log lines dropped"


def test_a_burst_of_log_lines_in_one_go_is_kept(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow(name="burst")
        def burst(context):
            for number in range(3000):
                context.log("info", f"line {number}")
                if number % 500 == 0:
                    time.sleep(0.05)
            return "done"
        """
    )
    outcome = run("burst")
    lines = [data["message"] for _, _, data in journal(acme, outcome, "log")]
    assert lines == [f"line {number}" for number in range(3000)]
