from __future__ import annotations

import asyncio
import inspect
from datetime import date

import pytest

from bifrost import ConfigurationError, SerializationError, ValidationError, WorkflowException
from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.caller import Caller
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.errors import Detached
from bifrost.testing import Record, blocking_context, context

SURFACE = {
    "org_id",
    "org_name",
    "tenant_id",
    "execution_id",
    "workflow_name",
    "attempt",
    "caller",
    "executed_by",
    "executed_by_email",
    "executed_by_name",
    "log",
    "rate_limit",
    "circuit_breaker",
    "database",
    "result_card",
    "save_file",
    "read_file",
    "save_checkpoint",
    "get_checkpoint",
    "set_variable",
    "get_variable",
    "get_config",
    "has_config",
    "get_secret",
    "execute_workflow",
    "start_workflow",
    "signal_workflow",
    "continue_as_new",
    "get_integration",
    "get_oauth_connection",
    "step",
    "call_step",
    "map",
    "sleep",
    "wait_for_signal",
    "wait_for_approval",
    "now",
    "random",
    "uuid",
    "patched",
    "progress",
    "complete_with_errors",
    "saga",
    "notify",
    "audit",
    "require_permission",
    "http",
    "dry_run",
}
#: Of two awaitables, the first: nothing that a blocking context has.
OF_ONE = {OrganizationContext: {"first"}, BlockingContext: set()}


@pytest.mark.parametrize("kind", [OrganizationContext, BlockingContext])
def test_the_public_names_are_the_documents_and_no_others(kind):
    assert {name for name in dir(kind) if not name.startswith("_")} == SURFACE | OF_ONE[kind]


def test_both_contexts_take_the_same_arguments():
    for name in SURFACE - {"map", "saga", "circuit_breaker", "database"}:  # what these give blocks as well
        ours, theirs = getattr(OrganizationContext, name), getattr(BlockingContext, name)
        if callable(ours):
            assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, name


def test_it_knows_organization_execution_and_caller():
    ctx = context(
        "acme",
        org_name="Acme Corp",
        tenant_id="tenant-1",
        caller=Caller("user-1", "ann@msp.local", "Ann"),
        execution_id="exec-1",
        workflow_name="greet",
        attempt=2,
    )
    assert (ctx.org_id, ctx.org_name, ctx.tenant_id) == ("acme", "Acme Corp", "tenant-1")
    assert (ctx.execution_id, ctx.workflow_name, ctx.attempt) == ("exec-1", "greet", 2)
    assert (ctx.caller.user_id, ctx.caller.email, ctx.caller.name) == ("user-1", "ann@msp.local", "Ann")
    assert (ctx.executed_by, ctx.executed_by_email, ctx.executed_by_name) == (
        "user-1",
        "ann@msp.local",
        "Ann",
    )


def test_what_it_knows_cannot_be_changed():
    with pytest.raises(AttributeError):
        context().org_id = "other"  # type: ignore[misc]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "INFO"])
def test_a_log_line_is_recorded(level):
    ctx = context()
    ctx.log(level, "Started", {"n": 1})
    assert ctx.records == [Record("log", level.lower(), {"message": "Started", "data": {"n": 1}})]


def test_a_log_line_needs_no_data():
    ctx = context()
    ctx.log("info", "Started")
    assert ctx.records[0].data == {"message": "Started", "data": None}


def test_an_unknown_level_is_info_and_warned_of_once():
    ctx = context()
    ctx.log("fatal", "one")
    ctx.log("fatal", "two")
    assert [(record.name, record.data["message"]) for record in ctx.records] == [
        ("warning", 'There is no log level "fatal": such lines are logged as info'),
        ("info", "one"),
        ("info", "two"),
    ]


def test_a_log_line_never_fails_a_run():
    ctx = context()
    ctx.log("info", ValueError("x"), {"client": object, "when": date(2026, 1, 1), "n": float("nan")})
    ctx.log(None, "NUL \x00")
    assert ctx.records[0].data == {
        "message": "ValueError('x')",
        "data": {"client": "<class 'object'>", "when": "2026-01-01", "n": "NaN"},
    }
    assert ctx.records[2].data["message"] == "NUL \ufffd"


def test_what_is_logged_is_a_copy():
    ctx, data = context(), {"users": ["ann"]}
    ctx.log("info", "Started", data)
    data["users"].append("bob")
    assert ctx.records[0].data["data"] == {"users": ["ann"]}


def test_a_checkpoint_is_recorded_and_found():
    ctx = context()
    ctx.save_checkpoint("step", {"n": 1})
    ctx.save_checkpoint("step", {"n": 2})
    assert ctx.records == [Record("checkpoint", "step", {"n": 1}), Record("checkpoint", "step", {"n": 2})]
    assert ctx.get_checkpoint("step") == {"n": 2}


def test_a_checkpoint_of_an_earlier_attempt_is_found_until_there_is_a_newer_one():
    ctx = context(checkpoints={"step": {"n": 1}})
    assert ctx.get_checkpoint("step") == {"n": 1}
    ctx.save_checkpoint("step", None)
    assert ctx.get_checkpoint("step", "default") is None


def test_a_missing_checkpoint_is_the_default():
    assert context().get_checkpoint("step") is None
    assert context().get_checkpoint("step", 7) == 7


def test_a_checkpoint_is_read_as_a_copy():
    ctx = context()
    ctx.save_checkpoint("step", {"users": []})
    ctx.get_checkpoint("step")["users"].append("ann")
    assert ctx.get_checkpoint("step") == {"users": []}


def test_a_variable_is_recorded_and_read_back():
    ctx = context()
    ctx.set_variable("total", 3)
    assert ctx.get_variable("total", 0) == 3
    assert ctx.records == [Record("variable", "total", 3)]


def test_a_missing_variable_is_the_default():
    assert context().get_variable("total") is None
    assert context().get_variable("total", 0) == 0


def test_a_variable_that_is_none_is_not_missing():
    ctx = context()
    ctx.set_variable("total", None)
    assert ctx.get_variable("total", 5) is None


def test_a_variable_is_read_as_a_copy():
    ctx, errors = context(), []
    ctx.set_variable("errors", errors)
    errors.append("outside")
    ctx.get_variable("errors").append("inside")
    assert ctx.get_variable("errors") == []


def test_a_variable_that_is_not_json_is_its_repr():
    ctx = context()
    ctx.set_variable("client", object)
    assert ctx.get_variable("client") == "<class 'object'>"


def test_an_endless_name_is_cut_everywhere_alike():
    ctx, name = context(), "x" * 5_000
    ctx.set_variable(name, 1)
    ctx.save_checkpoint(name, 2)
    assert (ctx.get_variable(name), ctx.get_checkpoint(name)) == (1, 2)
    assert {len(record.name) for record in ctx.records} == {200}


def test_a_config_is_read_and_its_use_recorded_without_its_value():
    ctx = context(config={"api_url": "https://internal"})
    assert ctx.get_config("api_url", "https://default") == "https://internal"
    assert ctx.get_config("timeout", 30) == 30
    assert ctx.get_config("timeout") is None
    assert ctx.records == [
        Record("config", "api_url", {"present": True}),
        Record("config", "timeout", {"present": False}),
        Record("config", "timeout", {"present": False}),
    ]


def test_has_config_tells_whether_one_is_there():
    ctx = context(config={"flag": None})
    assert (ctx.has_config("flag"), ctx.has_config("other")) == (True, False)


def test_a_config_that_is_none_is_not_the_default():
    assert context(config={"flag": None}).get_config("flag", "default") is None


def test_changing_a_config_s_value_changes_no_later_one():
    ctx = context(config={"regions": ["eu"]})
    ctx.get_config("regions").append("us")
    assert ctx.get_config("regions") == ["eu"]


@pytest.mark.asyncio
async def test_a_secret_is_awaited_and_not_recorded():
    ctx = context(secrets={"api_key": "s3cret"})
    assert await ctx.get_secret("api_key") == "s3cret"
    assert ctx.records == []


@pytest.mark.asyncio
async def test_a_missing_secret_is_named():
    with pytest.raises(ConfigurationError, match="api_key") as caught:
        await context().get_secret("api_key")
    assert caught.value.config_key == "api_key"


@pytest.mark.asyncio
async def test_a_child_gets_the_parameters_and_returns_its_result():
    async def double(ctx, n):
        return {"org": ctx.org_id, "twice": n * 2}

    assert await context("acme", workflows={"double": double}).execute_workflow("double", {"n": 2}) == {
        "org": "acme",
        "twice": 4,
    }


@pytest.mark.asyncio
async def test_a_child_without_parameters_needs_none():
    async def ping(ctx):
        return "pong"

    assert await context(workflows={"ping": ping}).execute_workflow("ping") == "pong"


@pytest.mark.asyncio
async def test_parameters_that_are_not_json_are_refused_before_the_child_starts():
    with pytest.raises(SerializationError, match=r"parameters\.when is a date"):
        await context().execute_workflow("child", {"when": date(2026, 1, 1)})


@pytest.mark.asyncio
async def test_parameters_that_are_no_mapping_are_refused():
    with pytest.raises(ValidationError, match="must be a mapping, not list"):
        await context().execute_workflow("child", [1])  # type: ignore[arg-type]


@pytest.mark.asyncio
async def test_a_failing_child_raises_its_own_error():
    async def child(ctx):
        raise ValidationError("Invalid email format", field="user_email")

    with pytest.raises(ValidationError) as caught:
        await context(workflows={"child": child}).execute_workflow("child")
    assert (str(caught.value), caught.value.field) == ("Invalid email format", "user_email")


@pytest.mark.asyncio
async def test_an_unexpected_error_of_a_child_shows_nothing_internal():
    async def child(ctx):
        raise KeyError("hunter22")

    with pytest.raises(WorkflowException) as caught:
        await context(workflows={"child": child}).execute_workflow("child")
    assert caught.value.error_type == "InternalServerError"
    assert "hunter22" not in str(caught.value)


def test_a_missing_integration_is_named():
    with pytest.raises(ConfigurationError, match='no integration "msgraph"') as caught:
        context().get_integration("msgraph")
    assert caught.value.config_key == "msgraph"


@pytest.mark.asyncio
async def test_a_missing_connection_is_named():
    with pytest.raises(ConfigurationError, match='no OAuth connection "HaloPSA"'):
        await context().get_oauth_connection("HaloPSA")


def test_an_integration_call_is_recorded_in_the_documents_words():
    ctx = context()
    ctx._track_integration_call(
        integration="msgraph", method="POST", endpoint="/v1.0/users", status_code=201, duration_ms=2345
    )
    assert ctx.records == [
        Record(
            "integration_call",
            "msgraph",
            {
                "integration": "msgraph",
                "method": "POST",
                "endpoint": "/v1.0/users",
                "status_code": 201,
                "duration_ms": 2345,
                "success": True,
                "error": None,
            },
        )
    ]


@pytest.mark.parametrize(
    ("outcome", "success"),
    [
        ({}, True),
        ({"status_code": 399}, True),
        ({"status_code": 404}, False),
        ({"status_code": 200, "error": "cut off"}, False),
        ({"error": ""}, False),
    ],
)
def test_a_call_succeeded_without_an_error_and_a_bad_status(outcome, success):
    ctx = context()
    ctx._track_integration_call("halopsa", "GET", "/tickets", **outcome)
    assert ctx.records[0].data["success"] is success


CALLS = {
    "log": ("info", "x"),
    "save_checkpoint": ("x",),
    "get_checkpoint": ("x",),
    "set_variable": ("x", 1),
    "get_variable": ("x",),
    "get_config": ("x",),
    "has_config": ("x",),
    "get_secret": ("x",),
    "execute_workflow": ("x", {}),
    "get_integration": ("x",),
    "get_oauth_connection": ("x",),
    "_track_integration_call": ("x", "GET", "/"),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("make", [context, blocking_context])
def test_every_call_of_a_detached_run_is_refused(make, name):
    ctx = make(config={"x": 1}, secrets={"x": "secret"})
    ctx._host.detached = True
    with pytest.raises(Detached):
        outcome = getattr(ctx, name)(*CALLS[name])
        if inspect.isawaitable(outcome):
            asyncio.run(outcome)
    assert ctx.records == []
