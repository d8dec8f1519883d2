"""Steps: done once, recorded, tried again by their policy, and found again by a run that resumes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bifrost.sdk.steps import StepOptions
from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app.engine.steps import RunningStep


def steps(organization: OrganizationRecord, outcome: Any) -> list[tuple[str, Any]]:
    """Their ends in the journal: name and value or error."""
    return [
        (name, data.get("value") if data["state"] == "done" else data["error"]["error"])
        for _, name, data in journal(organization, outcome, "step")
        if data["state"] in {"done", "failed"}
    ]


def test_a_step_gives_its_result_and_is_in_the_journal(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step
        async def double(number: int) -> int:
            return number * 2

        @step(name="shout")
        def louder(text: str) -> str:
            return text.upper()

        @workflow
        async def example(context, number: int):
            doubled = await double(number)
            shouted = await louder("hey")
            sum = await context.step("add", lambda a, b: a + b, doubled, 1)
            return [doubled, shouted, sum]
        """
    )

    outcome = run("example", number=2)

    assert (outcome.status, outcome.result) == ("Success", [4, "HEY", 5])
    assert steps(acme, outcome) == [("double", 4), ("shout", "HEY"), ("add", 5)]
    [first, *_] = journal(acme, outcome, "step")
    assert first[2]["arguments"] == {"args": [2]}
    assert (first[2]["attempt"], first[2]["place"]) == (1, 0)


def test_a_run_that_is_tried_again_does_not_do_what_it_has_done(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @step
        async def note(file: str, what: str) -> str:
            with open(file, "a") as lines:
                lines.write(what + "\\n")
            return what

        @workflow(execution_mode="async", retry_policy={"max_attempts": 3, "initial_interval_seconds": 0})
        async def example(context, file: str):
            first = await note(file, "first")
            if context.attempt < 3:
                await note(file, f"in {context.attempt}")
                raise RuntimeError("again")
            return first
        """
    )
    worker.start()

    outcome = worker.run("example", file=str(tmp_path / "lines"))

    assert (outcome.status, outcome.result) == ("Success", "first")
    assert (tmp_path / "lines").read_text().split("\n") == ["first", "in 1", "in 2", ""]


def test_what_a_lost_run_had_done_is_not_done_again(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord, tmp_path: Path
) -> None:
    workspace.add(
        """
        @step
        async def note(file: str, what: str) -> str:
            with open(file, "a") as lines:
                lines.write(what + "\\n")
            return what

        @workflow(execution_mode="async")
        async def example(context, directory: str):
            import os
            first = await note(directory + "/lines", "first")
            context.log("info", "between")
            while not os.path.exists(directory + "/open"):
                await asyncio.sleep(0.05)
            second = await note(directory + "/lines", "second")
            return [first, second]
        """
    )
    engine = worker.start()
    outcome = worker.submit("example", directory=str(tmp_path))
    eventually((tmp_path / "lines").exists, "first step")
    eventually(lambda: journal(acme, outcome, "log"), "log line")

    lose(engine)
    (tmp_path / "open").touch()
    worker.start()

    end = worker.end_of(acme, outcome)
    assert (end.status, end.result) == ("Success", ["first", "second"])
    assert (tmp_path / "lines").read_text().split() == ["first", "second"]
    assert len(journal(acme, outcome, "log")) == 1


NOTE = """
    @step
    async def note(file: str, what: str) -> str:
        with open(file, "a") as lines:
            lines.write(what + "\\n")
        return what
"""


def test_a_failed_step_is_tried_by_its_policy_and_each_attempt_is_recorded(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        tries = []

        POLICY = {"maximum_attempts": 3, "initial_interval": 0.01, "non_retryable_error_types": ["TypeError"]}

        @step(retry_policy=POLICY)
        async def fragile(kind: str) -> int:
            tries.append(kind)
            if kind == "type":
                raise TypeError("no")
            if len(tries) < 3:
                raise IntegrationError("away", integration="crm", status_code=503)
            return step_info().attempt

        @workflow
        async def example(context):
            first = await fragile("crm")
            try:
                await fragile("type")
            except StepFailed as failed:
                return [first, failed.cause_type, failed.cause_message, str(failed)]
        """
    )

    outcome = run("example")

    assert outcome.result == [3, "TypeError", "no", "The step 'fragile' failed: TypeError: no"]
    told = [
        (data["state"], data["attempt"], data.get("error", {}).get("message"))
        for _, _, data in journal(acme, outcome, "step")
    ]
    assert told == [("retrying", 1, "away"), ("retrying", 2, "away"), ("done", 3, None), ("failed", 1, "no")]


def test_the_wait_between_two_attempts_needs_no_worker(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step(retry_policy={"max_attempts": 2, "initial_interval_seconds": 1.5})
        async def fragile() -> int:
            if step_info().attempt == 1:
                raise IntegrationError("away")
            return step_info().attempt

        @workflow(execution_mode="async")
        async def example(context):
            return await fragile()
        """
    )
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == 2
    statuses = journal(acme, outcome, "status")
    assert [name for _, name, _ in statuses] == ["Queued", "Running", "Suspended", "Running", "Success"]
    assert statuses[2][2]["reason"].startswith("waits for the next attempt of the step 'fragile' until 20")


def test_a_step_that_takes_too_long_or_gives_no_sign_fails(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step(start_to_close_timeout=0.1)
        async def long():
            await asyncio.sleep(10)

        @step(heartbeat_timeout=0.2)
        async def silent():
            for number in range(3):
                await asyncio.sleep(0.1)
                heartbeat(number)
            await asyncio.sleep(10)

        @workflow
        async def example(context):
            told = []
            for each in (long, silent):
                try:
                    await each()
                except TimeoutError as error:
                    told.append(str(error))
            return told
        """
    )

    outcome = run("example")

    assert outcome.result == [
        "The step 'long' exceeded its timeout of 0.1 seconds",
        "The step 'silent' gave no heartbeat for 0.2 seconds",
    ]


def test_what_the_attempt_before_last_said_is_known_to_the_next(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @step(retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
        async def fragile():
            if (last := last_heartbeat()) is not None:
                return last
            heartbeat({"row": 41})
            heartbeat({"row": 42})
            raise IntegrationError("away")

        @workflow
        async def example(context):
            return await fragile()
        """
    )
    assert run("example").result == {"row": 42}


def test_a_step_inside_a_step_is_a_plain_call(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(
        """
        @step
        async def inner(context, number):
            context.log("info", "inside")
            return number

        @step
        async def outer(context, number):
            return await inner(context, number) + 1

        @workflow
        async def example(context):
            return await outer(1)
        """
    )
    outcome = run("example")

    assert outcome.result == 2
    assert steps(acme, outcome) == [("outer", 2)]


@pytest.mark.parametrize(
    ("value", "reason"), [("{1, 2}", "is a set"), ("float('nan')", "is NaN"), ("'x' * 300_000", "the limit is")]
)
def test_a_result_that_cannot_be_kept_names_the_step(
    run: Run, workspace: Workspace, acme: OrganizationRecord, value: str, reason: str
) -> None:
    workspace.add(
        f"""
        @workflow
        async def example(context):
            return await context.step("make", lambda: {value})
        """
    )
    outcome = run("example")

    assert outcome.error is not None
    assert "step 'make'" in outcome.error["message"]
    assert reason in outcome.error["message"]


def test_a_secret_in_a_result_is_not_in_the_journal_and_comes_back_exactly(
    worker: Worker, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(execution_mode="async")
        async def example(context):
            made = await context.step("make", lambda: {"user": "ann", "password": "correct horse"})
            await context.sleep(1.1)
            return made["password"]
        """
    )
    worker.start()

    outcome = worker.run("example")

    assert outcome.result == "correct horse"
    assert "correct horse" not in str(journal(acme, outcome, "step"))
    assert recorded(acme, outcome).attempt == 1


def test_a_thread_that_lost_sight_of_its_execution_is_told(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        from concurrent.futures import ThreadPoolExecutor

        @step
        def note(what):
            return what

        @workflow
        async def example(context):
            with ThreadPoolExecutor() as pool:
                lost = await asyncio.get_running_loop().run_in_executor(pool, lambda: attempt("lost"))
            return [lost, await note("found")]

        def attempt(what):
            try:
                return note(what)
            except WorkflowException as error:
                return error.error_type
        """
    )
    assert run("example").result == ["NoExecution", "found"]


def test_a_time_out_is_told_by_its_deadline_though_the_timer_was_a_moment_early() -> None:
    running = RunningStep.__new__(RunningStep)
    running._name, running._options = "long", StepOptions(start_to_close_timeout=0.1)
    running._ends_at = 100.0
    running.limit = asyncio.Timeout(100.0)
    assert running.out_of_time().message == "The step 'long' exceeded its timeout of 0.1 seconds"

    running._options = StepOptions(start_to_close_timeout=9.0, heartbeat_timeout=0.2)
    running.limit = asyncio.Timeout(95.0)
    assert running.out_of_time().message == "The step 'long' gave no heartbeat for 0.2 seconds"
