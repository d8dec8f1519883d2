"""A cancel that arrives while a run undoes what it has done: nothing stops that, and nothing else is kept from it."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.test_children import COMMAND, children_of
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import sending
from workflows_app.engine import process
from workflows_app.executions import Outcome, Start, submit

SOURCE = """
    from pathlib import Path

    @workflow(execution_mode="async", recovery=True, compensation="undo_all")
    async def fails(context):
        raise KeyError("boom")

    @workflow(execution_mode="async")
    async def undo_all(context, original_input: dict, failure_reason: str):
        await context.wait_for_signal("go")

    @step
    async def do(file):
        return file

    async def undo(file):
        Path(file + ".undoing").touch()
        while not Path(file + ".open").exists():
            await asyncio.sleep(0.01)

    @workflow(execution_mode="async")
    async def goes_on(context, file: str, anew: bool = False):
        if not file:
            return "as another one"
        try:
            async with context.saga() as saga:
                await saga.step(do, file, compensate=undo)
                raise ValueError("no")
        except ValueError:
            if anew:
                await context.continue_as_new(file="")
        await context.wait_for_signal("never")
"""


@pytest.fixture
def started(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(SOURCE)
    worker.start()
    return worker


def cancel(worker: Worker, acme: OrganizationRecord, outcome: Outcome) -> None:
    """Returns once it was read."""
    sending.cancel(acme, UUID(outcome.execution_id), ADA)
    worker.wake()
    eventually(
        lambda: [line for line in journal(acme, outcome, "inbox") if line[1] == "cancel"], "cancel in its journal"
    )


def test_the_end_of_a_compensation_elsewhere_is_heard_behind_a_cancel(
    started: Worker, acme: OrganizationRecord
) -> None:
    outcome = submit(Start(acme, "fails", {}, COMMAND))
    started.wake()
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "wait for the compensation")

    cancel(started, acme, outcome)
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "further wait for the compensation")
    (child,) = children_of(acme, outcome.execution_id)
    sending.signal(acme, child.id, "go", None, ADA)
    started.wake()

    end = started.end_of(acme, outcome)
    assert (end.status, end.error["details"]["compensation"]["undone"]) == ("Compensated", ["undo_all"])


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_run_that_goes_on_after_it_is_cancelled_then(
    started: Worker, acme: OrganizationRecord, tmp_path: Path, is_lost: bool
) -> None:
    outcome = started.submit("goes_on", file=str(tmp_path / "file"))
    eventually((tmp_path / "file.undoing").exists, "undoing")
    cancel(started, acme, outcome)
    if is_lost:
        lose(process.engine())
        started.start()

    (tmp_path / "file.open").touch()

    started.wake()
    assert started.end_of(acme, outcome).status == "Cancelled"


def test_a_run_does_not_go_on_as_another_one_instead(started: Worker, acme: OrganizationRecord, tmp_path: Path) -> None:
    outcome = submit(Start(acme, "goes_on", {"file": str(tmp_path / "file"), "anew": True}, COMMAND))
    started.wake()
    eventually((tmp_path / "file.undoing").exists, "undoing")
    cancel(started, acme, outcome)

    (tmp_path / "file.open").touch()

    assert started.end_of(acme, outcome).status == "Cancelled"
