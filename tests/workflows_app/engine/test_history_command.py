"""`manage.py history` and `manage.py replay`: what they print, and how they end."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command

from integrations.errors import VaultUnavailable
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.engine.conftest import Workspace, journal
from tests.workflows_app.engine.test_children import COMMAND
from tests.workflows_app.engine.test_waits import signal, wait_suspended
from tests.workflows_app.engine.working import Worker
from workflows_app import retrying
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import ExecutionEvent

SOURCE = """
    @workflow
    async def child(context, number: int = 1):
        return number

    @step(retry_policy={"max_attempts": 2, "initial_interval_seconds": 0})
    async def fragile(tried=[]):
        tried.append(1)
        if len(tried) == 1:
            raise IntegrationError("away [for now]")
        return {"password": "s3cret-word", "user": "ann"}

    @workflow(execution_mode="async")
    async def example(context):
        context.log("info", "it begins")
        account = await fragile()
        await context.wait_for_signal("go", timeout=600)
        await context.sleep(0.01)
        grown = await asyncio.gather(context.execute_workflow("child", {"number": 7}))
        raise ValidationError("not like this")
"""


@pytest.fixture
def ended(worker: Worker, workspace: Workspace, acme: OrganizationRecord) -> Outcome:
    """A run with something of everything, that failed."""
    workspace.add(SOURCE)
    worker.start()
    outcome = submit(Start(acme, "example", {}, COMMAND))
    worker.wake()
    wait_suspended(acme, outcome)
    signal(acme, outcome, "go", {"token": "t0ken-value"})
    assert worker.end_of(acme, outcome).error["message"] == "not like this"
    return outcome


def printed(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def rows(text: str) -> list[list[str]]:
    """The lines of the table that have a number, without times."""
    return [line.split() for line in text.splitlines() if line.split() and line.split()[0].isdigit()]


def test_the_compact_history_has_a_line_for_each_operation(ended: Outcome) -> None:
    text = printed("history", ended.execution_id)

    lines = text.splitlines()
    assert lines[0].startswith("example  Failed in ") and lines[0].endswith(", attempt 1")
    assert lines[1].startswith(f"{ended.execution_id} of acme, started by Command line at 20")
    assert lines[2] == "ValidationError: not like this"
    assert lines[4].split() == ["#", "at", "what", "took", "tries", "outcome"]
    told = rows(text)
    assert [row[0] for row in told] == ["1", "2", "3", "4"]
    assert [row[4:6] for row in told if row[4] != "timer"] == [
        ["step", "fragile"],
        ["signal", "go"],
        ["child", "child"],
    ]
    assert [row[1][0] for row in told] == ["+"] * 4, "when"
    assert told[0][-5:] == ["2", '{"user":', '"ann",', '"password":', '"REDACTED"}'], "the second try came to something"
    assert told[1][-2:] == ['{"token":', '"REDACTED"}']
    assert told[2][-1] == "over" and told[3][-1] == "7"
    assert "Suspended: waits for the signal 'go' until 20" in text and "ValidationError: not like this" in lines[-2]


def test_the_full_history_has_every_line(acme: OrganizationRecord, ended: Outcome) -> None:
    text = printed("history", ended.execution_id, "--density", "full")

    numbers = [int(row[0]) for row in rows(text)]
    assert numbers == list(range(1, len(journal(acme, ended)) + 1))
    assert "it begins" in text and "fragile retrying: IntegrationError: away [for now]" in text


@pytest.mark.parametrize("density", ["compact", "full", "json"])
def test_no_exact_value_is_printed(ended: Outcome, density: str) -> None:
    text = printed("history", ended.execution_id, "--org", "acme", "--density", density)
    assert "REDACTED" in text
    assert "s3cret-word" not in text and "t0ken-value" not in text


def test_lines_are_as_wide_as_said_where_no_terminal_is(ended: Outcome) -> None:
    assert max(map(len, printed("history", ended.execution_id).splitlines())) <= 120


def test_the_json_holds_the_whole_journal(acme: OrganizationRecord, ended: Outcome) -> None:
    document = json.loads(printed("history", ended.execution_id, "--density", "json"))

    assert (document["executionId"], document["workflowName"], document["status"]) == (
        ended.execution_id,
        "example",
        "Failed",
    )
    assert [(line["kind"], line["name"], line["data"]) for line in document["lines"]] == journal(acme, ended)
    redacted = [line["name"] for line in document["lines"] if line.get("redacted")]
    assert redacted == ["fragile", "signal"], "the step's result, and the inbox's entry"


def test_what_was_taken_over_is_said(worker: Worker, acme: OrganizationRecord, ended: Outcome) -> None:
    again = worker.end_of(acme, retrying.fork(acme, UUID(ended.execution_id), 3, COMMAND))
    told = rows(printed("history", again.execution_id))
    assert [row[3:5] for row in told[:2]] == [["taken", "over:"]] * 2
    assert told[2][4] == "timer"


def test_a_history_without_operations_is_a_history(worker: Worker, workspace: Workspace) -> None:
    workspace.add(SOURCE)
    outcome = worker.submit("example")
    assert "example  Queued, attempt 1" in printed("history", outcome.execution_id)


@pytest.mark.parametrize("command", ["history", "replay"])
def test_another_organizations_execution_is_not_found(ended: Outcome, command: str) -> None:
    with pytest.raises(CommandError, match="There is no such execution"):
        printed(command, ended.execution_id, "--org", "globex")
    with pytest.raises(CommandError, match="No organization has an execution"):
        printed(command, str(uuid4()))


# --- replay ----------------------------------------------------------------------------------------------------------


def test_a_compatible_replay_says_so(ended: Outcome) -> None:
    assert printed("replay", ended.execution_id).strip() == (
        "compatible: 4 of 4 recorded operations were asked for in their order;"
        " the code ends as recorded: Failed with ValidationError."
    )


def test_another_way_ends_with_1_and_names_both_sides(ended: Outcome, workspace: Workspace) -> None:
    workspace.add(SOURCE.replace('wait_for_signal("go"', 'wait_for_signal("come"'))
    errors = StringIO()
    with pytest.raises(SystemExit) as exited:
        call_command("replay", ended.execution_id, stderr=errors)
    assert exited.value.code == 1
    assert "The journal has the signal 'go' where the code now asks for the signal 'come'." in errors.getvalue()


def test_a_file_is_replayed_without_its_execution(acme: OrganizationRecord, ended: Outcome, tmp_path: Path) -> None:
    kept = tmp_path / "history.json"
    kept.write_text(printed("history", ended.execution_id, "--density", "json"))
    with org_context(acme):
        ExecutionEvent.objects.filter(execution=ended.execution_id).delete()
    assert printed("replay", "--file", str(kept)).startswith("compatible: 4 of 4")


def test_what_cannot_be_replayed_is_said(ended: Outcome, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    for arguments, message in [
        ((), "Name either an execution or a --file."),
        ((ended.execution_id, "--file", str(other)), "Name either an execution or a --file."),
        (("--file", str(other)), "No such file"),
    ]:
        with pytest.raises(CommandError, match=message):
            printed("replay", *arguments)
    for text, message in [("{", "This is no JSON"), ("[]", "no history that"), ('{"format": "x"}', "no history that")]:
        other.write_text(text)
        with pytest.raises(CommandError, match=message):
            printed("replay", "--file", str(other))
    other.write_text('{"format": "bifrost-history-1", "workflowName": "example"}')
    with pytest.raises(CommandError, match="This history lacks what a replay needs: KeyError"):
        printed("replay", "--file", str(other))


def test_without_the_vault_the_way_by_a_file_is_named(ended: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise VaultUnavailable("The vault is away.")

    monkeypatch.setattr("workflows_app.engine.earlier.unseal", away)
    with pytest.raises(CommandError, match=r"The vault is away.*replay --file"):
        printed("replay", ended.execution_id)


def test_a_workflow_that_is_gone_is_named(ended: Outcome, workspace: Workspace) -> None:
    workspace.add(SOURCE.replace("async def example(", "async def renamed("))
    with pytest.raises(CommandError, match="example"):
        printed("replay", ended.execution_id)
