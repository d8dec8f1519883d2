"""manage.py run_workflow"""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from workflows_app import catalog
from workflows_app.dispatch.models import Dispatch, Lane, Priority, Worker, WorkflowSetting
from workflows_app.engine import process
from workflows_app.models import Approval, Execution, ExecutionEvent

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = """
    from bifrost import RetryPolicy, ValidationError, param, workflow

    @workflow(name="greet")
    @param("message", "string", required=True)
    async def greet(context, message: str, times: int = 1):
        context.log("info", "Greeting", {"times": times})
        return {"text": message * times, "org": context.org_id, "by": context.caller.name}

    @workflow(name="later", execution_mode="async", timeout_seconds=60)
    async def later(context, number: int = 1):
        context.log("warning", "Counting")
        return number + 1

    @workflow(name="nightly", execution_mode="scheduled", schedule="0 3 * * *")
    async def nightly(context):
        return "done"

    @workflow(name="approved", requires_approval=True)
    async def approved(context):
        return 1

    @workflow(name="counting", execution_mode="async")
    async def counting(context):
        for part in range(1, 6):
            context.progress(part, 5, f"part {part}")

    @workflow(name="stumble", execution_mode="async")
    async def stumble(context):
        raise ValidationError("The month is over.", field="month")

    @workflow(name="again", execution_mode="async", retry_policy=RetryPolicy(max_attempts=3))
    async def again(context):
        raise KeyError("gone")

    @workflow(name="fleet", requires_org=False)
    async def fleet(context):
        return context.org_id
"""


@pytest.fixture(autouse=True)
def workflows(tmp_path: Path, settings: Any, msp: OrganizationRecord) -> None:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    (settings.WORKSPACE / "workflows" / "examples.py").write_text(textwrap.dedent(SOURCE))
    catalog.refresh()


@pytest.fixture(autouse=True)
def its_own_process(acme: OrganizationRecord) -> Any:
    """What the command makes of this process is undone."""
    process.stop(grace=0)
    yield
    process.stop(grace=0)
    process.configure("web")


@dataclass
class Ran:
    """What the command printed, and how it ended."""

    out: str
    err: str
    status: int

    @property
    def result(self) -> Any:
        return json.loads(self.out)


def run(name: str, *arguments: str, org: str = "acme") -> Ran:
    out, err, status = StringIO(), StringIO(), 0
    try:
        call_command("run_workflow", name, *(["--org", org] if org else []), *arguments, stdout=out, stderr=err)
    except SystemExit as left:
        status = int(left.code or 0)
    except CommandError as error:
        err.write(str(error))
        status = error.returncode
    return Ran(out.getvalue(), err.getvalue(), status)


def executions(organization: OrganizationRecord) -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.order_by("id"))


def journal(organization: OrganizationRecord, execution: UUID) -> list[str]:
    with org_context(organization):
        return [
            f"{event.kind} {event.name}" for event in ExecutionEvent.objects.filter(execution=execution).order_by("seq")
        ]


def rows() -> list[Dispatch]:
    with shared_context():
        return list(Dispatch.objects.all())


# --- in the command's own process ------------------------------------------------------------------------------


def test_it_prints_the_result_and_streams_the_log(acme: OrganizationRecord) -> None:
    ran = run("greet", "-p", "message=Hi", "-p", "times=2")
    assert (ran.status, ran.result) == (0, {"text": "HiHi", "org": "acme", "by": "Command line"})
    assert "info    Greeting" in ran.err and '{"times": 2}' in ran.err and "Success in" in ran.err
    [made] = executions(acme)
    assert (made.status, made.trigger) == ("Success", {"type": "command"})


def test_it_tells_how_far_the_run_is_in_plain_lines_where_there_is_no_terminal() -> None:
    ran = run("counting")
    told = [line.partition(" progress ")[2] for line in ran.err.splitlines() if " progress " in line]
    assert (told[0].startswith("20% (1 of 5), part 1"), told[-1]) == (True, "100% (5 of 5), part 5")
    assert "\r" not in ran.err


@pytest.mark.parametrize(("name", "result"), [("later", 2), ("nightly", "done")])
def test_a_background_workflow_runs_here_without_any_worker(acme: OrganizationRecord, name: str, result: Any) -> None:
    ran = run(name)
    assert (ran.status, ran.result) == (0, result)
    [made] = executions(acme)
    assert made.status == "Success" and rows() == []
    lines = journal(acme, made.id)
    assert (lines[0], lines[-1]) == ("status Running", "status Success")


def test_it_leaves_no_process_row_behind() -> None:
    run("later")
    with shared_context():
        assert not Worker.objects.exists()


def test_a_failure_is_exit_1_with_its_reason(acme: OrganizationRecord) -> None:
    ran = run("stumble")
    assert (ran.status, ran.out) == (1, "")
    assert "ValidationError: The month is over." in ran.err and '"field": "month"' in ran.err
    assert [made.status for made in executions(acme)] == ["Failed"]


def test_an_attempt_that_failed_is_left_to_the_workers(acme: OrganizationRecord) -> None:
    ran = run("again")
    [made] = executions(acme)
    assert (ran.status, ran.result) == (0, {"executionId": str(made.id), "status": "Suspended"})
    assert "Suspended: a worker goes on" in ran.err
    assert (made.status, made.attempt) == ("Suspended", 2)
    assert [row.status for row in rows()] == ["Suspended"]


def test_it_runs_with_a_person_s_permissions(acme: OrganizationRecord) -> None:
    operator, viewer = make_user(acme, "operator", email="op@acme.example"), make_user(acme, "viewer")
    assert run("greet", "-p", "message=Hi", "--as", operator.email).result["by"] == "op@acme.example"
    refused = run("later", "--as", viewer.email)
    assert refused.status == 2 and "canExecuteWorkflows" in refused.err
    assert len(executions(acme)) == 1


def test_without_an_organization_it_is_the_msp_s_own_where_the_workflow_needs_none() -> None:
    assert run("fleet", org="").result == "msp"
    assert run("fleet").result == "acme"
    missing = run("later", org="")
    assert missing.status == 2 and "--org ORG_ID is missing" in missing.err


# --- queued for a worker ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "given"), [("later", []), ("greet", ["-p", "message=Hi"])])
def test_in_the_background_it_is_queued_and_its_id_is_printed(
    acme: OrganizationRecord, name: str, given: list[str]
) -> None:
    ran = run(name, "--background", *given)
    [made] = executions(acme)
    assert (ran.status, ran.result) == (0, {"executionId": str(made.id), "status": "Queued"})
    assert "Queued: a worker goes on with execution" in ran.err
    [row] = rows()
    assert (row.execution, row.status, row.priority) == (made.id, "Queued", Priority.HIGH)
    assert made.started_at is None


def test_it_waits_behind_its_workflow_s_limit(acme: OrganizationRecord) -> None:
    WorkflowSetting.objects.create(organization=acme.id, workflow="later", max_concurrent=1)
    run("later", "--background")
    assert [row.lane for row in rows()] == [Lane.LIMITED]


@pytest.mark.parametrize("background", [[], ["--background"]])
def test_what_needs_an_approval_waits_for_it(acme: OrganizationRecord, background: list[str]) -> None:
    ran = run("approved", *background)
    [made] = executions(acme)
    assert (ran.status, ran.result) == (0, {"executionId": str(made.id), "status": "PendingApproval"})
    with org_context(acme):
        assert Approval.objects.get().execution_id == made.id
    assert made.started_at is None


def test_what_is_disabled_is_refused(acme: OrganizationRecord) -> None:
    WorkflowSetting.objects.create(organization=acme.id, workflow="later", enabled=False)
    ran = run("later", "--background")
    assert ran.status == 2 and "is disabled" in ran.err
    assert executions(acme) == []


# --- bad usage -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("nothing", [], 'There is no workflow "nothing"'),
        ("greet", [], "message"),
        ("greet", ["-p", "message"], "-p takes KEY=VALUE"),
        ("later", ["-p", "number=many"], "number"),
        ("later", ["--json", "[1]"], "--json takes a JSON object."),
        ("later", ["--json", "{"], "--json:"),
        ("later", ["--json", "@/nowhere/at/all"], "--json:"),
        ("later", ["--as", "nobody@acme.example"], "no active person"),
        ("later", ["--background", "-p", "surplus=1"], "surplus"),
    ],
)
def test_bad_usage_is_exit_2_and_starts_nothing(
    acme: OrganizationRecord, name: str, arguments: list[str], sentence: str
) -> None:
    ran = run(name, *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert sentence in ran.err
    assert executions(acme) == []


def test_an_organization_that_does_not_exist_is_named() -> None:
    ran = run("later", org="nobody")
    assert ran.status == 2 and "There is no organization 'nobody'." in ran.err


def test_parameters_come_from_a_file_and_are_overridden_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text('{"message": "Hi", "times": 3}')
    ran = run("greet", "--json", f"@{tmp_path / 'given.json'}", "-p", "times=1")
    assert ran.result["text"] == "Hi"
