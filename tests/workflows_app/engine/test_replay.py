"""A run that resumes goes the way that its journal tells; code that goes another way is told so."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA, Workspace, journal
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app.executions import Outcome

HEAD = """
    @step
    async def double(number):
        return number * 2

    @step
    async def triple(number):
        return number * 3
"""


def suspended(worker: Worker, workspace: Workspace, acme: OrganizationRecord, body: str) -> Outcome:
    """A run of this code that waits for the signal `go`."""
    workspace.add(textwrap.dedent(HEAD) + textwrap.dedent(body))
    worker.start()
    outcome = worker.submit("example")
    wait_suspended(acme, outcome)
    return outcome


def resumed(worker: Worker, workspace: Workspace, acme: OrganizationRecord, outcome: Outcome, body: str) -> Any:
    """How it ends with this code."""
    workspace.add(textwrap.dedent(HEAD) + textwrap.dedent(body))
    worker.stop()
    worker.start()
    signal(acme, outcome, "go", "gone")
    return worker.end_of(acme, outcome)


WAITS = """
    @workflow(execution_mode="async")
    async def example(context):
        doubled = await double(1)
        body = await context.wait_for_signal("go")
        return [doubled, body]
"""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (WAITS.replace("double(1)", "triple(1)"), "The journal has the step 'double' where the code now asks for the"),
        (WAITS.replace("double(1)", "double(2)"), "The step 'double' was recorded with other arguments than the code"),
        (WAITS.replace("await double(1)", "2"), "The journal has the step 'double' where the code now asks for the si"),
        (WAITS.replace('await context.wait_for_signal("go")', '"x"'), "The journal has the signal 'go' next, and the"),
    ],
)
def test_changed_code_under_a_suspended_run_is_named(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, changed: str, message: str
) -> None:
    outcome = suspended(worker, workspace, acme, WAITS)

    end = resumed(worker, workspace, acme, outcome, changed)

    assert end.status == "Failed"
    assert end.error["error"] == "NonDeterminismError"
    assert end.error["message"].startswith(message)
    assert [name for _, name, data in journal(acme, outcome, "step")] == ["double"], "nothing new was done"


def test_a_new_step_behind_the_wait_is_no_change(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    outcome = suspended(worker, workspace, acme, WAITS)

    end = resumed(worker, workspace, acme, outcome, WAITS.replace("[doubled, body]", "[await triple(doubled), body]"))

    assert end.result == [6, "gone"]


def test_a_patched_change_is_taken_by_new_runs_alone(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    patched = WAITS.replace("await double(1)", 'await (triple(1) if context.patched("triple") else double(1))')
    old = suspended(worker, workspace, acme, WAITS)

    assert resumed(worker, workspace, acme, old, patched).result == [2, "gone"]

    new = worker.submit("example")
    wait_suspended(acme, new)
    signal(acme, new, "go", "gone")
    assert worker.end_of(acme, new).result == [3, "gone"]


def test_what_a_run_was_told_it_is_told_again(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> None:
    body = """
        @workflow(execution_mode="async")
        async def example(context):
            told = [context.now().isoformat(), context.random(), str(context.uuid()), context.has_config("region")]
            context.log("info", "told", told)
            context.set_variable("told", told)
            said = await context.step("say", lambda: told)
            await context.wait_for_signal("go")
            return said == told
    """
    outcome = suspended(worker, workspace, acme, body)

    assert resumed(worker, workspace, acme, outcome, body).result is True
    assert len(journal(acme, outcome, "log")) == len(journal(acme, outcome, "variable")) == 1


def test_tasks_get_their_own_results_back_in_the_order_in_which_they_came(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    body = """
        @step
        async def after(number, seconds):
            await asyncio.sleep(seconds)
            return number

        @workflow(execution_mode="async")
        async def example(context):
            order = []
            async def process(number):
                first = await after(number, 0.03 * (3 - number))
                order.append(first)
                second = await after(number + 10, 0.02 * number)
                order.append(second)
                return [first, second]
            found = await asyncio.gather(*(process(number) for number in range(3)))
            said = await context.step("say", lambda: list(order))
            await context.wait_for_signal("go")
            return [found, order == said]
    """
    outcome = suspended(worker, workspace, acme, body)

    assert resumed(worker, workspace, acme, outcome, body).result == [[[0, 10], [1, 11], [2, 12]], True]


def test_a_retry_reuses_what_was_done_well_and_does_the_rest_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        HEAD
        + """
    fails = [True]

    @step
    async def fragile(number):
        if fails and fails.pop():
            raise IntegrationError("away")
        return number

    @workflow(execution_mode="async", retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
    async def example(context):
        found = await asyncio.gather(double(1), fragile(2), triple(3), return_exceptions=True)
        for each in found:
            if isinstance(each, Exception):
                raise each
        return found
"""
    )
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == [2, 2, 9]
    done = [name for _, name, data in journal(acme, outcome, "step") if data["state"] == "done"]
    assert sorted(done) == ["double", "fragile", "triple"]
    assert ADA.name == "Ada"
