"""Decisions that meet signals, times, cancels and each other: exactly one outcome."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from orgs.permissions import APPROVE
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.asking import GRACE, answer, approvals, asked, wait_put_aside, wake
from tests.workflows_app.engine.conftest import ADA, Workspace, caller, journal, recorded
from tests.workflows_app.engine.racing import MANY, at_once, until
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker
from workflows_app import sending
from workflows_app.approvals import deciding
from workflows_app.approvals.deciding import decide
from workflows_app.engine import approvals as engine_approvals
from workflows_app.engine import process
from workflows_app.errors import AlreadyDecided
from workflows_app.models import Inbox

ASKS = """
@workflow(execution_mode="async")
async def asks(context, timeout: float | None = None):
    decision = await context.wait_for_approval("Go?", {"n": 0}, timeout=timeout, default=None)
    await context.sleep(1.2)
    return None if decision is None else [decision.approved, decision.decided_by.name, decision.values]
"""


def test_of_twenty_decisions_at_once_one_wins_and_the_run_hears_that_one(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ASKS)
    worker.start()
    outcome = worker.submit("asks")
    wait_put_aside(acme, outcome)
    question = asked(acme, outcome)
    won: list[int] = []
    lost: list[str] = []

    def person(number: int) -> None:
        who = Actor("user", f"p{number}", f"p{number}@acme.example", f"Person {number}", frozenset({APPROVE}))
        yes = number % 2 == 0
        try:
            decide(acme, question.id, who, approve=yes, values={"n": number} if yes else None)
            won.append(number)
        except AlreadyDecided as refused:
            lost.append(refused.message.partition(" at ")[0])

    at_once([lambda n=n: person(n) for n in range(20)])
    wake()

    [winner] = won
    state = "approved" if winner % 2 == 0 else "rejected"
    assert lost == [f"This was already {state} by Person {winner}"] * 19
    values = {"n": winner} if winner % 2 == 0 else {}
    assert worker.end_of(acme, outcome).result == [winner % 2 == 0, f"Person {winner}", values]
    [decided] = approvals(acme, outcome)
    assert decided.state == state
    with org_context(acme):
        assert Inbox.objects.filter(execution_id=outcome.execution_id, kind="decision").count() == 1


@pytest.mark.parametrize("when", ["before it is put aside", "after it was put aside"])
def test_a_decision_while_the_run_is_being_put_aside_is_not_slept_through(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    workspace.add(ASKS)
    engine = worker.start()
    usual, times = engine.suspend, []

    def suspend(*arguments: Any) -> None:
        times.append(len(times))
        if when.startswith("after"):
            usual(*arguments)
        if len(times) == 1:
            caller(lambda: answer(acme, asked(acme, outcome), values={"n": 1})).join(20)
        if when.startswith("before"):
            usual(*arguments)

    monkeypatch.setattr(engine, "suspend", suspend)
    outcome = worker.submit("asks")
    assert worker.end_of(acme, outcome).result == [True, "Grace", {"n": 1}]


def test_a_decision_before_the_run_comes_to_wait_is_found(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the question and the first look at its answer."""
    workspace.add(ASKS)
    worker.start()
    usual = engine_approvals.asking.ask

    def ask(*arguments: Any) -> Any:
        found = usual(*arguments)
        assert found is not None
        decide(acme, found[0], GRACE, approve=True)
        return found

    monkeypatch.setattr(engine_approvals.asking, "ask", ask)
    outcome = worker.submit("asks")
    assert worker.end_of(acme, outcome).result == [True, "Grace", {"n": 0}]


def test_a_decision_and_the_end_of_its_time_agree_on_one_of_them(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ASKS)
    worker.start()
    outcomes = [worker.submit("asks", timeout=1.5) for _ in range(MANY)]
    questions = [asked(acme, outcome) for outcome in outcomes]
    heard: dict[int, bool] = {}

    def person(number: int) -> None:
        expires = questions[number].expires_at
        assert expires is not None
        until(expires.timestamp() + (number - MANY / 2) * 0.004)
        try:
            decide(acme, questions[number].id, GRACE, approve=True, values={"n": number})
            heard[number] = True
        except AlreadyDecided as refused:
            assert "already expired at" in refused.message
            heard[number] = False
        wake()

    at_once([lambda n=n: person(n) for n in range(MANY)])
    for number, outcome in enumerate(outcomes):
        result = worker.end_of(acme, outcome).result
        [question] = approvals(acme, outcome)
        assert (result is not None) is heard[number], "the run and the person agree"
        assert question.state == ("approved" if heard[number] else "expired")
        assert result in (None, [True, "Grace", {"n": number}])
    assert sorted(heard) == list(range(MANY))


def test_a_decision_just_before_its_time_counts_although_the_run_looks_later(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person's transaction has begun in time, and ends when the run's time is over already."""
    workspace.add(ASKS)
    worker.start()
    outcome = worker.submit("asks", timeout=1.5)
    question = asked(acme, outcome)
    assert question.expires_at is not None
    over = question.expires_at.timestamp()
    in_time: list[bool] = []

    @contextmanager
    def ends_late() -> Iterator[None]:
        with transaction.atomic():
            yield
            in_time.append(time.time() < over)
            until(over + 0.5)

    monkeypatch.setattr(deciding, "transaction", SimpleNamespace(atomic=ends_late))
    caller(lambda: decide(acme, question.id, GRACE, approve=True)).join(20)
    assert in_time == [True]
    wake()
    assert worker.end_of(acme, outcome).result == [True, "Grace", {"n": 0}]


def test_a_decision_and_a_signal_at_once_lose_neither(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            found = await context.first(go=context.wait_for_approval("Go?"), stop=context.wait_for_signal("stop"))
            context.log("info", found.key)
            await context.sleep(1.2)
            kept = await context.wait_for_signal("stop", timeout=0.01, default="nothing")
            return [found.key, kept]
        """
    )
    worker.start()
    outcomes = [worker.submit("example") for _ in range(6)]
    questions = [asked(acme, outcome) for outcome in outcomes]
    refused: list[UUID] = []

    def person(number: int) -> None:
        try:
            answer(acme, questions[number])
        except AlreadyDecided:
            refused.append(questions[number].id)

    at_once(
        [lambda n=n: person(n) for n in range(6)]
        + [lambda outcome=outcome: signal(acme, outcome, "stop", "sent") for outcome in outcomes]
    )
    for outcome in outcomes:
        key, kept = worker.end_of(acme, outcome).result
        [question] = approvals(acme, outcome)
        assert kept == ("nothing" if key == "stop" else "sent")
        assert question.state == ("withdrawn" if question.id in refused else "approved")
        assert key == "go" or question.state in {"withdrawn", "approved"}
        assert len(journal(acme, outcome, "log")) == 1


def test_a_cancel_and_a_decision_at_once_leave_nothing_pending(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(ASKS)
    worker.start()
    outcome = worker.submit("asks")
    wait_put_aside(acme, outcome)
    question = asked(acme, outcome)

    def person() -> None:
        try:
            answer(acme, question)
        except AlreadyDecided:
            pass

    at_once([person, lambda: sending.cancel(acme, question.execution_id, ADA)])
    wake()
    assert worker.end_of(acme, outcome).status == "Cancelled"
    assert approvals(acme, outcome)[0].state in {"approved", "withdrawn"}
    assert recorded(acme, outcome).status == "Cancelled" and process.running() is not None
