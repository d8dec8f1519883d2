"""context.wait_for_approval, as an author writes and tests it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bifrost import Decision, TimeoutError, TooLarge, ValidationError
from bifrost.sdk.caller import Caller
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import Record, blocking_context, context

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
BOB = Caller("bob", "bob@example.com", "Bob")


async def pay(ctx: Any, amount: int = 250) -> Any:
    decision = await ctx.wait_for_approval("Pay", {"amount": amount}, timeout=timedelta(days=2), default=None)
    return decision.values["amount"] if decision else 0


@pytest.mark.asyncio
async def test_the_tests_answers_are_given_in_order() -> None:
    ctx = context(
        now=NOW,
        approvals=[{"approved": True, "comment": "Fine", "values": {"n": 2}, "decided_by": BOB}, {"approved": False}],
    )
    first = await ctx.wait_for_approval("First", {"n": 1, "text": "a"})
    assert first == Decision(True, BOB, NOW, "Fine", {"n": 2, "text": "a"})
    second = await ctx.wait_for_approval("Second", {"n": 1})
    assert (second.approved, second.decided_by.name, second.values) == (False, "Test Approver", {})
    assert [record.name for record in ctx.records] == ["First", "Second"]


@pytest.mark.asyncio
async def test_a_no_is_false_and_a_yes_is_true() -> None:
    assert await pay(context(approvals=[{"approved": True}])) == 250
    assert await pay(context(approvals=[{"approved": True, "values": {"amount": 3}}])) == 3
    assert await pay(context(approvals=[{"approved": False}])) == 0


@pytest.mark.asyncio
async def test_without_an_answer_the_time_passes_at_once() -> None:
    ctx = context(now=NOW)
    assert await pay(ctx) == 0
    assert ctx.now() == NOW + timedelta(days=2)
    assert ctx.records == [Record("approval", "Pay", {"timedOut": True})]
    with pytest.raises(TimeoutError, match="Nobody decided 'Pay' within 5 seconds") as late:
        await ctx.wait_for_approval("Pay", timeout=5)
    assert late.value.operation == "approval Pay"


@pytest.mark.asyncio
async def test_a_wait_that_nothing_can_end_says_how_to_answer() -> None:
    with pytest.raises(LookupError, match=r"approval 'Pay', .* context\(approvals=\[\{\"approved\": True\}\]\)"):
        await context().wait_for_approval("Pay")


@pytest.mark.asyncio
@pytest.mark.parametrize("answer", [{}, {"comment": "x"}, {"approved": True, "value": {}}])
async def test_an_answer_that_says_something_else_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(LookupError, match="An answer to an approval has approved, comment, values, decided_by"):
        await context(approvals=[answer]).wait_for_approval("Pay")


@pytest.mark.asyncio
async def test_values_that_nobody_could_enter_are_refused() -> None:
    with pytest.raises(ValidationError, match='Field "amount" must be a whole number'):
        await pay(context(approvals=[{"approved": True, "values": {"amount": "x"}}]))


@pytest.mark.asyncio
async def test_what_comes_first_of_a_decision_a_signal_and_a_time() -> None:
    async def first(ctx: Any) -> Any:
        return (
            await ctx.first(go=ctx.wait_for_approval("Go"), stop=ctx.wait_for_signal("stop"), time=ctx.sleep(60))
        ).key

    assert await first(context(approvals=[{"approved": True}])) == "go"
    assert await first(context(signals=[("stop", 1)])) == "stop"
    assert await first(context()) == "time"


def test_a_plain_function_asks_too() -> None:
    ctx = blocking_context(approvals=[{"approved": True, "decided_by": BOB}])
    assert ctx.wait_for_approval("Pay").decided_by == BOB


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"title": " "}, DeclarationError, "needs a title"),
        ({"approvers": []}, DeclarationError, "names 1 to 50 people; it names 0"),
        ({"approvers": ["x"] * 51}, DeclarationError, "it names 51"),
        ({"approvers": ["Bob"]}, DeclarationError, "'Bob', which is no e-mail address"),
        ({"approvers": "x" * 51}, DeclarationError, "A permission has a name"),
        ({"approvers": ["TEST@example.com"]}, DeclarationError, "who started this run and cannot approve it"),
        ({"timeout": "5"}, DeclarationError, "timeout must be a number of seconds"),
        ({"form": {"a": {"b": 1}}}, DeclarationError, 'The field "a" has no "b"'),
        ({"form": {"a": "x" * 64_000}}, TooLarge, "the limit is 64,000"),
        ({"message": "x" * 10_001}, TooLarge, "the limit is 10,000"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await context(approvals=[{"approved": True}]).wait_for_approval(**{"title": "Pay", **arguments})


@pytest.mark.asyncio
@pytest.mark.parametrize("approvers", [None, "canPay", "bob@example.com", ["Bob@example.com", "test@example.com"]])
async def test_whom_one_may_ask(approvers: Any) -> None:
    assert await context(approvals=[{"approved": True}]).wait_for_approval("Pay", approvers=approvers)
