"""Children, signals and going on as new, as an author's test sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bifrost import ContinueAsNew, SerializationError, ValidationError, WorkflowException
from bifrost.testing import Record, blocking_context, context

START = datetime(2026, 1, 1, tzinfo=UTC)


async def doubles(ctx, number):
    ctx.log("info", "doubling")
    return number * 2


async def asks(ctx):
    return [ctx.execution_id, await ctx.wait_for_signal("go")]


async def fails(ctx):
    raise ValidationError("no", field="number")


@pytest.mark.asyncio
async def test_a_started_child_runs_when_its_result_is_asked_for_and_once():
    ctx = context(workflows={"doubles": doubles})
    handle = await ctx.start_workflow("doubles", {"number": 4}, parent_close="abandon")
    assert [(record.kind, record.name) for record in ctx.records] == [("start", "doubles")]
    assert ctx.records[0].data["parameters"] == {"number": 4}
    assert ctx.records[0].data["parentClose"] == "abandon"
    assert (await handle, await handle.result()) == (8, 8)
    assert [record.data["message"] for record in ctx.records if record.kind == "log"] == ["doubling"]


@pytest.mark.asyncio
async def test_each_child_gets_its_own_signals():
    ctx = context(workflows={"asks": asks})
    first, second = await ctx.start_workflow("asks"), await ctx.start_workflow("asks")
    await second.signal("go", "second")
    await first.signal("go", "first")
    assert await second == [second.execution_id, "second"]
    assert await first == [first.execution_id, "first"]


@pytest.mark.asyncio
async def test_time_that_a_child_takes_has_passed_for_its_parent():
    async def sleeps(ctx):
        await ctx.sleep(timedelta(days=1))

    ctx = context(workflows={"sleeps": sleeps}, now=START)
    await (await ctx.start_workflow("sleeps"))
    assert ctx.now() == START + timedelta(days=1)


@pytest.mark.asyncio
async def test_a_childs_failure_is_raised_where_its_result_is_asked_for():
    handle = await context(workflows={"fails": fails}).start_workflow("fails")
    for _ in range(2):
        with pytest.raises(ValidationError) as caught:
            await handle
        assert caught.value.field == "number"


@pytest.mark.asyncio
async def test_a_cancelled_child_never_runs():
    ctx = context(workflows={"doubles": doubles})
    handle = await ctx.start_workflow("doubles", {"number": 4})
    await handle.cancel()
    with pytest.raises(WorkflowException) as caught:
        await handle
    assert caught.value.error_type == "Cancelled"
    assert not [record for record in ctx.records if record.kind == "log"]


@pytest.mark.asyncio
async def test_an_unknown_policy_is_refused():
    with pytest.raises(ValidationError, match="parent_close is one of cancel, abandon, wait"):
        await context(workflows={"asks": asks}).start_workflow("asks", parent_close="keep")


@pytest.mark.asyncio
async def test_signals_to_others_are_noted():
    ctx = context()
    await ctx.signal_workflow("019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "go", {"n": 1})
    sent = {"execution": "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "name": "go", "body": {"n": 1}}
    assert ctx.records[0] == Record("signal", "", sent)
    with pytest.raises(SerializationError):
        await ctx.signal_workflow("019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "go", START)


@pytest.mark.asyncio
async def test_going_on_as_new_is_caught_with_its_parameters():
    async def loops(ctx, number):
        try:
            await ctx.continue_as_new(number=number + 1)
        except Exception:  # noqa: BLE001  that is what authors write
            pytest.fail("It is no Exception.")

    with pytest.raises(ContinueAsNew) as again:
        await loops(context(), 1)
    assert again.value.parameters == {"number": 2}


@pytest.mark.asyncio
async def test_a_child_that_goes_on_gives_the_result_of_the_last():
    async def counts(ctx, number=0):
        if number < 3:
            await ctx.continue_as_new(number=number + 1)
        return number

    ctx = context(workflows={"counts": counts})
    assert await ctx.execute_workflow("counts") == 3
    assert await (await ctx.start_workflow("counts", {"number": 2})) == 3


def test_a_plain_workflow_has_the_same():
    ctx = blocking_context(workflows={"asks": asks})
    handle = ctx.start_workflow("asks")
    handle.signal("go", 1)
    assert handle.result() == [handle.execution_id, 1]
    ctx.signal_workflow(handle.execution_id, "go", 2)
    handle.cancel()
    assert repr(handle) == f"<Handle asks {handle.execution_id}>"
    with pytest.raises(ContinueAsNew) as again:
        ctx.continue_as_new(number=2)
    assert again.value.parameters == {"number": 2}
