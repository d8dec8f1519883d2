"""A run asks a person and waits without a worker; one question, one decision, the same whenever the code runs again."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor
from tests.workflows_app.engine.asking import GRACE, answer, approvals, asked, wait_put_aside
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.approvals import asking as questions
from workflows_app.dispatch.models import Dispatch
from workflows_app.engine import approvals as engine_approvals
from workflows_app.engine import process
from workflows_app.errors import AlreadyDecided
from workflows_app.models import ExecutionEvent, Inbox


def test_it_asks_once_waits_without_a_worker_and_gets_what_was_decided(
    paying: Worker, acme: OrganizationRecord
) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)

    [question] = approvals(acme, outcome)
    assert (question.kind, question.state, question.title, question.message) == (
        "step",
        "pending",
        "Pay the invoice",
        "It is due.",
    )
    assert (question.permission, question.approvers, question.expires_at) == ("canApprove", None, None)
    assert question.requested_by["name"] == "Ada" and question.workflow == "pay"
    assert [(field["name"], field["type"], field.get("initial")) for field in question.form] == [
        ("amount", "int", 250),
        ("note", "string", None),
    ]
    assert Dispatch.objects.get().reason == "waits for an approval", "the shared schema holds no title"

    answer(acme, question, comment="Less", values={"amount": 200})

    end = paying.end_of(acme, outcome)
    [decided] = approvals(acme, outcome)
    assert decided.decided_at is not None
    assert end.result == {
        "approved": True,
        "true": True,
        "by": ["Grace", "grace@acme.example"],
        "at": decided.decided_at.isoformat(),
        "comment": "Less",
        "values": {"amount": 200, "note": None},
    }
    assert [field.get("initial") for field in decided.form] == [250, None], "what was asked is kept beside it"
    assert (decided.state, decided.values) == ("approved", {"amount": 200, "note": None})
    assert [data["state"] for _, _, data in journal(acme, outcome, "approval")] == ["started", "done"]


def test_a_no_is_told_and_ends_nothing(paying: Worker, acme: OrganizationRecord) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)

    answer(acme, asked(acme, outcome), approve=False, comment="Too much")

    result = paying.end_of(acme, outcome).result
    assert (result["approved"], result["true"], result["comment"], result["values"]) == (False, False, "Too much", {})


def test_a_plain_function_asks_too(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        def example(context):
            return context.wait_for_approval("Go?").decided_by.name
        """
    )
    worker.start()
    outcome = worker.submit("example")
    wait_put_aside(acme, outcome)
    answer(acme, asked(acme, outcome))
    assert worker.end_of(acme, outcome).result == "Grace"


ASKS = """
@workflow(execution_mode="async")
async def asks(context, form: dict | None = None, approvers: list | str | None = None, timeout: float | None = None):
    return (await context.wait_for_approval("Go?", form, approvers, timeout)).values
"""


@pytest.fixture
def asks(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(ASKS)
    worker.start()
    return worker


def test_nobody_decides_what_was_asked_of_others_and_nobody_his_own(asks: Worker, acme: OrganizationRecord) -> None:
    named = ["Bob@acme.example", ADA.email]
    outcome = asks.submit("asks", approvers=named)
    question = asked(acme, outcome)
    assert (question.permission, question.approvers) == ("", ["bob@acme.example", ADA.email])
    with pytest.raises(PermissionError, match=r"asked of bob@acme\.example or ada@acme\.example, who alone may"):
        answer(acme, question)
    with pytest.raises(PermissionError, match="You asked for this yourself"):
        answer(acme, question, actor=ADA)
    bob = make_actor("canViewOwnExecutions", name="Bob")
    answer(acme, question, actor=type(bob)(bob.kind, "bob", "bob@ACME.example", "Bob", bob.permissions))
    assert asks.end_of(acme, outcome).status == "Success"


def test_another_permission_may_be_asked_for(asks: Worker, acme: OrganizationRecord) -> None:
    outcome = asks.submit("asks", approvers="canPay")
    question = asked(acme, outcome)
    with pytest.raises(PermissionError, match="needs the permission canPay"):
        answer(acme, question)
    answer(acme, question, actor=type(GRACE)("user", "grace", "g@acme.example", "Grace", frozenset({"canPay"})))
    assert asks.end_of(acme, outcome).status == "Success"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"approvers": [ADA.email]}, "who started this run"),
        ({"approvers": []}, "1 to 50 people"),
        ({"approvers": ["bob"]}, "no e-mail address"),
        ({"form": {"a": {"type": "number"}}}, 'field "a" has the unknown type'),
        ({"form": {"a": {"b": 1}}}, 'field "a" has no "b"'),
        ({"timeout": -1}, "timeout must be a number of seconds"),
    ],
)
def test_what_makes_no_sense_fails_at_once(
    asks: Worker, acme: OrganizationRecord, how: dict[str, Any], message: str
) -> None:
    outcome = asks.submit("asks", **how)
    end = asks.end_of(acme, outcome)
    assert end.status == "Failed" and approvals(acme, outcome) == []
    [(_, _, error)] = journal(acme, outcome, "error")
    assert message in error["traceback"]


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"count": "five"}, "values.count", "must be a whole number"),
        ({"other": 1, "reason": "x"}, "values.other", "is not a field of this form"),
        ({"count": 5}, "values.reason", "is required"),
        ({"reason": "x" * 64_000}, "values", "64,023 bytes; the limit is 64,000"),
    ],
)
def test_values_are_checked_as_parameters_are(
    asks: Worker, acme: OrganizationRecord, values: dict[str, Any], field: str, message: str
) -> None:
    outcome = asks.submit("asks", form={"count": 1, "reason": {"type": "string", "required": True}})
    question = asked(acme, outcome)
    with pytest.raises(ValidationError) as refused:
        answer(acme, question, values=values)
    assert refused.value.details["errors"][0]["field"] == field
    assert message in refused.value.details["errors"][0]["message"]
    assert approvals(acme, outcome)[0].state == "pending"
    with pytest.raises(ValidationError, match="What is rejected has no values"):
        answer(acme, question, approve=False, values={"count": 1})


def test_secrets_are_exact_to_the_run_and_shown_to_nobody(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            form = {
                "user": {"type": "dict", "default": {"name": "Ann", "password": "initial-1"}},
                "code": {"type": "secret", "default": "initial-2"},
                "apiKey": "initial-3",
            }
            values = (await context.wait_for_approval("Make the account?", form)).values
            await context.sleep(1.2)
            context.log("info", f"the code is {values['code']}")
            return [values["user"]["password"] == "initial-1", values["code"] == "edited-2", values["apiKey"][-1]]
        """
    )
    worker.start()
    outcome = worker.submit("example")
    wait_put_aside(acme, outcome)
    question = asked(acme, outcome)
    assert [field["initial"] for field in question.form] == [
        {"name": "Ann", "password": "REDACTED"},
        "REDACTED",
        "REDACTED",
    ]

    answer(acme, question, values={"user": {"name": "Ann", "password": "REDACTED"}, "code": "edited-2"})

    assert worker.end_of(acme, outcome).result == [True, True, "3"]
    [decided] = approvals(acme, outcome)
    assert decided.values == {
        "user": {"name": "Ann", "password": "REDACTED"},
        "code": "REDACTED",
        "apiKey": "REDACTED",
    }
    with org_context(acme):
        lines = str(list(ExecutionEvent.objects.filter(execution_id=outcome.execution_id).values("data", "name")))
        sent = str(list(Inbox.objects.values("data")))
    for secret in ("initial-1", "initial-2", "initial-3", "edited-2"):
        assert secret not in lines + sent + str(vars(decided)), secret


def test_lost_after_asking_it_asks_no_second_time(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies when the question is written and the journal does not know of it yet."""
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            await context.sleep(0.01)
            return (await context.wait_for_approval("Go?")).approved
        """
    )
    engine = worker.start()
    usual, lost = questions.ask, []

    def ask(*arguments: Any) -> Any:
        found = usual(*arguments)
        if not lost:
            lost.append(found)
            engine.loop.call_soon_threadsafe(engine.lost)
            eventually(lambda: not engine.accepts, "loss")
        return found

    monkeypatch.setattr(engine_approvals.asking, "ask", ask)
    outcome = worker.submit("example")
    eventually(lambda: bool(lost) and not engine.accepts, "loss")
    lose(engine)
    assert journal(acme, outcome, "approval") == []
    worker.start()
    worker.wake()
    wait_put_aside(acme, outcome)

    answer(acme, asked(acme, outcome))

    assert worker.end_of(acme, outcome).result is True
    assert len(approvals(acme, outcome)) == 1


def test_one_that_lost_its_run_asks_nothing(paying: Worker, acme: OrganizationRecord) -> None:
    outcome = paying.submit("pay")
    wait_put_aside(acme, outcome)
    engine = process.running()
    assert engine is not None
    old = questions.Owner(asked(acme, outcome).execution_id, "pay", ADA, engine.id, 1)
    question = questions.Question("0:7:1", (), "Again?", "", None, None, "canApprove", None, None)
    assert questions.ask(acme, old, question) is None
    assert len(approvals(acme, outcome)) == 1


def test_another_attempt_asks_anew_what_was_asked_in_vain(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval": 0.01})
        async def example(context):
            async def fails():
                await context.sleep(1.2)
                if context.attempt == 1:
                    raise ValueError("not yet")
            first = context.wait_for_approval("First?")
            values, _ = await asyncio.gather(first, fails())
            return values.comment
        """
    )
    worker.start()
    outcome = worker.submit("example")
    second = asked(acme, outcome, 2)
    eventually(lambda: approvals(acme, outcome)[0].state == "withdrawn", "withdrawal")
    with pytest.raises(AlreadyDecided, match="already withdrawn at"):
        answer(acme, approvals(acme, outcome)[0])

    answer(acme, second, comment="now")

    assert worker.end_of(acme, outcome).result == "now"


def test_a_decision_is_kept_for_the_next_attempt(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval": 0.01})
        async def example(context):
            decision = await context.wait_for_approval("Go?")
            if context.attempt == 1:
                raise ValueError("not yet")
            return decision.decided_by.name
        """
    )
    worker.start()
    outcome = worker.submit("example")
    answer(acme, asked(acme, outcome))
    assert worker.end_of(acme, outcome).result == "Grace"
    assert len(approvals(acme, outcome)) == 1
