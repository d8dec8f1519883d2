"""A child that goes on as a new execution, and its parent."""

from __future__ import annotations

from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace
from tests.workflows_app.engine.continuing import LOOP, chain_of
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import queries
from workflows_app.dispatch.models import Dispatch
from workflows_app.executions import Outcome, Start, submit


@pytest.mark.parametrize("how", ["runs", "starts"])
def test_a_parent_gets_the_result_of_the_last(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, how: str
) -> None:
    workspace.add(LOOP)
    worker.start()
    outcome = submit(Start(acme, "has_one", {"how": how}, COMMAND))
    assert worker.end_of(acme, outcome).result == {"number": 3, "api_token": "not-from-the-vault"}
    generations = children_of(acme, outcome.execution_id)
    assert [(row.depth, row.input["number"]) for row in generations] == [(1, 1), (1, 2), (1, 3)]
    # In the tree it is one child.
    shown = queries.get_execution(acme, UUID(outcome.execution_id))["children"]
    assert [child["executionId"] for child in shown] == [str(generations[-1].id)]


def test_a_parent_that_is_lost_meanwhile_gets_it_all_the_same(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        LOOP
        + """
    @workflow(execution_mode="async")
    async def has_collector(context):
        handle = await context.start_workflow("collects", {"until": 3})
        return await handle
"""
    )
    engine = worker.start()
    outcome = submit(Start(acme, "has_collector", {}, COMMAND))
    wait_suspended(acme, outcome)
    (first,) = children_of(acme, outcome.execution_id)
    child = Outcome(str(first.id), "")

    def waits(generation: int) -> bool:
        """One that is lost before it waits could not run again."""
        generations = chain_of(acme, child.execution_id)
        return len(generations) == generation and generations[-1].status == "Suspended"

    signal(acme, child, "event", 1)
    eventually(lambda: waits(2), "second generation")
    lose(engine)
    signal(acme, child, "event", 2)
    engine = worker.start()
    eventually(lambda: waits(3), "third generation")
    lose(engine)
    signal(acme, child, "event", 3)
    worker.start()
    assert worker.end_of(acme, outcome).result == [1, 2, 3]


def test_the_child_that_goes_on_is_cancelled_with_its_parent(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        LOOP
        + """
    @workflow(execution_mode="async")
    async def leaves(context):
        handle = await context.start_workflow("collects", {"until": 3})
        await handle.signal("event", 1)
        await context.wait_for_signal("end")
"""
    )
    worker.start()
    outcome = submit(Start(acme, "leaves", {}, COMMAND))
    eventually(lambda: len(children_of(acme, outcome.execution_id)) == 2, "second generation")
    signal(acme, outcome, "end")
    worker.end_of(acme, outcome)
    eventually(lambda: children_of(acme, outcome.execution_id)[-1].status == "Cancelled", "cancelled child")
    assert not Dispatch.objects.exists()
