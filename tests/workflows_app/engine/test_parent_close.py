"""What becomes of a started child when its parent ends."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.test_waits import wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import closing, maintenance, recovery, sending
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import children
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Approval, Execution

FAMILY = """
    @workflow(execution_mode="async")
    async def asks(context, name: str = ""):
        answer = await context.wait_for_signal("go")
        if answer == "fail":
            raise ValidationError("told to fail")
        return answer

    @workflow(execution_mode="async")
    async def leaves(context, close: str, how: str = "returns", child: str = "asks"):
        await context.start_workflow(child, parent_close=close)
        if how == "fails":
            raise ValidationError("it failed")
        if how == "waits":
            await context.wait_for_signal("never")
        return "left"

    @workflow(execution_mode="async")
    async def grandparent(context):
        await context.start_workflow("leaves", {"close": "cancel", "how": "waits"})
        await context.wait_for_signal("never")

    @workflow(execution_mode="async", requires_approval=True)
    async def approved(context):
        pass
"""


def left(acme: OrganizationRecord, parent: Outcome) -> Execution:
    (child,) = eventually(lambda: children_of(acme, parent.execution_id), "child")
    return child


def status_of(acme: OrganizationRecord, execution: UUID) -> str:
    with org_context(acme):
        return str(Execution.objects.values_list("status", flat=True).get(id=execution))


def is_cancelled(acme: OrganizationRecord, execution: UUID) -> bool:
    return status_of(acme, execution) == "Cancelled"


@pytest.mark.parametrize(("how", "ends"), [("returns", "Success"), ("fails", "Failed"), ("waits", "Cancelled")])
def test_a_child_is_cancelled_however_its_parent_ends(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, how: str, ends: str
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "leaves", {"close": "cancel", "how": how}, COMMAND))
    child = left(acme, outcome)
    if how == "waits":
        wait_suspended(acme, outcome)
        sending.cancel(acme, UUID(outcome.execution_id), ADA)
        worker.wake()
    assert worker.end_of(acme, outcome).status == ends
    # At once, by the process that has ended the parent.
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")
    assert left(acme, outcome).error["message"] == "Cancelled by its parent."
    assert not Dispatch.objects.exists()


@pytest.mark.parametrize("how", ["returns", "fails"])
def test_an_abandoned_child_goes_on(worker: Worker, workspace: Workspace, acme: OrganizationRecord, how: str) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "leaves", {"close": "abandon", "how": how}, COMMAND))
    worker.end_of(acme, outcome)
    child = left(acme, outcome)
    with shared_context():
        assert closing.close_orphans() == 0
    sending.signal(acme, child.id, "go", "alone", ADA)
    assert worker.end_of(acme, Outcome(str(child.id), "")).result == "alone"


@pytest.mark.parametrize(("how", "ends"), [("returns", "Success"), ("fails", "Failed")])
@pytest.mark.parametrize("word", ["well", "fail"])
def test_a_parent_waits_for_a_child_without_a_worker_and_ends_as_it_would_have(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, how: str, ends: str, word: str
) -> None:
    workspace.add(FAMILY)
    engine = worker.start()
    outcome = submit(Start(acme, "leaves", {"close": "wait", "how": how}, COMMAND))
    wait_suspended(acme, outcome)
    child = left(acme, outcome)
    eventually(lambda: status_of(acme, child.id) == "Suspended", "child that waits")
    lose(engine)
    worker.start()
    sending.signal(acme, child.id, "go", word, ADA)
    end = worker.end_of(acme, outcome)
    assert end.status == ends
    assert (end.error or {}).get("message") == ("it failed" if how == "fails" else None)
    assert status_of(acme, child.id) == ("Success" if word == "well" else "Failed")


def test_a_parent_that_is_cancelled_does_not_wait_for_what_it_would_have_waited_for(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "leaves", {"close": "wait"}, COMMAND))
    wait_suspended(acme, outcome)
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    assert worker.end_of(acme, outcome).status == "Cancelled"
    child = left(acme, outcome)
    sending.signal(acme, child.id, "go", "alone", ADA)
    assert worker.end_of(acme, Outcome(str(child.id), "")).result == "alone"


def test_a_child_whose_result_was_taken_is_not_waited_for_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(execution_mode="async")
    async def takes(context):
        handle = await context.start_workflow("asks", parent_close="wait")
        await handle.signal("go", 5)
        return await handle
"""
    )
    worker.start()
    outcome = submit(Start(acme, "takes", {}, COMMAND))
    assert worker.end_of(acme, outcome).result == 5
    assert [data["state"] for _, _, data in journal(acme, outcome, "child")] == ["waiting", "done"]


def test_a_process_that_dies_between_the_parents_end_and_the_cancelling_loses_nothing(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(FAMILY)
    engine = worker.start()
    monkeypatch.setattr(closing, "close_children", lambda organization, parent: None)
    outcome = submit(Start(acme, "leaves", {"close": "cancel"}, COMMAND))
    worker.end_of(acme, outcome)
    child = left(acme, outcome)
    eventually(lambda: status_of(acme, child.id) == "Suspended", "child that waits")
    lose(engine)

    with shared_context():
        assert closing.close_orphans() == 1
        assert closing.close_orphans() == 0  # it was told once
    worker.start()
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")


def test_the_maintenance_looks_for_them(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(FAMILY)
    worker.start()
    monkeypatch.setattr(closing, "close_children", lambda organization, parent: None)
    outcome = submit(Start(acme, "leaves", {"close": "cancel"}, COMMAND))
    worker.end_of(acme, outcome)
    child = left(acme, outcome)
    with shared_context():
        maintenance.run()
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")


def test_a_parent_that_is_given_up_after_its_loss_takes_its_child_with_it(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(
        FAMILY
        + """
    @workflow(execution_mode="async")
    async def busy(context):
        await context.start_workflow("asks")
        await asyncio.sleep(30)
"""
    )
    engine = worker.start()
    outcome = submit(Start(acme, "busy", {}, COMMAND))
    eventually(lambda: journal(acme, outcome, "start"), "start")
    child = left(acme, outcome)
    eventually(lambda: status_of(acme, child.id) == "Suspended", "wait")  # else it would be lost as well
    monkeypatch.setattr(recovery, "MOST_RECOVERIES", 0)
    lose(engine)
    assert worker.end_of(acme, outcome).error["error"] == "RecoveryLimitExceeded"
    with shared_context():
        closing.close_orphans()
    worker.start()
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")


def test_a_child_that_is_queued_when_its_parent_has_just_ended_is_cancelled_too(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(FAMILY)
    worker.start()
    asked, go, queued, queue = threading.Event(), threading.Event(), threading.Event(), children.queue

    def late(prepared: Any) -> bool:
        asked.set()
        assert go.wait(20)
        created = queue(prepared)
        queued.set()
        return created

    monkeypatch.setattr(children, "queue", late)
    outcome = submit(Start(acme, "leaves", {"close": "cancel"}, COMMAND))
    assert asked.wait(20)
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    worker.end_of(acme, outcome)
    go.set()
    assert queued.wait(20)
    child = left(acme, outcome)
    with shared_context():
        closing.close_orphans()
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")


def test_a_child_that_waits_for_its_approval_needs_none_any_more(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "leaves", {"close": "cancel", "child": "approved"}, COMMAND))
    worker.end_of(acme, outcome)
    child = left(acme, outcome)
    eventually(lambda: is_cancelled(acme, child.id), "cancelled child")
    with org_context(acme):
        assert Approval.objects.get().state == "withdrawn"


def test_cancelling_goes_down_the_tree(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAMILY)
    worker.start()
    outcome = submit(Start(acme, "grandparent", {}, COMMAND))
    child = left(acme, outcome)
    grandchild = left(acme, Outcome(str(child.id), ""))
    wait_suspended(acme, outcome)
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    for execution in (UUID(outcome.execution_id), child.id, grandchild.id):
        eventually(lambda execution=execution: is_cancelled(acme, execution), "cancelled execution")
    eventually(lambda: not Dispatch.objects.exists(), "empty queue")


def test_children_of_another_organization_are_left_alone(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(FAMILY)
    worker.start()
    other = submit(Start(globex, "leaves", {"close": "cancel", "how": "waits"}, COMMAND))
    wait_suspended(globex, other)
    foreign = left(globex, other)
    outcome = submit(Start(acme, "leaves", {"close": "cancel"}, COMMAND))
    worker.end_of(acme, outcome)
    eventually(lambda: is_cancelled(acme, left(acme, outcome).id), "cancelled child")
    sending.close_child(acme, foreign.id)  # nor is it found from there
    assert status_of(globex, foreign.id) == "Suspended"
