"""A sync execution from start to end, and its record."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as django_connection
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs.records import Actor, OrganizationRecord
from workflows_app.dispatch.models import Dispatch, Fleet
from workflows_app.engine import connection
from workflows_app.errors import UnknownWorkflow
from workflows_app.executions import Start, submit

from .conftest import ADA, Run, Workspace, journal, recorded

GREET = """
    @workflow(name="greet")
    async def greet(context, message: str, times: int = 1):
        context.log("info", f"Greeting {times} times", {"message": message})
        context.set_variable("greeted", times)
        context.save_checkpoint("greeted", {"count": times})
        return {"text": message.upper() * times, "by": context.executed_by_email, "org": context.org_id}
"""


def test_a_successful_run_answers_with_its_result(run: Run, workspace: Workspace) -> None:
    workspace.add(GREET)
    outcome = run("greet", message="hi", times=2)
    assert outcome.status == "Success"
    assert outcome.result == {"text": "HIHI", "by": "ada@acme.example", "org": "acme"}
    assert outcome.duration_ms is not None


def test_its_record_holds_what_came_in_what_happened_and_what_came_out(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(GREET)
    outcome = run("greet", message="hi")
    row = recorded(acme, outcome)

    assert (row.workflow, row.status, row.input, row.result) == (
        "greet",
        "Success",
        {"message": "hi", "times": 1},
        outcome.result,
    )
    assert row.executed_by == {"kind": "user", "id": ADA.id, "email": ADA.email, "name": "Ada"}
    assert row.variables == {"greeted": 1}
    assert row.started_at is not None and row.completed_at is not None and row.completed_at >= row.started_at
    assert [line[:2] for line in journal(acme, outcome)] == [
        ("status", "Running"),
        ("log", "info"),
        ("variable", "greeted"),
        ("checkpoint", "greeted"),
        ("status", "Success"),
    ]
    assert journal(acme, outcome, "log")[0][2] == {"message": "Greeting 1 times", "data": {"message": "hi"}}


def test_a_finished_run_has_left_the_queue_for_the_fleet(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(GREET)
    outcome = run("greet", message="hi")
    assert not Dispatch.objects.exists()
    finished = Fleet.objects.get(execution=outcome.execution_id)
    assert (finished.organization, finished.workflow, finished.status) == (acme.id, "greet", "Success")


def test_a_run_of_one_organization_leaves_no_trace_in_another(
    run: Run, workspace: Workspace, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    workspace.add(GREET)
    outcome = run("greet", message="hi")
    assert journal(globex, outcome) == []


def test_a_trivial_run_costs_two_statements_and_no_query_beside_them(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.add(GREET)
    run("greet", message="warm up")
    sent: list[bytes] = []
    execute = connection.execute

    def counted(statement: bytes, parameters: Any) -> Any:
        sent.append(statement)
        return execute(statement, parameters)

    monkeypatch.setattr(connection, "execute", counted)
    with CaptureQueriesContext(django_connection) as queries:
        run("greet", message="hi")
    assert len(sent) == 2
    assert len(queries) == 0


def test_a_plain_function_runs_in_a_thread_with_a_blocking_context(run: Run, workspace: Workspace) -> None:
    workspace.add(
        """
        import threading

        @workflow(name="plain")
        def plain(context, name: str):
            context.log("info", "from a thread")
            return {"thread": threading.current_thread().name, "org": context.org_id}
        """
    )
    assert run("plain", name="x").result == {"thread": "workflow-plain", "org": "acme"}


def test_a_workflow_without_a_result_answers_null(run: Run, workspace: Workspace) -> None:
    workspace.add("@workflow(name='silent')\nasync def silent(context):\n    pass\n")
    outcome = run("silent")
    assert (outcome.status, outcome.result) == ("Success", None)


def test_an_unknown_workflow_is_refused_and_nothing_is_created(run: Run, workspace: Workspace) -> None:
    workspace.add(GREET)
    with pytest.raises(UnknownWorkflow):
        run("great", message="hi")
    assert not Dispatch.objects.exists() and not Fleet.objects.exists()


def test_wrong_parameters_are_refused_and_nothing_is_created(run: Run, workspace: Workspace) -> None:
    workspace.add(GREET)
    with pytest.raises(ValidationError) as refused:
        run("greet", message=5, surplus=True)
    assert {entry["field"] for entry in refused.value.details["errors"]} == {"message", "surplus"}
    assert not Fleet.objects.exists()


def test_who_lacks_the_workflows_permission_is_refused(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        '@workflow(name="reset", required_permission="canResetPasswords")\nasync def reset(context):\n    pass\n'
    )
    operator = Actor("user", "1", "", "Op", frozenset({"canExecuteWorkflows"}))
    with pytest.raises(PermissionError, match="canResetPasswords"):
        submit(Start(acme, "reset", {}, operator))
    assert run("reset").status == "Success"


def test_a_suspended_organization_cannot_start_anything(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    from tests.factories import change

    workspace.add(GREET)
    change(acme, status="suspended")
    with pytest.raises(PermissionError, match="suspended"):
        run("greet", message="hi")
