"""A question that nobody can answer any more: too late, withdrawn, or left by a run that has ended."""

from __future__ import annotations

from typing import Any

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.asking import answer, approvals, asked, wait_put_aside
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.approvals import asking as questions
from workflows_app.engine import approvals as engine_approvals
from workflows_app.errors import AlreadyDecided
from workflows_app.models import Approval


def test_where_nobody_decides_in_time_the_default_is_returned_or_an_error_raised(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            found = await context.wait_for_approval("First?", timeout=0.2, default="nobody")
            try:
                await context.wait_for_approval("Second?", timeout=1.5)
            except TimeoutError as error:
                return [found, str(error)]
        """
    )
    worker.start()
    outcome = worker.submit("example")
    assert worker.end_of(acme, outcome).result == ["nobody", "Nobody decided 'Second?' within 1.5 seconds"]
    for question in approvals(acme, outcome):
        assert (question.state, question.decided_by) == ("expired", None)
        assert question.decided_at >= question.expires_at  # type: ignore[operator]
        with pytest.raises(AlreadyDecided, match="already expired at"):
            answer(acme, question)


FIRST = """
@workflow(execution_mode="async")
async def first(context):
    found = await context.first(approval=context.wait_for_approval("Go?"), signal=context.wait_for_signal("stop"))
    await context.sleep(1.2)
    return [found.key, found.value if found.key == "signal" else found.value.approved]
"""


def test_what_came_too_late_for_first_is_withdrawn(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FIRST)
    worker.start()
    outcome = worker.submit("first")
    wait_put_aside(acme, outcome)
    signal(acme, outcome, "stop", 1)
    eventually(lambda: approvals(acme, outcome)[0].state == "withdrawn", "withdrawal")
    assert recorded(acme, outcome).status != "Success", "it is withdrawn at once, not only at the end"
    with pytest.raises(AlreadyDecided, match="already withdrawn at"):
        answer(acme, approvals(acme, outcome)[0])
    assert worker.end_of(acme, outcome).result == ["signal", 1]
    assert [data["state"] for _, _, data in journal(acme, outcome, "approval")] == ["started", "cancelled"]


def test_a_decision_that_comes_first_leaves_the_signal_alone(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FIRST)
    worker.start()
    outcome = worker.submit("first")
    wait_put_aside(acme, outcome)
    answer(acme, asked(acme, outcome))
    assert worker.end_of(acme, outcome).result == ["approval", True]


def test_a_withdrawal_that_was_lost_with_the_process_is_made_up_for(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(FIRST)
    engine = worker.start()
    outcome = worker.submit("first")
    wait_put_aside(acme, outcome)
    usual = questions.withdraw
    died: list[bool] = []

    def withdraw(*arguments: Any) -> None:
        if died:
            return usual(*arguments)
        died.append(True)
        engine.loop.call_soon_threadsafe(engine.lost)
        eventually(lambda: not engine.accepts, "loss")

    monkeypatch.setattr(engine_approvals.asking, "withdraw", withdraw)
    signal(acme, outcome, "stop", 1)
    eventually(lambda: bool(died) and not engine.accepts, "loss")
    lose(engine)
    assert approvals(acme, outcome)[0].state == "pending"
    worker.start()
    worker.wake()
    assert worker.end_of(acme, outcome).result == ["signal", 1]
    assert approvals(acme, outcome)[0].state == "withdrawn"


def test_a_cancelled_runs_question_is_withdrawn(paying: Worker, acme: OrganizationRecord) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)
    question = asked(acme, outcome)
    sending.cancel(acme, question.execution_id, ADA)
    paying.wake()
    assert paying.end_of(acme, outcome).status == "Cancelled"
    assert approvals(acme, outcome)[0].state == "withdrawn"
    with pytest.raises(AlreadyDecided, match="already withdrawn at"):
        answer(acme, question)


def test_what_a_run_leaves_behind_is_withdrawn_with_its_end(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    """Also where it does not end in order."""
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            asyncio.create_task(context.wait_for_approval("Go?"))
            await asyncio.sleep(0.5)
            raise SystemExit
        """
    )
    worker.start()
    outcome = worker.submit("example")
    assert worker.end_of(acme, outcome).status == "Failed"
    assert [question.state for question in approvals(acme, outcome)] == ["withdrawn"]


def test_the_end_withdraws_what_is_pending_and_nothing_else(paying: Worker, acme: OrganizationRecord) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)
    question = asked(acme, outcome)
    with org_context(acme):
        Approval.objects.create(
            execution_id=question.execution_id, kind="step", key="left", title="Left?", requested_by={}, permission="x"
        )
    answer(acme, question)
    paying.end_of(acme, outcome)
    assert sorted(found.state for found in approvals(acme, outcome)) == ["approved", "withdrawn"]
