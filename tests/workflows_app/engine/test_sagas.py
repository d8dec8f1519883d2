"""Sagas: what was done is undone, the last step first, whatever ended the run, and once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import ADA, Run, Workspace, journal, recorded
from tests.workflows_app.engine.losing import lose
from tests.workflows_app.engine.working import Worker, eventually
from workflows_app import queries, sending
from workflows_app.executions import Outcome
from workflows_app.models import Alert

SAGAS = """
    def note(file, word):
        with open(file, "a") as lines:
            lines.write(word + "\\n")
        return word

    @step
    async def do(file, name):
        return note(file, name)

    async def undo(word):
        raise NotImplementedError

    def undo_in(file):
        async def undo(result):
            note(file, "undo " + result)
        return undo

    @workflow(execution_mode="async")
    async def three_steps(context, file: str, fails: bool = True):
        async with context.saga("onboarding") as saga:
            await saga.step(do, file, "account", compensate=undo_in(file))
            await saga.step("license", do, file, "license", compensate=lambda: note(file, "undo without arguments"))
            await saga.step(do, file, "not undone")
            if fails:
                raise IntegrationError("the mailbox is full", "exchange", 503)
        return "done"

    @workflow(execution_mode="async")
    async def caught(context, file: str):
        try:
            async with context.saga() as saga:
                await saga.step(do, file, "account", compensate=undo_in(file))
                raise ValueError("no")
        except ValueError:
            return "went another way"

    @workflow(execution_mode="async", timeout_seconds=2)
    async def out_of_time(context, file: str):
        async with context.saga() as saga:
            await saga.step(do, file, "account", compensate=undo_in(file))
            await asyncio.sleep(60)

    @workflow(execution_mode="async")
    async def waits(context, file: str):
        async with context.saga() as saga:
            await saga.step(do, file, "account", compensate=undo_in(file))
            await context.wait_for_signal("go on")
            note(file, "went on")
            raise ValueError("no")

    @workflow(execution_mode="async")
    async def broken(context, file: str):
        async def refuse(result):
            note(file, "tried " + result)
            raise IntegrationError("the account is locked")
        async with context.saga() as saga:
            await saga.step("first", do, file, "first", compensate=undo_in(file))
            await saga.step("second", do, file, "second", compensate=refuse,
                compensate_options={"retry_policy": {"max_attempts": 2, "initial_interval_seconds": 0.01}})
            await saga.step("third", do, file, "third", compensate=undo_in(file))
            raise ValueError("no")

    @workflow(execution_mode="async")
    async def side_by_side(context, file: str):
        async def slow():
            while not os.path.exists(file + ".open"):
                await asyncio.sleep(0.01)
            return note(file, "slow")
        async def fast():
            note(file, "fast")
            raise IntegrationError("away")
        async def several(saga):
            await saga.step("slow", slow, compensate=undo_in(file))
            await saga.step("never", do, file, "never", compensate=undo_in(file))
        async with context.saga() as saga:
            await saga.step(do, file, "before", compensate=undo_in(file))
            await asyncio.gather(several(saga), saga.step("fast", fast))

    @workflow(execution_mode="async", retry_policy={"max_attempts": 3, "initial_interval_seconds": 0.01})
    async def with_retries(context, file: str):
        async with context.saga() as saga:
            await saga.step(do, file, "account", compensate=undo_in(file))
            raise IntegrationError("away")

    @workflow(execution_mode="async")
    def plain(context, file: str):
        with context.saga() as saga:
            saga.step(do, file, "account", compensate=lambda result: note(file, "undo " + result))
            context.wait_for_signal("go on")
            raise ValueError("no")

    @workflow(execution_mode="async")
    async def slow_to_undo(context, file: str):
        def undo_of(name):
            async def undo():
                note(file, "undoes " + name)
                await asyncio.sleep(0 if os.path.exists(file + ".open") else 60)
                note(file, "undid " + name)
            return undo
        async with context.saga() as saga:
            for name in ("one", "two", "three"):
                await saga.step(name, do, file, name, compensate=undo_of(name))
            await context.wait_for_signal("fail")
            raise IntegrationError("away")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "done"


@pytest.fixture
def sagas(workspace: Workspace) -> None:
    workspace.add("import os\n" + SAGAS.replace("\n    ", "\n"))


@pytest.fixture
def started(worker: Worker, sagas: None) -> Worker:
    worker.start()
    return worker


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def listed(acme: OrganizationRecord, outcome: Outcome) -> list[tuple[str, str]]:
    return [(name, data["status"]) for _, name, data in journal(acme, outcome, "saga")]


def test_what_was_done_is_undone_the_last_step_first(started: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = started.run("three_steps", file=str(file))

    assert lines(file) == ["account", "license", "not undone", "undo without arguments", "undo account"]
    assert outcome.status == "Compensated"
    assert outcome.error == {
        "error": "IntegrationError",
        "message": "the mailbox is full",
        "details": {
            "integration": "exchange",
            "status_code": 503,
            "compensation": {"undone": ["license", "do"], "failed": []},
        },
    }
    assert listed(acme, outcome) == [
        ("do", "Completed"),
        ("license", "Completed"),
        ("do", "Completed"),
        ("license", "Compensated"),
        ("do", "Compensated"),
    ]
    record = queries.get_execution(acme, UUID(outcome.execution_id))
    assert [(step["saga"], step["number"], step["name"], step["status"]) for step in record["sagaSteps"]] == [
        ("onboarding", 1, "do", "Completed"),
        ("onboarding", 2, "license", "Completed"),
        ("onboarding", 3, "do", "Completed"),
        ("onboarding", 2, "license", "Compensated"),
        ("onboarding", 1, "do", "Compensated"),
    ]
    steps = [name for _, name, data in journal(acme, outcome, "step") if data["state"] == "done"]
    assert steps == ["do", "license", "do", "compensate license", "compensate do"]


def test_what_goes_well_is_not_undone(started: Worker, file: Path) -> None:
    assert started.run("three_steps", file=str(file), fails=False).status == "Success"
    assert lines(file) == ["account", "license", "not undone"]


def test_who_catches_the_failure_may_still_succeed(started: Worker, file: Path) -> None:
    outcome = started.run("caught", file=str(file))
    assert (outcome.status, outcome.result) == ("Success", "went another way")
    assert lines(file) == ["account", "undo account"]


def test_a_run_out_of_time_is_undone_with_time_of_its_own(
    started: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = started.run("out_of_time", file=str(file))
    assert (outcome.status, outcome.error["error"]) == ("Compensated", "TimeoutError")
    assert lines(file) == ["account", "undo account"]


def test_a_cancelled_run_is_undone_and_is_cancelled(started: Worker, acme: OrganizationRecord, file: Path) -> None:
    """Also one that was suspended: it is queued for that."""
    outcome = started.submit("waits", file=str(file))
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    assert lines(file) == ["account"]  # putting aside undoes nothing

    sending.cancel(acme, UUID(outcome.execution_id), ADA)

    end = started.end_of(acme, outcome)
    assert (end.status, end.error["message"]) == ("Cancelled", "Cancelled by Ada.")
    assert lines(file) == ["account", "undo account"]


def test_after_a_suspension_all_that_was_done_before_is_undone(
    started: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = started.submit("waits", file=str(file))
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    sending.signal(acme, UUID(outcome.execution_id), "go on", None, ADA)
    assert started.end_of(acme, outcome).status == "Compensated"
    assert lines(file) == ["account", "went on", "undo account"]


def test_an_undoing_that_fails_for_good_keeps_no_other_from_its_turn(
    started: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = started.run("broken", file=str(file))
    assert lines(file)[3:] == ["undo third", "tried second", "tried second", "undo first"]
    assert outcome.status == "Compensated"
    assert outcome.error["details"]["compensation"] == {"undone": ["third", "first"], "failed": ["second"]}
    assert ("second", "CompensationFailed") in listed(acme, outcome)
    with org_context(acme):
        [alert] = Alert.objects.values("kind", "severity", "title", "execution", "count", "details")
    assert alert["details"].pop("reason") == "the account is locked"
    assert alert == {
        "kind": "compensation_failed",
        "severity": "critical",
        "title": "broken: second could not be undone",
        "execution": UUID(outcome.execution_id),
        "count": 1,
        "details": {"saga": "saga", "step": "second", "number": 2},
    }


def test_steps_that_others_still_do_are_awaited_undone_and_followed_by_none(
    started: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = started.submit("side_by_side", file=str(file))
    eventually(lambda: "fast" in lines(file), "failure")
    assert lines(file) == ["before", "fast"]

    file.with_name(file.name + ".open").touch()

    end = started.end_of(acme, outcome)
    assert (end.status, end.error["message"]) == ("Compensated", "away")
    assert lines(file) == ["before", "fast", "slow", "undo slow", "undo before"]


def test_what_was_undone_is_not_tried_again(started: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = started.run("with_retries", file=str(file))
    assert (outcome.status, recorded(acme, outcome).attempt) == ("Compensated", 1)
    assert lines(file) == ["account", "undo account"]


@pytest.mark.parametrize("ended_by", ["failure", "cancel"])
def test_a_plain_function_has_sagas_too(ended_by: str, started: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = started.submit("plain", file=str(file))
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    assert lines(file) == ["account"]
    id_ = UUID(outcome.execution_id)
    if ended_by == "cancel":
        sending.cancel(acme, id_, ADA)
    else:
        sending.signal(acme, id_, "go on", None, ADA)
    assert started.end_of(acme, outcome).status == {"failure": "Compensated", "cancel": "Cancelled"}[ended_by]
    assert lines(file) == ["account", "undo account"]


@pytest.mark.parametrize("ended_by", ["failure", "cancel"])
def test_a_process_lost_in_the_middle_of_undoing_is_followed_by_one_that_goes_on(
    ended_by: str, worker: Worker, sagas: None, acme: OrganizationRecord, file: Path
) -> None:
    engine = worker.start()
    outcome = worker.submit("slow_to_undo", file=str(file))
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    id_ = UUID(outcome.execution_id)
    if ended_by == "cancel":
        sending.cancel(acme, id_, ADA)
    else:
        sending.signal(acme, id_, "fail", None, ADA)
    eventually(lambda: "undoes three" in lines(file), "beginning of the undoing")
    eventually(lambda: [each for each in journal(acme, outcome, "step") if "compensate" in each[1]], "its journal line")

    lose(engine)
    file.with_name(file.name + ".open").touch()
    worker.start()

    end = worker.end_of(acme, outcome)
    assert end.status == {"failure": "Compensated", "cancel": "Cancelled"}[ended_by]
    undoing = lines(file)[3:]
    assert undoing[0] == "undoes three"  # was under way, and is done again
    assert undoing[1:] == [f"{word} {name}" for name in ("three", "two", "one") for word in ("undoes", "undid")]
    assert end.error["details"]["compensation"] == {"undone": ["three", "two", "one"], "failed": []}


def test_a_changed_workflow_undoes_nothing(
    worker: Worker, workspace: Workspace, sagas: None, acme: OrganizationRecord, file: Path
) -> None:
    """What it has done is not what the new code knows of."""
    worker.start()
    outcome = worker.submit("waits", file=str(file))
    eventually(lambda: recorded(acme, outcome).status == "Suspended", "suspension")
    changed = SAGAS.replace('await context.wait_for_signal("go on")', 'await saga.step(do, file, "another")')
    workspace.add("import os\n" + changed.replace("\n    ", "\n"))
    sending.signal(acme, UUID(outcome.execution_id), "go on", None, ADA)

    end = worker.end_of(acme, outcome)

    assert (end.status, end.error["error"]) == ("Failed", "NonDeterminismError")
    assert lines(file) == ["account"]


def test_a_sync_run_answers_with_its_compensation(run: Run, workspace: Workspace, file: Path) -> None:
    workspace.add("import os\n" + SAGAS.replace("\n    ", "\n").replace('(execution_mode="async")', ""))
    outcome: Any = run("three_steps", file=str(file))
    assert (outcome.status, outcome.error["error"]) == ("Compensated", "IntegrationError")
