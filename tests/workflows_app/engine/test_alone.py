"""Runs that were lost twice without getting on are taken alone, until they get on (engine.md, sections 3 and 4)."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Workspace, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_waits import signal
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.dispatch.limit_settings import Limits, settle
from workflows_app.dispatch.models import Dispatch, Lane
from workflows_app.engine import process
from workflows_app.executions import Outcome

NEIGHBOUR = """
    @step
    async def small(number):
        return number

    @workflow(execution_mode="async", retry_policy={"max_attempts": 3})
    async def neighbour(context, gate: str, steps: int):
        from pathlib import Path
        while not Path(gate).exists():
            await asyncio.sleep(0.01)
        for number in range(steps):
            await small(number)
        held = await context.wait_for_signal("hold")
        while not Path(gate + "2").exists():
            await asyncio.sleep(0.01)
        return held
"""
LIMITS = [(Limits(), Lane.OPEN), (Limits(max_concurrent=5), Lane.LIMITED)]


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def neighbour(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(NEIGHBOUR)
    worker.start()
    return worker


def lane_of(outcome: Outcome) -> Lane:
    return Lane(Dispatch.objects.get(execution=outcome.execution_id).lane)


def runs(worker: Worker, outcome: Outcome) -> None:
    worker.wake()
    eventually(lambda: UUID(outcome.execution_id) in process.engine().runs, "run")


def lose_it(worker: Worker, outcome: Outcome) -> Lane:
    """Its lane after a loss. It runs again then."""
    runs(worker, outcome)
    lose(process.engine())
    lane = lane_of(outcome)
    worker.start()
    runs(worker, outcome)
    return lane


def suspended(outcome: Outcome) -> bool:
    return Dispatch.objects.filter(execution=outcome.execution_id, status="Suspended").exists()


@pytest.mark.parametrize(("limits", "lane"), LIMITS)
def test_one_that_gets_on_and_waits_is_taken_with_the_others_again(
    neighbour: Worker, acme: OrganizationRecord, gate: Path, limits: Limits, lane: Lane
) -> None:
    settle(acme.id, "neighbour", limits)
    outcome = neighbour.submit("neighbour", gate=str(gate), steps=1)
    assert [lose_it(neighbour, outcome) for _ in range(2)] == [lane, Lane.ALONE]

    gate.touch()
    eventually(lambda: suspended(outcome), "wait for the signal")

    assert lane_of(outcome) == lane


def test_one_that_waits_without_having_got_on_stays_alone(
    neighbour: Worker, acme: OrganizationRecord, gate: Path
) -> None:
    outcome = neighbour.submit("neighbour", gate=str(gate), steps=0)
    assert [lose_it(neighbour, outcome) for _ in range(2)] == [Lane.OPEN, Lane.ALONE]

    gate.touch()
    eventually(lambda: suspended(outcome), "wait for the signal")

    assert lane_of(outcome) == Lane.ALONE


@pytest.mark.parametrize(("limits", "lane"), LIMITS)
def test_one_that_had_got_on_when_it_was_lost_again_is_taken_with_the_others(
    neighbour: Worker, acme: OrganizationRecord, gate: Path, limits: Limits, lane: Lane
) -> None:
    settle(acme.id, "neighbour", limits)
    outcome = neighbour.submit("neighbour", gate=str(gate), steps=0)
    assert [lose_it(neighbour, outcome) for _ in range(2)] == [lane, Lane.ALONE]
    gate.touch()
    eventually(lambda: suspended(outcome), "wait for the signal")
    signal(acme, outcome, "hold", "held")
    eventually(lambda: got_on(outcome), "result of the wait")

    assert lose_it(neighbour, outcome) == lane

    Path(f"{gate}2").touch()
    assert neighbour.end_of(acme, outcome).result == "held"
    assert recorded(acme, outcome).recoveries == 1


def got_on(outcome: Outcome) -> bool:
    """Whether the signal was given to the code that runs now, durably."""
    run = process.engine().runs.get(UUID(outcome.execution_id))
    return run is not None and run.operations.got_on and run.operations.settled
