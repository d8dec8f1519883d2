"""What a failing workflow leaves: a status, the documents' error, a record."""

from __future__ import annotations

import pytest

from orgs.records import OrganizationRecord

from .conftest import Run, Workspace, journal, recorded

FAIL = """
    class Unpaid(WorkflowException):
        pass

    @workflow(name="fail")
    async def fail(context, kind: str):
        context.log("info", "about to fail")
        if kind == "validation":
            raise ValidationError("Invalid email address", field="email")
        if kind == "integration":
            raise IntegrationError(integration="msgraph", message="Failed: 401", status_code=401)
        if kind == "configuration":
            raise ConfigurationError("Not configured", config_key="msgraph_client_id")
        if kind == "custom":
            raise Unpaid("The invoice is open", details={"invoice": 7})
        if kind == "system_exit":
            raise SystemExit(3)
        if kind == "keyboard":
            raise KeyboardInterrupt
        if kind == "base":
            raise BaseException("deep")
        if kind == "cancelled":
            raise asyncio.CancelledError
        if kind == "builtin_timeout":
            raise asyncio.TimeoutError
        raise RuntimeError("password=hunter2 in the internals")
"""


@pytest.mark.parametrize(
    ("kind", "error", "message", "details"),
    [
        ("validation", "ValidationError", "Invalid email address", {"field": "email"}),
        ("integration", "IntegrationError", "Failed: 401", {"integration": "msgraph", "status_code": 401}),
        ("configuration", "ConfigurationError", "Not configured", {"config_key": "msgraph_client_id"}),
        ("custom", "Unpaid", "The invoice is open", {"invoice": 7}),
    ],
)
def test_an_error_of_the_documents_is_answered_as_it_is(
    run: Run, workspace: Workspace, acme: OrganizationRecord, kind: str, error: str, message: str, details: object
) -> None:
    workspace.add(FAIL)
    outcome = run("fail", kind=kind)
    assert outcome.status == "Failed"
    assert outcome.error == {"error": error, "message": message, "details": details}
    assert recorded(acme, outcome).error == outcome.error


@pytest.mark.parametrize("kind", ["unexpected", "system_exit", "keyboard", "base", "cancelled"])
def test_any_other_exception_is_an_internal_error_with_nothing_internal_in_it(
    run: Run, workspace: Workspace, kind: str
) -> None:
    workspace.add(FAIL)
    outcome = run("fail", kind=kind)
    assert outcome.status == "Failed"
    assert outcome.error == {
        "error": "InternalServerError",
        "message": "An unexpected error occurred during workflow execution",
        "details": {},
    }


def test_the_traceback_is_in_the_journal_with_the_authors_file(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(FAIL)
    outcome = run("fail", kind="unexpected")
    (_, name, data) = journal(acme, outcome, "error")[0]
    assert name == "InternalServerError"
    assert "examples.py" in data["traceback"] and "RuntimeError" in data["traceback"]


def test_the_log_of_a_failed_run_is_kept(run: Run, workspace: Workspace, acme: OrganizationRecord) -> None:
    workspace.add(FAIL)
    assert journal(acme, run("fail", kind="system_exit"), "log")[0][2]["message"] == "about to fail"


def test_a_builtin_timeout_that_leaves_the_workflow_is_a_timeout_error(run: Run, workspace: Workspace) -> None:
    workspace.add(FAIL)
    error = run("fail", kind="builtin_timeout").error
    assert error is not None and error["error"] == "TimeoutError"


@pytest.mark.parametrize("raised", ["SystemExit(1)", "KeyboardInterrupt()", "BaseException('x')"])
def test_what_a_child_task_raises_under_gather_harms_nobody_else(run: Run, workspace: Workspace, raised: str) -> None:
    workspace.add(
        f"""
        async def bad():
            raise {raised}

        @workflow(name="gathers")
        async def gathers(context):
            await asyncio.gather(bad(), asyncio.sleep(5), return_exceptions=True)
            return "survived"

        @workflow(name="fine")
        async def fine(context):
            return "fine"
        """
    )
    first = run("gathers")
    if "BaseException" in raised:
        assert first.status in {"Success", "Failed"}
    else:
        assert (first.status, first.error and first.error["error"]) == ("Failed", "InternalServerError")
    assert run("fine").result == "fine"


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("object()", "result"),
        ("{'users': [{'created': time}]}", "users[0].created"),
        ("{'when': float('nan')}", "when"),
        ("'\\x00'", "result"),
        ("{1: 'a'}", "result"),
    ],
)
def test_a_result_that_is_not_json_fails_the_run_and_names_the_place(
    run: Run, workspace: Workspace, expression: str, place: str
) -> None:
    workspace.add(f'@workflow(name="odd")\nasync def odd(context):\n    return {expression}\n')
    outcome = run("odd")
    assert outcome.status == "Failed"
    assert outcome.error is not None and outcome.error["error"] == "SerializationError"
    assert place in outcome.error["message"]


def test_a_result_over_its_limit_fails_the_run(run: Run, workspace: Workspace) -> None:
    workspace.add('@workflow(name="big")\nasync def big(context):\n    return "x" * 1_000_001\n')
    error = run("big").error
    assert error is not None and error["error"] == "TooLarge" and "1,000,000" in error["message"]


def test_a_log_line_that_is_no_json_never_fails_the_run(
    run: Run, workspace: Workspace, acme: OrganizationRecord
) -> None:
    workspace.add(
        """
        @workflow(name="odd_logs")
        async def odd_logs(context):
            context.log("info", "nul \\x00 surrogate \\ud800", {"nan": float("nan"), "object": object()})
            context.set_variable("odd", object())
            return "done"
        """
    )
    outcome = run("odd_logs")
    assert outcome.result == "done"
    assert "\x00" not in journal(acme, outcome, "log")[0][2]["message"]
