"""Recovery by the type of an error: tried again, undone, or brought before somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import Workspace, journal, recorded
from tests.workflows_app.engine.test_children import COMMAND
from tests.workflows_app.engine.working import Worker
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import Alert

SOURCE = """
    QUICKLY = {"max_attempts": 3, "initial_interval_seconds": 0.01}

    def note(file, word):
        with open(file, "a") as lines:
            lines.write(word + "\\n")

    def failing(kind):
        match kind:
            case "database": raise DatabaseError("deadlock")
            case "api": raise ExternalApiError("away", "graph", 503)
            case "tenant": raise TenantValidationFailed("not your tenant")
            case "input": raise InvalidInput("no such user", field="user")
            case "unexpected": raise KeyError("boom")

    @workflow(execution_mode="async", recovery=True, retry_policy=QUICKLY, compensation="undo_all")
    async def by_default(context, file: str, kind: str, times: int = 99):
        note(file, f"attempt {context.attempt}")
        if context.attempt <= times:
            failing(kind)
        return "done"

    @workflow(execution_mode="async")
    async def undo_all(context, original_input: dict, failure_reason: str):
        note(original_input["file"], "undo: " + failure_reason)

    @workflow(execution_mode="async", recovery={"KeyError": "retry", IntegrationError: "fail", "*": "escalate"},
              retry_policy=QUICKLY)
    async def chosen(context, file: str, kind: str):
        note(file, f"attempt {context.attempt}")
        failing(kind)

    @workflow(execution_mode="async", recovery={"TimeoutError": "escalate"}, timeout_seconds=1)
    async def too_slow(context):
        await asyncio.sleep(60)

    @workflow(execution_mode="async", recovery=True)
    async def with_a_saga(context, file: str, kind: str):
        async with context.saga() as saga:
            await saga.step("account", note, file, "account", compensate=lambda: note(file, "undo account"))
            failing(kind)
"""


@pytest.fixture
def started(worker: Worker, workspace: Workspace) -> Worker:
    workspace.add(SOURCE)
    worker.start()
    return worker


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "done"


def alerts(acme: OrganizationRecord) -> list[Alert]:
    with org_context(acme):
        return list(Alert.objects.all())


def run(worker: Worker, acme: OrganizationRecord, file: Path, kind: str) -> Outcome:
    """By somebody whose rights are looked up, since the child needs them as well."""
    started = submit(Start(acme, "by_default", {"file": str(file), "kind": kind}, COMMAND))
    worker.wake()
    return worker.end_of(acme, started)


@pytest.mark.parametrize("kind", ["database", "api"])
def test_what_may_be_well_again_is_tried_again(started: Worker, file: Path, kind: str) -> None:
    outcome = started.run("by_default", file=str(file), kind=kind, times=2)
    assert (outcome.status, outcome.result) == ("Success", "done")
    assert file.read_text().splitlines() == ["attempt 1", "attempt 2", "attempt 3"]


def test_after_the_last_attempt_it_says_so(started: Worker, acme: OrganizationRecord, file: Path) -> None:
    outcome = started.run("by_default", file=str(file), kind="database")
    assert (outcome.status, recorded(acme, outcome).attempt) == ("Failed", 3)
    assert outcome.error == {
        "error": "MaxRetriesExceeded",
        "message": "It failed 3 times, at last with: deadlock",
        "details": {"original_error": "DatabaseError", "attempts": 3},
    }


@pytest.mark.parametrize(("kind", "original"), [("tenant", "PermissionError"), ("input", "ValidationError")])
def test_what_needs_a_person_is_escalated(
    started: Worker, acme: OrganizationRecord, file: Path, kind: str, original: str
) -> None:
    outcome = started.run("by_default", file=str(file), kind=kind)
    assert outcome.status == "Failed"
    assert (outcome.error["error"], outcome.error["details"]["original_error"]) == ("EscalatedError", original)
    assert file.read_text().splitlines() == ["attempt 1"]
    [alert] = alerts(acme)
    assert (alert.kind, alert.severity, alert.title) == (
        "escalated",
        "critical",
        f"by_default needs a person: {original}",
    )


def test_everything_else_is_undone_by_the_workflow_that_does_that(
    started: Worker, acme: OrganizationRecord, file: Path
) -> None:
    outcome = run(started, acme, file, "unexpected")
    assert (outcome.status, outcome.error["error"]) == ("Compensated", "InternalServerError")
    reason = "InternalServerError: An unexpected error occurred during workflow execution"
    assert file.read_text().splitlines() == ["attempt 1", f"undo: {reason}"]
    assert outcome.error["details"]["compensation"] == {"undone": ["undo_all"], "failed": []}
    [(_, name, data)] = [line for line in journal(acme, outcome, "child") if line[2]["state"] == "done"]
    assert (name, data["status"]) == ("undo_all", "Success")


def test_what_a_saga_has_undone_is_compensated(started: Worker, file: Path) -> None:
    assert started.run("with_a_saga", file=str(file), kind="unexpected").status == "Compensated"
    assert file.read_text().splitlines() == ["account", "undo account"]


def test_an_author_chooses(started: Worker, acme: OrganizationRecord, file: Path) -> None:
    exhausted = started.run("chosen", file=str(file), kind="unexpected")
    assert (exhausted.error["error"], recorded(acme, exhausted).attempt) == ("MaxRetriesExceeded", 3)
    failed = started.run("chosen", file=str(file), kind="api")
    assert (failed.status, failed.error["error"], recorded(acme, failed).attempt) == ("Failed", "IntegrationError", 1)
    escalated = started.run("chosen", file=str(file), kind="tenant")
    assert escalated.error["error"] == "EscalatedError"


def test_a_time_that_is_over_is_a_failure_too(started: Worker) -> None:
    outcome = started.run("too_slow")
    assert (outcome.status, outcome.error["error"]) == ("Failed", "EscalatedError")
    assert outcome.error["details"]["original_error"] == "TimeoutError"


def test_undoing_that_fails_is_in_the_record(
    started: Worker, workspace: Workspace, acme: OrganizationRecord, file: Path
) -> None:
    workspace.add(SOURCE.replace('note(original_input["file"], "undo: " + failure_reason)', 'failing("api")'))
    outcome = run(started, acme, file, "unexpected")
    assert (outcome.status, outcome.error["error"]) == ("Failed", "InternalServerError")
    assert outcome.error["details"]["compensation"] == {"undone": [], "failed": ["undo_all"]}
    assert [alert.kind for alert in alerts(acme)] == ["compensation_failed"]
