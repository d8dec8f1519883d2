"""What a run's own journal tells of its steps."""

from __future__ import annotations

from uuid import UUID

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace
from tests.workflows_app.engine.working import Worker
from workflows_app.milestones import milestones_of


def test_a_real_run_tells_what_it_does(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        async def order(what):
            return what

        @workflow(execution_mode="async")
        async def example(context):
            await context.step(order, "laptop")
            await context.step("Tell the person", order, "it")
            await context.sleep(0.01)
            context.log("info", "done")
        """
    )
    worker.start()
    outcome = worker.run("example")
    found = milestones_of(acme, UUID(outcome.execution_id))
    assert [(each.kind, each.name, each.state) for each in found] == [
        ("step", "order", "done"),
        ("step", "Tell the person", "done"),
        ("timer", found[2].name, "done" if found[2].state == "done" else "timed out"),
    ]
    assert all(each.ended and each.began <= each.changed for each in found)


def test_a_real_saga_tells_each_undoing_once(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        async def order(what):
            return what

        async def cancel_order(what):
            return None

        async def never(what):
            raise ValueError("gone already")

        @workflow(execution_mode="async")
        async def example(context):
            async with context.saga() as saga:
                await saga.step(order, "laptop", compensate=cancel_order)
                await saga.step("Tell the person", order, "it", compensate=never, compensate_options=ONCE)
                await saga.step(order, "phone", compensate=cancel_order)
                raise ValueError("no")

        ONCE = {"retry_policy": {"max_attempts": 1}}
        """
    )
    worker.start()
    outcome = worker.run("example")
    found = milestones_of(acme, UUID(outcome.execution_id))
    assert [(each.kind, each.name, each.state) for each in found if each.name != "alert"] == [
        ("step", "order", "done"),
        ("step", "Tell the person", "done"),
        ("step", "order", "done"),
        ("saga", "order", "undone"),
        ("saga", "Tell the person", "not undone"),
        ("saga", "order", "undone"),
    ]
