"""Workflows that go on as new executions of themselves."""

from __future__ import annotations

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Execution

LOOP = """
    @workflow(execution_mode="async")
    async def counts(context, number: int = 1, until: int = 10):
        context.log("info", f"generation {number}")
        await context.step("work", work, number)
        if number < until:
            await context.continue_as_new(number=number + 1, until=until)
        return {"number": number, "api_token": "not-from-the-vault"}

    async def work(number):
        return number

    @workflow(execution_mode="async")
    async def collects(context, until: int, got: list = []):
        got = [*got, await context.wait_for_signal("event")]
        if len(got) < until:
            await context.continue_as_new(until=until, got=got)
        return got

    @workflow(execution_mode="async")
    async def has_one(context, how: str, until: int = 3):
        if how == "runs":
            return await context.execute_workflow("counts", {"until": until})
        handle = await context.start_workflow("counts", {"until": until})
        return await handle

    @workflow(execution_mode="async")
    async def tries(context, number: int = 1):
        try:
            await context.continue_as_new(number="five")
        except ValidationError as error:
            first = error.field
        try:
            await context.continue_as_new(nonsense=1)
        except ValidationError as error:
            return [first, error.field]

    @workflow(execution_mode="async")
    async def gated(context, directory: str, again: bool = False):
        import os
        if again:
            return await context.wait_for_signal("event")
        await context.step("work", work, 1)
        while not os.path.exists(directory + "/open"):
            await asyncio.sleep(0.02)
        await context.continue_as_new(directory=directory, again=True)
"""


def chain_of(acme: OrganizationRecord, first: str) -> list[Execution]:
    """All that went on one after the other, the first one first."""
    with org_context(acme):
        rows = list(Execution.objects.filter(chain=first).order_by("id"))
        return [Execution.objects.get(id=first), *rows]


def first_of(acme: OrganizationRecord, workflow: str) -> Execution:
    with org_context(acme):
        return Execution.objects.get(workflow=workflow, continued_from__isnull=True)
