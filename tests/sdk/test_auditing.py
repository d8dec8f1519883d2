"""context.audit, @step(audit=True) and context.require_permission, as an author's test sees them."""

from __future__ import annotations

import pytest

from bifrost import PermissionError, ValidationError, step
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.steps import StepOptions
from bifrost.sdk.testing import RecordingContext
from bifrost.testing import blocking_context, context


def audited(ctx: RecordingContext) -> list[object]:
    return [record.data for record in ctx.records if record.kind == "audit"]


@pytest.mark.asyncio
async def test_an_event_is_asked_for_with_what_it_says():
    ctx = context()
    assert await ctx.audit("user.create", "ann@example.com", {"licence": "E3"}) is None
    await ctx.audit("user.checked", 7)
    await ctx.audit("done")
    assert audited(ctx) == [
        {"operation": "user.create", "resource": "ann@example.com", "metadata": {"licence": "E3"}},
        {"operation": "user.checked", "resource": "7", "metadata": {}},
        {"operation": "done", "resource": None, "metadata": {}},
    ]


def test_a_plain_workflow_asks_without_awaiting():
    ctx = blocking_context()
    ctx.audit("user.create", "ann", {"n": 1})
    assert audited(ctx) == [{"operation": "user.create", "resource": "ann", "metadata": {"n": 1}}]


@pytest.mark.asyncio
async def test_metadata_are_a_mapping_of_whatever_values():
    ctx = context()
    with pytest.raises(ValidationError, match="must be a mapping, not list"):
        await ctx.audit("x", metadata=[1])  # type: ignore[arg-type]
    await ctx.audit("x", metadata={"set": {1}, 2: "two"})
    assert audited(ctx) == [{"operation": "x", "resource": None, "metadata": {"set": [1], "2": "two"}}]


@pytest.mark.asyncio
async def test_a_step_may_put_events_into_the_log():
    @step
    async def create(ctx: RecordingContext, name: str) -> str:
        await ctx.audit("user.create", name)
        return name

    ctx = context()
    assert await ctx.step(create, ctx, "ann") == "ann"
    assert audited(ctx) == [{"operation": "user.create", "resource": "ann", "metadata": {}}]
    assert [record.name for record in ctx.records if record.kind == "step"] == ["create"]


@pytest.mark.asyncio
async def test_a_step_that_says_so_is_audited_once_it_has_succeeded():
    tries = []

    async def create(name: str, *, licence: str) -> str:
        tries.append(name)
        if len(tries) == 1:
            raise RuntimeError("not yet")
        return name

    ctx = context()
    options = {"audit": True, "retry_policy": {"max_attempts": 2}}
    await ctx.step("create", create, "ann", licence="E3", options=options)
    assert audited(ctx) == [
        {"operation": "step.create", "resource": None, "metadata": {"args": ["ann"], "kwargs": {"licence": "E3"}}}
    ]


@pytest.mark.asyncio
async def test_a_step_that_fails_and_one_that_does_not_say_so_are_not_audited():
    async def fails() -> None:
        raise RuntimeError("no")

    ctx = context()
    with pytest.raises(RuntimeError):
        await ctx.step("fails", fails, options={"audit": True})
    await ctx.step("works", lambda: 1)
    assert audited(ctx) == []


def test_whether_a_step_is_audited_is_true_or_false():
    assert StepOptions.parse({"audit": True}).audit and not StepOptions().audit
    with pytest.raises(DeclarationError, match="audit must be true or false, not 'yes'"):
        step(audit="yes")


def test_outside_an_execution_an_audited_step_is_the_plain_function():
    @step(audit=True)
    def double(number: int) -> int:
        return number * 2

    assert double(2) == 4


def test_a_permission_that_the_caller_lacks_is_named():
    ctx = context(permissions=["canDeleteUsers"])
    ctx.require_permission("canDeleteUsers")
    with pytest.raises(PermissionError, match=r"^This needs the permission canCreateUsers\.$") as refused:
        ctx.require_permission("canCreateUsers")
    assert refused.value.details == {"required_permission": "canCreateUsers"}


def test_a_test_that_names_no_permissions_has_them_all():
    context().require_permission("canDoAnything")
    with pytest.raises(PermissionError):
        blocking_context(permissions=()).require_permission("canDoAnything")
