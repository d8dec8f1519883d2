"""Steps, waits and lists in an author's test: plain functions, virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bifrost import IntegrationError, OrganizationContext, TimeoutError, step
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import blocking_context, context

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@step(retry_policy={"max_attempts": 3})
async def double(number: int) -> int:
    return number * 2


def test_a_step_is_the_plain_function_outside_of_a_workflow() -> None:
    assert asyncio.run(double(2)) == 4


@pytest.mark.parametrize("options", [{"retries": 3}, {"start_to_close_timeout": "soon"}, {"heartbeat_timeout": -1}])
def test_a_wrong_option_is_named_where_the_step_is_declared(options: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match=next(iter(options))):
        step(**options)


@pytest.mark.asyncio
async def test_a_step_by_context_is_recorded_and_tried_again_in_no_time() -> None:
    ctx = context(now=NOW)
    tries: list[int] = []

    def fragile(number: int) -> int:
        tries.append(number)
        if len(tries) < 3:
            raise IntegrationError("away")
        return number

    options = {"retry_policy": {"max_attempts": 3, "initial_interval_seconds": 60}}

    assert await ctx.step("fragile", fragile, 7, options=options) == 7
    assert ctx.now() == NOW + timedelta(minutes=3)
    assert [(record.kind, record.name, record.data) for record in ctx.records] == [("step", "fragile", {"value": 7})]


async def survey(context: OrganizationContext) -> str:
    """Waits a day for each answer, until there are three or none has come."""
    answers = 0
    while answers < 3:
        if await context.wait_for_signal("answer", timeout=timedelta(hours=24), default=None) is None:
            return f"timeout after {answers}"
        answers += 1
    return "complete"


@pytest.mark.asyncio
async def test_a_day_takes_no_time() -> None:
    ctx = context(now=NOW, signals=[("answer", 1)])
    assert await survey(ctx) == "timeout after 1"
    assert ctx.now() == NOW + timedelta(hours=24)


@pytest.mark.asyncio
async def test_signals_may_come_while_it_runs() -> None:
    ctx = context(now=NOW, signals=[("answer", 1), ("answer", 2)])
    running = asyncio.ensure_future(survey(ctx))
    ctx.send_signal("answer", 3)
    assert await running == "complete"
    assert ctx.now() == NOW


@pytest.mark.asyncio
async def test_a_wait_that_runs_out_without_a_default_raises() -> None:
    with pytest.raises(TimeoutError, match="No signal 'answer' came within 5 seconds"):
        await context().wait_for_signal("answer", timeout=5)


@pytest.mark.asyncio
async def test_a_wait_that_nothing_can_end_fails_the_test() -> None:
    with pytest.raises(LookupError, match="waits for signal 'answer', and the test sends nothing"):
        await context().wait_for_signal("answer")


@pytest.mark.asyncio
async def test_the_first_of_several_wins_and_the_others_are_given_up() -> None:
    ctx = context(now=NOW)
    first = await ctx.first(ctx.sleep(20), ctx.sleep(10), named=ctx.sleep(30))
    assert (first.key, ctx.now()) == (1, NOW + timedelta(seconds=10))
    assert (await ctx.first(short=ctx.sleep(1), long=ctx.sleep(30))).key == "short"
    assert ctx.now() == NOW + timedelta(seconds=11)


@pytest.mark.asyncio
async def test_a_list_is_done_item_by_item_and_collects_what_failed() -> None:
    ctx = context()

    async def process(number: int) -> int:
        if number % 3 == 0:
            raise IntegrationError(f"no {number}")
        return number * 2

    mapped = await ctx.map(process, range(1, 8), concurrency=2, on_error="collect")

    assert list(mapped) == [2, 4, None, 8, 10, None, 14]
    assert [(each["index"], each["item"], each["message"]) for each in mapped.failed] == [
        (2, 3, "no 3"),
        (5, 6, "no 6"),
    ]
    progress = [record.data["done"] for record in ctx.records if record.kind == "progress"]
    assert progress == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("batch_size", [1, 3, 10])
@pytest.mark.asyncio
async def test_batches_come_to_the_same(batch_size: int) -> None:
    ctx = context()

    def process(number: int) -> int:
        if number == 4:
            raise ValueError("four")
        return -number

    mapped = await ctx.map(process, range(7), batch_size=batch_size, on_error="collect")

    assert list(mapped) == [0, -1, -2, -3, None, -5, -6]
    assert [(each["index"], each["error"], each["message"]) for each in mapped.failed] == [(4, "ValueError", "four")]
    assert sum(record.kind == "step" for record in ctx.records) == -(-7 // batch_size)


@pytest.mark.asyncio
async def test_a_failure_that_is_not_collected_is_raised() -> None:
    async def process(number: int) -> None:
        raise IntegrationError(f"no {number}")

    with pytest.raises(IntegrationError, match="no 0"):
        await context().map(process, range(3))


def test_a_plain_workflow_blocks_with_the_same_names() -> None:
    ctx = blocking_context(now=NOW, signals=[("answer", 1)])
    ctx.sleep(60)
    assert ctx.wait_for_signal("answer") == 1
    assert ctx.step(double, 4) == 8
    assert list(ctx.map(lambda number: number + 1, [1, 2])) == [2, 3]
    assert ctx.now() == NOW + timedelta(seconds=60)
