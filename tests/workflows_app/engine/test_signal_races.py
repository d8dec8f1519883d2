"""Signals, times and decisions that meet: exactly one outcome, the same whenever the code runs again."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.asking import wait_put_aside
from tests.workflows_app.engine.conftest import ADA, Workspace, caller, journal
from tests.workflows_app.engine.racing import MANY, at_once, due_of, until
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker
from workflows_app import sending
from workflows_app.engine import inbox
from workflows_app.errors import HasEnded
from workflows_app.executions import Outcome
from workflows_app.models import Inbox

TWO = """
@workflow(execution_mode="async")
async def two(context):
    return [await context.wait_for_signal("event"), await context.wait_for_signal("event")]
"""


def sent(acme: OrganizationRecord, outcome: Outcome, body: Any, name: str = "event") -> None:
    """As another process sends it, while the loop of this one stands still."""
    caller(lambda: sending.signal(acme, UUID(outcome.execution_id), name, body, ADA)).join(20)


# --- a signal that comes just now -------------------------------------------------------------------------------------


def test_a_signal_before_the_wait_is_kept(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(TWO)
    outcome = worker.submit("two")
    signal(acme, outcome, "event", 1)
    signal(acme, outcome, "event", 2)
    worker.start()
    worker.wake()
    assert worker.end_of(acme, outcome).result == [1, 2]


@pytest.mark.parametrize("when", ["before it is put aside", "after it was put aside"])
def test_a_signal_while_the_run_is_being_put_aside_is_not_slept_through(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Between its last look into the inbox and its sleep, and just behind."""
    workspace.add(TWO)
    engine = worker.start()
    usual = engine.suspend
    times: list[int] = []

    def suspend(*arguments: Any) -> None:
        times.append(len(times))
        if when.startswith("after"):
            usual(*arguments)
        if len(times) < 3:
            sent(acme, outcome, times[-1])
        if when.startswith("before"):
            usual(*arguments)

    monkeypatch.setattr(engine, "suspend", suspend)
    began = time.monotonic()
    outcome = worker.submit("two")
    assert worker.end_of(acme, outcome).result == [0, 1]
    assert len(times) >= 2 and time.monotonic() - began < 15


def test_a_signal_between_reading_and_hearing_is_delivered_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two looks into the inbox find the same entries, and a later one."""
    workspace.add(TWO)
    engine = worker.start()
    usual, looks = inbox.deliver, []

    def deliver(engine_: Any, organization: OrganizationRecord, runs: Any) -> None:
        usual(engine_, organization, runs)
        looks.append(len(runs))
        if len(looks) == 1:
            sending.signal(acme, UUID(outcome.execution_id), "event", 2, ADA)
        usual(engine_, organization, runs)

    monkeypatch.setattr(inbox, "deliver", deliver)
    outcome = worker.submit("two")
    wait_put_aside(acme, outcome)
    signal(acme, outcome, "event", 1)
    assert worker.end_of(acme, outcome).result == [1, 2]
    assert looks and len(journal(acme, outcome, "inbox")) == 2 and not engine.runs


def test_sent_twice_it_is_there_twice_and_after_the_end_it_is_refused(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(TWO)
    worker.start()
    outcome = worker.submit("two")
    wait_put_aside(acme, outcome)
    signal(acme, outcome, "event", "same")
    signal(acme, outcome, "event", "same")
    assert worker.end_of(acme, outcome).result == ["same", "same"]
    with pytest.raises(HasEnded, match="ended already, as Success"):
        signal(acme, outcome, "event", "late")
    with org_context(acme):
        assert Inbox.objects.filter(execution_id=outcome.execution_id).count() == 2


def test_twenty_at_once_are_all_delivered_in_the_order_of_the_inbox(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def twenty(context):
            return [await context.wait_for_signal("event") for _ in range(20)]
        """
    )
    worker.start()
    outcome = worker.submit("twenty")
    wait_put_aside(acme, outcome)
    at_once([lambda n=n: signal(acme, outcome, "event", n) for n in range(20)])
    found = worker.end_of(acme, outcome).result
    with org_context(acme):
        entries = Inbox.objects.filter(execution_id=outcome.execution_id).order_by("number")
        assert found == [data["value"] for data in entries.values_list("data", flat=True)]
    assert sorted(found) == list(range(20))


# --- a time and something that comes in the same moment ---------------------------------------------------------------


def test_a_signal_at_the_instant_of_the_time_out_ends_the_wait_once(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    """Whatever came of it, the signal is still there or was delivered, and no replay sees it otherwise."""
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            first = await context.wait_for_signal("event", timeout=1.3, default="nothing")
            context.log("info", f"first {first}")
            await context.wait_for_signal("go on")
            kept = await context.wait_for_signal("event", timeout=0.01, default="nothing")
            return [first, kept]
        """
    )
    worker.start()
    outcomes = [worker.submit("example") for _ in range(MANY)]
    due = {outcome.execution_id: due_of(acme, outcome, "signal") for outcome in outcomes}
    at_once(
        [
            lambda outcome=outcome, n=n: (
                until(due[outcome.execution_id] + (n - MANY / 2) * 0.01),
                signal(acme, outcome, "event", "sent"),
            )
            for n, outcome in enumerate(outcomes)
        ]
    )
    for outcome in outcomes:
        wait_put_aside(acme, outcome)  # the wait is over, and what came of it is replayed
        [said] = journal(acme, outcome, "log")
        signal(acme, outcome, "go on")
        first, kept = worker.end_of(acme, outcome).result
        assert sorted([first, kept]) == ["nothing", "sent"], "delivered exactly once"
        assert said[2]["message"] == f"first {first}"
        assert len(journal(acme, outcome, "log")) == 1


def test_a_timer_and_a_signal_at_the_same_instant_have_one_winner(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            found = await context.first(event=context.wait_for_signal("event"), time=context.sleep(1.3))
            context.log("info", f"first {found.key}")
            await context.wait_for_signal("go on")
            kept = await context.wait_for_signal("event", timeout=0.01, default="nothing")
            return [found.key, kept]
        """
    )
    worker.start()
    outcomes = [worker.submit("example") for _ in range(MANY)]
    due = {outcome.execution_id: due_of(acme, outcome, "timer") for outcome in outcomes}
    at_once(
        [
            lambda outcome=outcome, n=n: (
                until(due[outcome.execution_id] + (n - MANY / 2) * 0.01),
                signal(acme, outcome, "event", "sent"),
            )
            for n, outcome in enumerate(outcomes)
        ]
    )
    for outcome in outcomes:
        wait_put_aside(acme, outcome)
        [said] = journal(acme, outcome, "log")
        signal(acme, outcome, "go on")
        key, kept = worker.end_of(acme, outcome).result
        assert kept == ("nothing" if key == "event" else "sent")
        assert said[2]["message"] == f"first {key}"
