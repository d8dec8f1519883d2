"""`context.map`: a step for each item or batch, progress as it goes, and after a loss the items that are left."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually

SOURCE = """
    async def process(directory, number):
        with open(f"{directory}/lines", "a") as lines:
            lines.write(f"{number}\\n")
        await asyncio.sleep(0.01)
        if number % 7 == 6:
            raise IntegrationError(f"no {number}")
        return number * 2

    @workflow(execution_mode="async")
    async def example(context, directory: str, number: int, batch_size: int | None = None):
        from functools import partial
        mapped = await context.map(
            partial(process, directory), range(number), concurrency=4, batch_size=batch_size, on_error="collect"
        )
        return [sum(each for each in mapped if each is not None), len(mapped.failed)]
"""


@pytest.mark.parametrize("batch_size", [None, 5])
def test_after_a_loss_it_goes_on_with_what_is_left(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path, batch_size: int | None
) -> None:
    workspace.add(SOURCE)
    engine = worker.start()
    outcome = worker.submit("example", directory=str(tmp_path), number=40, batch_size=batch_size)
    enough = 12 if batch_size is None else 3
    eventually(lambda: len(journal(acme, outcome, "step")) >= enough, "some of it")

    lose(engine)
    worker.start()

    end = worker.end_of(acme, outcome)
    assert (end.status, end.result) == ("CompletedWithErrors", [sum(2 * n for n in range(40) if n % 7 != 6), 5])
    assert end.error["message"] == "5 items failed."
    assert [each["item"] for each in end.error["details"]["failed"]] == [6, 13, 20, 27, 34]
    done = Counter((tmp_path / "lines").read_text().split())
    assert len(done) == 40
    assert sum(done.values()) - 40 <= (4 if batch_size is None else batch_size), "what was under way is done again"
    assert recorded(acme, outcome).progress == 100


def test_its_progress_is_in_the_record_while_it_runs(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context, directory: str):
            import os
            context.progress(1, 4, "first quarter")
            while not os.path.exists(directory + "/open"):
                await asyncio.sleep(0.02)
            for part in (2, 3, 4):
                context.progress(part, 4)
        """
    )
    worker.start()
    outcome = worker.submit("example", directory=str(tmp_path))

    eventually(lambda: recorded(acme, outcome).progress == 25, "a quarter")
    (tmp_path / "open").touch()
    worker.end_of(acme, outcome)

    assert recorded(acme, outcome).progress == 100
    lines = [data for _, _, data in journal(acme, outcome, "progress")]
    assert [(line["percent"], line["message"]) for line in lines] == [(25, "first quarter"), (100, "")]


def test_the_first_failure_ends_the_run_unless_failures_are_collected(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        async def process(number):
            if number == 3:
                raise IntegrationError("no 3")
            return number

        @workflow
        async def example(context):
            return list(await context.map(process, range(100), concurrency=1))
        """
    )
    outcome = run("example")

    assert outcome.error is not None
    assert outcome.error["message"] == "no 3"
    assert len(journal(acme, outcome, "step")) == 4


def test_an_author_may_say_that_not_all_went_well(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @workflow
        async def example(context):
            return context.complete_with_errors({"done": 1}, ["ann@example.com"])
        """
    )
    outcome = run("example")

    assert (outcome.status, outcome.result) == ("CompletedWithErrors", {"done": 1})
    assert outcome.error["details"] == {"failed": ["ann@example.com"]}
