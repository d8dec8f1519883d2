"""Time limits, code that does not stop, and code that blocks the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from orgs.records import OrganizationRecord
from workflows_app.dispatch.models import Dispatch, Worker
from workflows_app.engine import process
from workflows_app.executions import Outcome, Start, submit

from .conftest import ADA, Run, Workspace, caller, journal, recorded


def timed(run: Run, name: str) -> tuple[Outcome, float]:
    began = time.monotonic()
    return run(name), time.monotonic() - began


def test_a_run_over_its_time_is_stopped_within_a_second(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add('@workflow(name="slow", timeout_seconds=1)\nasync def slow(context):\n    await asyncio.sleep(60)\n')
    outcome, seconds = timed(run, "slow")
    assert outcome.status == "Failed"
    assert outcome.error == {
        "error": "TimeoutError",
        "message": "Workflow exceeded timeout of 1 seconds",
        "details": {"timeout_seconds": 1},
    }
    assert seconds < 2
    assert recorded(acme, outcome).status == "Failed"


def test_a_sync_caller_never_waits_longer_than_the_sync_limit(
    run: Run, workspace: Workspace, limits: Callable[..., None]
) -> None:
    limits(sync_limit_seconds=0.5)
    workspace.add(
        '@workflow(name="slow", timeout_seconds=300)\nasync def slow(context):\n    await asyncio.sleep(60)\n'
    )
    outcome, seconds = timed(run, "slow")
    assert outcome.error is not None and outcome.error["error"] == "TimeoutError"
    assert seconds < 1.5


@pytest.mark.parametrize(
    "body",
    [
        "while True:\n        try:\n            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n            pass",
        "try:\n        await asyncio.sleep(60)\n    finally:\n        await asyncio.sleep(60)",
    ],
    ids=["swallows the cancellation", "waits in finally"],
)
def test_a_run_that_will_not_be_cancelled_is_abandoned_and_says_so(
    run: Run, workspace: Workspace, acme: OrganizationRecord, body: str
) -> None:
    workspace.add(f'@workflow(name="stubborn", timeout_seconds=1)\nasync def stubborn(context):\n    {body}\n')
    outcome, seconds = timed(run, "stubborn")
    assert outcome.error is not None and outcome.error["error"] == "TimeoutError"
    assert seconds < 2.5
    if "while" in body:
        assert "may still be running" in journal(acme, outcome, "log")[-1][2]["message"]


def test_an_abandoned_run_can_write_nothing_more(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow(name="zombie", timeout_seconds=1)
        async def zombie(context):
            while True:
                try:
                    await asyncio.sleep(0.05)
                    context.log("info", "still here")
                except asyncio.CancelledError:
                    pass
        """
    )
    outcome = run("zombie")
    engine = process.engine()
    lines = len(journal(acme, outcome))
    settled = threading.Event()
    engine.loop.call_soon_threadsafe(engine.loop.call_later, 0.6, settled.set)
    assert settled.wait(5)
    assert len(journal(acme, outcome)) == lines


def test_a_plain_function_over_its_time_is_interrupted(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(name="spins", timeout_seconds=1)
        def spins(context):
            while True:
                time.sleep(0.01)
        """
    )
    outcome, seconds = timed(run, "spins")
    assert outcome.error is not None and outcome.error["error"] == "TimeoutError"
    assert seconds < 2.5
    assert journal(acme, outcome, "log") == []


def test_a_thread_that_cannot_be_interrupted_is_named_as_still_running(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(name="waits_outside", timeout_seconds=1)
        def waits_outside(context):
            time.sleep(4)
        """
    )
    outcome, seconds = timed(run, "waits_outside")
    assert seconds < 2.5
    assert "may still be running" in journal(acme, outcome, "log")[-1][2]["message"]


def test_tasks_that_a_workflow_leaves_behind_are_cancelled_before_it_ends(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        seen = []

        async def background():
            try:
                await asyncio.sleep(60)
            finally:
                seen.append("cancelled")

        @workflow(name="leaves")
        async def leaves(context):
            task = asyncio.create_task(background())
            await asyncio.sleep(0)
            return "left"

        @workflow(name="look")
        async def look(context):
            return seen
        """
    )
    assert run("leaves").result == "left"
    assert run("look").result == ["cancelled"]


BLOCKS = """
    @workflow(name="blocks")
    async def blocks(context, seconds: float):
        time.sleep(seconds)
        return "came back"

    @workflow(name="waits")
    async def waits(context):
        await asyncio.sleep(20)

    @workflow(name="fine")
    async def fine(context):
        return "fine"
"""


def test_code_that_blocks_the_loop_is_named_in_its_journal(
    run: Run, workspace: Workspace, acme: OrganizationRecord, limits: Callable[..., None]
) -> None:
    limits(blocked_warning_seconds=0.4)
    workspace.add(BLOCKS)
    outcome = run("blocks", seconds=1.5)
    assert outcome.result == "came back"
    assert "blocks the event loop" in journal(acme, outcome, "log")[0][2]["message"]


def test_a_loop_that_stays_blocked_is_given_up_and_the_next_run_gets_a_fresh_one(
    run: Run, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord, limits: Callable[..., None]
) -> None:
    limits(blocked_warning_seconds=0.3, blocked_limit_seconds=1.0)
    workspace.add(BLOCKS)
    others: list[Outcome] = []
    bystander = caller(lambda: others.append(submit(Start(globex, "waits", {}, ADA))))
    while not process.running() or not process.running().runs:  # type: ignore[union-attr]
        time.sleep(0.01)

    outcome = run("blocks", seconds=4.0)
    bystander.join(5)

    assert outcome.error is not None and outcome.error["error"] == "TimeoutError"
    assert "blocked its process" in outcome.error["message"]
    assert others[0].error is not None and others[0].error["error"] == "WorkerLost"
    assert recorded(globex, others[0]).status == "Failed"
    assert run("fine").result == "fine"
    assert not Dispatch.objects.exists()


def test_the_row_of_a_given_up_loop_goes(
    run: Run, workspace: Workspace, acme: OrganizationRecord, limits: Callable[..., None]
) -> None:
    limits(blocked_warning_seconds=0.3, blocked_limit_seconds=0.8)
    workspace.add(BLOCKS)
    run("blocks", seconds=2.5)
    run("fine")
    deadline = time.monotonic() + 10
    while Worker.objects.count() > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert Worker.objects.count() == 1
