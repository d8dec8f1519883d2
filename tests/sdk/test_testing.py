"""bifrost.testing, as an author's test uses it."""

from __future__ import annotations

from unittest.mock import AsyncMock

import pytest

import bifrost.testing
from bifrost import SerializationError
from bifrost.sdk.caller import Caller
from bifrost.sdk.testing import MemoryHost
from bifrost.testing import context


def test_a_context_needs_no_argument():
    ctx = context()
    assert ctx.org_id == "test-org"
    assert ctx.executed_by_email == "test@example.com"
    assert ctx.records == []


def test_two_contexts_share_nothing():
    first, second = context(), context()
    first.set_variable("a", 1)
    assert second.get_variable("a") is None
    assert second.records == []


def test_what_is_given_is_copied():
    config = {"a": 1}
    ctx = context(config=config)
    config["b"] = 2
    assert not ctx.has_config("b")


@pytest.mark.asyncio
async def test_a_mock_can_be_a_child():
    child = AsyncMock(return_value={"ok": True})
    assert await context(workflows={"child": child}).execute_workflow("child", {"a": 1}) == {"ok": True}
    assert child.await_args.kwargs == {"a": 1}


@pytest.mark.asyncio
async def test_a_plain_child_gets_a_blocking_context():
    def child(ctx):
        return ctx.get_secret("key")

    assert await context(secrets={"key": "s3cret"}, workflows={"child": child}).execute_workflow("child") == "s3cret"


@pytest.mark.asyncio
async def test_a_child_records_on_its_parent_s_list():
    async def child(ctx):
        ctx.log("info", "from the child")

    ctx = context(workflows={"child": child})
    await ctx.execute_workflow("child")
    assert [record.data["message"] for record in ctx.records] == ["from the child"]


@pytest.mark.asyncio
async def test_a_child_s_result_has_to_be_json_as_in_earnest():
    async def child(ctx):
        return {"who": object()}

    with pytest.raises(SerializationError, match=r"result\.who is an object"):
        await context(workflows={"child": child}).execute_workflow("child")


@pytest.mark.asyncio
async def test_a_child_that_the_test_did_not_give_is_named():
    with pytest.raises(LookupError, match='no workflow "child"'):
        await context().execute_workflow("child")


def test_the_caller_can_be_chosen():
    assert context(caller=Caller("system", "", "Schedule")).executed_by_name == "Schedule"


def test_the_memory_host_is_a_host():
    from bifrost.sdk.host import Host

    wanted = {name for name in vars(Host) if not name.startswith("_")}
    offered = {*dir(MemoryHost), *MemoryHost.__dataclass_fields__}
    assert wanted <= offered


def test_what_the_module_exports_exists():
    assert all(hasattr(bifrost.testing, name) for name in bifrost.testing.__all__)
