"""Children that a workflow starts and does not wait for at once: handles."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.interrupting import Interrupted
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.test_parent_close import status_of
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import queries, sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import children
from workflows_app.executions import Start, submit
from workflows_app.models import Inbox

FAMILY = """
    @workflow(execution_mode="async")
    async def asks(context, number: int):
        answer = await context.wait_for_signal("go")
        if answer == "fail":
            raise ValidationError("told to fail", field="go")
        return {"number": number, "answer": answer, "api_token": "not-from-the-vault"}

    @workflow(execution_mode="async")
    async def starts(context, number: int = 1):
        handle = await context.start_workflow("asks", {"number": number})
        context.log("info", handle.execution_id)
        return await handle.result()

    @workflow(execution_mode="async")
    async def talks(context):
        handle = await context.start_workflow("asks", {"number": 7})
        await handle.signal("go", {"n": 1})
        return await handle

    @workflow(execution_mode="async")
    async def ends_it(context):
        handle = await context.start_workflow("asks", {"number": 7})
        await handle.cancel()
        try:
            await handle
        except WorkflowException as error:
            await handle.cancel()
            return error.error_type

    @workflow(execution_mode="async")
    def plain(context):
        handle = context.start_workflow("asks", {"number": 3})
        handle.signal("go", "plainly")
        return handle.result()

    @workflow(execution_mode="async")
    async def gives_up(context):
        handle = await context.start_workflow("asks", {"number": 1})
        first = await context.first(child=handle.result(), time=context.sleep(0.1))
        await handle.signal("go", "late")
        return [first.key, await handle, await handle.result()]
"""


def test_a_started_child_is_queued_and_its_exact_result_comes_later(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "starts", {}, COMMAND))
    wait_suspended(acme, outcome)
    (child,) = children_of(acme, outcome.execution_id)
    assert (child.workflow, child.depth, child.actor) == ("asks", 1, "command:command")
    assert child.trigger == {"type": "parent", "executionId": outcome.execution_id}

    eventually(lambda: recorded_status(acme, child.id) == "Suspended", "child that waits")
    sending.signal(acme, child.id, "go", "yes", ADA)
    worker.wake()

    assert worker.end_of(acme, outcome).result == {"number": 1, "answer": "yes", "api_token": "not-from-the-vault"}
    assert [data["message"] for _, _, data in journal(acme, outcome, "log")] == [str(child.id)]
    (line,) = [data for _, _, data in journal(acme, outcome, "start")]
    assert (line["state"], line["value"], line["parentClose"]) == ("done", str(child.id), "cancel")
    # The result itself is redacted where it is shown.
    assert journal(acme, outcome, "child")[-1][2]["value"]["api_token"] == "REDACTED"


def test_a_started_childs_error_is_raised_where_its_result_is_asked_for(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "starts", {}, COMMAND))
    (child,) = eventually(lambda: children_of(acme, outcome.execution_id), "child")
    sending.signal(acme, child.id, "go", "fail", ADA)
    end = worker.end_of(acme, outcome)
    assert end.error == {"error": "ValidationError", "message": "told to fail", "details": {"field": "go"}}


def test_the_handle_sends_signals(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "talks", {}, COMMAND))
    assert worker.end_of(acme, outcome).result["answer"] == {"n": 1}
    (child,) = children_of(acme, outcome.execution_id)
    with org_context(acme):
        assert Inbox.objects.filter(execution=child.id, kind="signal").count() == 1


def test_the_handle_cancels_and_does_nothing_more_once_it_has_ended(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "ends_it", {}, COMMAND))
    assert worker.end_of(acme, outcome).result == "Cancelled"
    (child,) = children_of(acme, outcome.execution_id)
    assert child.error["message"] == "Cancelled by its parent."


def test_a_plain_function_has_handles_too(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "plain", {}, COMMAND))
    assert worker.end_of(acme, outcome).result["answer"] == "plainly"


def test_who_gives_up_waiting_does_not_stop_the_child(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "gives_up", {}, COMMAND))
    end = worker.end_of(acme, outcome)
    assert end.result[0] == "time"
    assert end.result[1] == end.result[2]
    assert end.result[1]["answer"] == "late"


def test_two_tasks_may_wait_for_the_same_child(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(execution_mode="async")
    async def twice(context):
        handle = await context.start_workflow("asks", {"number": 1})
        results = await asyncio.gather(handle.result(), handle.result(), handle.result())
        return [result["answer"] for result in results]
"""
    )
    worker.start()
    outcome = submit(Start(acme, "twice", {}, COMMAND))
    wait_suspended(acme, outcome)
    (child,) = children_of(acme, outcome.execution_id)
    sending.signal(acme, child.id, "go", "one", ADA)
    worker.wake()
    assert worker.end_of(acme, outcome).result == ["one", "one", "one"]


def test_a_start_whose_line_was_lost_finds_its_child_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(execution_mode="async", retry_policy={"max_attempts": 2})
    async def may_run_again(context):
        return await (await context.start_workflow("asks", {"number": 1}))
"""
    )
    engine = worker.start()
    monkeypatch.setattr(children, "queue", interrupted := Interrupted(children.queue))
    outcome = submit(Start(acme, "may_run_again", {}, COMMAND))
    interrupted.lose(engine)
    (child,) = children_of(acme, outcome.execution_id)
    assert journal(acme, outcome, "start") == []

    worker.start()
    sending.signal(acme, child.id, "go", "found", ADA)
    assert worker.end_of(acme, outcome).result["answer"] == "found"
    assert len(children_of(acme, outcome.execution_id)) == 1


def test_a_start_that_is_in_the_journal_is_not_done_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    # The first loss may meet the child at its very beginning.
    workspace.add(FAMILY.replace('"async")', '"async", retry_policy={"max_attempts": 2})', 1))
    engine = worker.start()
    outcome = submit(Start(acme, "starts", {}, COMMAND))
    eventually(lambda: journal(acme, outcome, "start"), "start")
    lose(engine)
    engine = worker.start()
    (child,) = children_of(acme, outcome.execution_id)
    wait_suspended(acme, outcome)
    eventually(lambda: status_of(acme, child.id) == "Suspended", "child that waits")
    lose(engine)

    # Both are lost while they wait, and the child ends while nobody is there for its parent.
    sending.signal(acme, child.id, "go", "at last", ADA)
    worker.start()
    assert worker.end_of(acme, outcome).result["answer"] == "at last"
    assert len(children_of(acme, outcome.execution_id)) == 1


def test_a_parent_and_its_child_that_are_lost_together_both_go_on(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 2})
        async def counts(context, directory: str):
            import os
            while not os.path.exists(directory + "/open"):
                await asyncio.sleep(0.02)
            return "counted"

        @workflow(execution_mode="async")
        async def starts_it(context, directory: str):
            handle = await context.start_workflow("counts", {"directory": directory})
            return [await handle]
        """
    )
    engine = worker.start()
    outcome = submit(Start(acme, "starts_it", {"directory": str(tmp_path)}, COMMAND))
    eventually(
        lambda: Dispatch.objects.filter(status="Running", worker=engine.id, workflow="counts"), "child that runs"
    )
    lose(engine)
    (tmp_path / "open").touch()
    worker.start()
    assert worker.end_of(acme, outcome).result == ["counted"]
    assert len(children_of(acme, outcome.execution_id)) == 1


def test_another_attempt_of_the_parent_starts_what_failed_anew_and_nothing_else(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def works(context, name: str, directory: str):
            from pathlib import Path
            file = Path(directory) / name
            file.touch()
            if name == "fails" and not (Path(directory) / "again").exists():
                (Path(directory) / "again").touch()
                raise ValidationError("once")
            return name

        @workflow(execution_mode="async", retry_policy={
            "max_attempts": 2, "initial_interval_seconds": 0.1, "retry_on": ["ValidationError"]})
        async def both(context, directory: str):
            handles = [await context.start_workflow("works", {"name": name, "directory": directory})
                       for name in ("well", "fails")]
            return [await handle for handle in handles]
        """
    )
    worker.start()
    outcome = submit(Start(acme, "both", {"directory": str(tmp_path)}, COMMAND))
    assert worker.end_of(acme, outcome).result == ["well", "fails"]
    assert [(child.input["name"], child.status) for child in children_of(acme, outcome.execution_id)] == [
        ("well", "Success"),
        ("fails", "Failed"),
        ("fails", "Success"),
    ]


def test_a_signal_of_a_step_that_runs_again_is_delivered_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(FAMILY)
    engine = worker.start()
    monkeypatch.setattr(sending, "signal", interrupted := Interrupted(sending.signal))
    outcome = submit(Start(acme, "talks", {}, COMMAND))
    interrupted.lose(engine)
    (child,) = children_of(acme, outcome.execution_id)
    worker.start()
    assert worker.end_of(acme, outcome).result["answer"] == {"n": 1}
    with org_context(acme):
        # It has reached the child also where that has taken it and ended before the step ran again.
        assert Inbox.objects.filter(execution=child.id, kind="signal").count() == 1


def test_a_child_that_is_refused_is_an_error_where_it_is_started(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(required_permission="canResetPasswords")
        async def reset(context, user: str):
            pass

        @workflow(execution_mode="async")
        async def tries(context):
            errors = []
            for name, given in [("nobody", {}), ("reset", {}), ("reset", {"user": "u"})]:
                try:
                    await context.start_workflow(name, given)
                except WorkflowException as error:
                    errors.append(error.error_type)
            try:
                await context.start_workflow("reset", parent_close="never")
            except ValidationError as error:
                errors.append(error.message)
            return errors
        """
    )
    worker.start()
    outcome = submit(Start(acme, "tries", {}, ADA))
    errors = worker.end_of(acme, outcome).result
    # Ada is nobody whose rights can be looked up again in a worker.
    assert errors[0] == "NotFound"
    assert set(errors[1:3]) <= {"PermissionError", "ValidationError"}
    assert errors[3].startswith("parent_close is one of cancel, abandon, wait")
    assert children_of(acme, outcome.execution_id) == []


def test_children_that_are_started_count_in_the_depth(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, limits: Any
) -> None:
    limits(max_child_depth=2)
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def endless(context):
            return await (await context.start_workflow("endless"))
        """
    )
    worker.start()
    outcome = submit(Start(acme, "endless", {}, COMMAND))
    error = worker.end_of(acme, outcome).error
    assert error is not None and error["error"] == "ChildDepthExceeded"


def test_a_workflow_signals_another_execution_of_its_organization(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(execution_mode="async")
    async def tells(context, to: str):
        await context.signal_workflow(to, "go", {"password": "hunter22"})
        return "told"
"""
    )
    worker.start()
    other = submit(Start(acme, "asks", {"number": 5}, COMMAND))
    assert worker.end_of(acme, submit(Start(acme, "tells", {"to": other.execution_id}, COMMAND))).result == "told"
    assert worker.end_of(acme, other).result["answer"] == {"password": "hunter22"}
    # It has ended now; another organization's does not exist; neither does what is no id.
    foreign = submit(Start(globex, "asks", {"number": 5}, COMMAND))
    for to, error in [(other.execution_id, "Conflict"), (foreign.execution_id, "NotFound"), ("x", "NotFound")]:
        end = worker.end_of(acme, submit(Start(acme, "tells", {"to": to}, COMMAND)))
        assert end.error is not None and end.error["error"] == error


def test_the_record_shows_started_children(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "starts", {}, COMMAND))
    wait_suspended(acme, outcome)
    (child,) = children_of(acme, outcome.execution_id)
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    assert [(each["executionId"], each["workflowName"]) for each in record["children"]] == [(str(child.id), "asks")]
    assert record["waitingFor"] == "the child 'asks'"
    assert queries.get_execution(acme, child.id)["parentExecutionId"] == outcome.execution_id
    assert signal(acme, outcome, "unrelated") in {"Queued", "Running"}


def recorded_status(acme: OrganizationRecord, execution: UUID) -> str:
    return str(queries.get_summary(acme, execution)["status"])


def test_who_manages_only_their_own_signals_only_their_own(
    engine_stops: None, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow
    async def tells_now(context, to: str):
        await context.signal_workflow(to, "go", 1)
"""
    )
    operator = Actor("user", "1", "", "Op", frozenset({"canExecuteWorkflows"}))
    own = submit(Start(acme, "asks", {"number": 1}, operator))
    others = submit(Start(acme, "asks", {"number": 1}, COMMAND))
    assert submit(Start(acme, "tells_now", {"to": own.execution_id}, operator)).status == "Success"
    refused = submit(Start(acme, "tells_now", {"to": others.execution_id}, operator))
    assert refused.error is not None and refused.error["error"] == "NotFound"
    with org_context(acme):
        assert [str(entry.execution_id) for entry in Inbox.objects.all()] == [own.execution_id]
