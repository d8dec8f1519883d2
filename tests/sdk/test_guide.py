"""The samples of the workflow documents' parameter, context and error sections, as written there."""

from __future__ import annotations

import asyncio
import inspect
from types import ModuleType
from unittest.mock import MagicMock

import pytest

import bifrost
from bifrost.sdk.caller import Caller
from bifrost.sdk.errors import as_document
from bifrost.sdk.registry import collect
from bifrost.testing import context
from tests.sdk.guide_samples import (
    ANATOMY,
    CUSTOM,
    CUSTOM_ERROR,
    DEPARTMENTS,
    ERRORS,
    FIRST,
    IMPORTS,
    PROVIDERS,
    RULES,
    TIMEOUT,
    TYPES,
)


def run_module(source: str, prelude: str = IMPORTS) -> ModuleType:
    """A module as the guide's author writes it: without `from __future__ import annotations`."""
    module = ModuleType("guide_sample")
    exec(compile(prelude + source, "guide.py", "exec", dont_inherit=True), module.__dict__)
    return module


def only_workflow(source: str):
    found = collect(run_module(source))
    assert found.problems == []
    [spec] = found.workflows
    return spec


def rejected(spec, values) -> str:
    with pytest.raises(bifrost.ValidationError) as caught:
        spec.validate(values)
    return caught.value.field


@pytest.mark.asyncio
async def test_the_first_workflow():
    spec = only_workflow(FIRST)
    ctx = context(execution_id="exec-1")
    arguments = spec.arguments(spec.validate({"message": "Hello World"}))
    result = await spec.function(ctx, **arguments)
    assert result == {
        "original": "Hello World",
        "processed": "HELLO WORLD",
        "length": 11,
        "timestamp": "exec-1",
    }
    assert [(record.kind, record.name) for record in ctx.records] == [
        ("log", "info"),
        ("checkpoint", "processing_complete"),
    ]


def test_the_anatomy_of_a_workflow():
    spec = only_workflow(ANATOMY)
    assert spec.validate({"param1": "x"}) == {"param1": "x", "param2": 42, "param3": False}
    assert spec.warnings == (
        "a sync workflow is stopped after 30 seconds: timeout_seconds is 300",
        'schedule counts only with execution_mode="scheduled", not "sync"',
    )


@pytest.mark.asyncio
async def test_the_anatomy_s_failure_is_a_workflow_exception():
    spec = only_workflow(ANATOMY)
    with pytest.raises(bifrost.WorkflowException, match="Processing failed: name 'process_data' is not defined"):
        await spec.function(context(), "x")


def test_the_parameter_types():
    spec = only_workflow(TYPES)
    assert spec.validate({"name": "Ann", "email": "ann@acme.local"}) == {
        "name": "Ann",
        "age": None,
        "is_active": True,
        "email": "ann@acme.local",
        "metadata": {},
        "tags": [],
        "price": None,
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("age", 17),
        ("age", "18"),
        ("is_active", "true"),
        ("email", "invalid-email"),
        ("tags", "a"),
        ("price", -0.5),
    ],
)
def test_the_parameter_types_refuse(field, value):
    values = {"name": "Ann", "email": "ann@acme.local", field: value}
    assert rejected(only_workflow(TYPES), values) == field


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "a b c"),
        ("quantity", 0),
        ("quantity", 1001),
        ("percentage", 100.1),
        ("status", "lost"),
    ],
)
def test_the_validation_rules_refuse(field, value):
    spec = only_workflow(RULES)
    values = {"username": "ann_1", "quantity": 5, "status": "pending"}
    assert spec.validate(values)["percentage"] is None
    assert rejected(spec, {**values, field: value}) == field


@pytest.mark.asyncio
async def test_custom_validation():
    spec = only_workflow(CUSTOM)
    assert await spec.function(context(), "ann@acme.local", "acme.local") == {"validated": True}
    with pytest.raises(bifrost.ValidationError) as caught:
        await spec.function(context(), "ann@acme.local", "other.local")
    assert as_document(caught.value) == {
        "error": "ValidationError",
        "message": "Email domain does not match specified domain",
        "details": {"email": "ann@acme.local", "expected_domain": "other.local", "field": "email"},
    }


def test_parameters_with_data_providers():
    parameters = only_workflow(PROVIDERS).parameters
    assert [(parameter.name, parameter.required, parameter.data_provider) for parameter in parameters] == [
        ("department", True, "get_departments"),
        ("license_type", False, "get_available_licenses"),
        ("manager", False, "get_managers"),
    ]


@pytest.mark.parametrize(
    ("email", "config", "caller", "expected"),
    [
        ("nobody", {}, "", ("ValidationError", {"provided_value": "nobody", "field": "email"})),
        ("a@b.c", {}, "", ("ConfigurationError", {"config_key": "api_endpoint"})),
        (
            "a@b.c",
            {"api_endpoint": "x"},
            "ann@acme.local",
            ("PermissionError", {"required_role": "admin", "current_user": "ann@acme.local"}),
        ),
        (
            "a@b.c",
            {"api_endpoint": "x"},
            "ann@admin.com",
            ("IntegrationError", {"email": "a@b.c", "integration": "msgraph"}),
        ),
    ],
)
@pytest.mark.asyncio
async def test_the_structured_errors(email, config, caller, expected):
    example = run_module(ERRORS).error_handling_example
    with pytest.raises(bifrost.WorkflowException) as caught:
        await example(context(config=config, caller=Caller("u", caller, "Ann")), email)
    document = as_document(caught.value)
    assert (document["error"], document["details"]) == expected


def test_the_time_out():
    with pytest.raises(bifrost.TimeoutError) as caught:
        asyncio.run(run_module(TIMEOUT).timeout_example(context()))
    assert as_document(caught.value) == {
        "error": "TimeoutError",
        "message": "Operation timed out after 30 seconds",
        "details": {"timeout_seconds": 30, "operation": "long_running_operation"},
    }


@pytest.mark.asyncio
async def test_the_custom_error():
    example = run_module(CUSTOM_ERROR).custom_error_example
    ctx = context()
    assert await example(ctx, "premium") == {"user_type": "premium"}
    ctx.set_variable("premium_users", 100)
    with pytest.raises(bifrost.WorkflowException) as caught:
        await example(ctx, "premium")
    assert caught.value.business_rule == "MAX_PREMIUM_USERS"
    assert as_document(caught.value) == {
        "error": "BusinessLogicError",
        "message": "Premium user limit exceeded",
        "details": {"current": 100, "limit": 100},
    }


@pytest.mark.asyncio
async def test_the_department_provider():
    [spec] = collect(run_module(DEPARTMENTS)).data_providers
    assert (spec.cache_ttl_seconds, spec.depends_on) == (300, ())
    assert await spec.function(context(config={"departments": "IT, Field Service"})) == [
        {"label": "IT", "value": "it"},
        {"label": "Field Service", "value": "field_service"},
    ]


@pytest.mark.asyncio
async def test_a_workflow_runs_with_a_mock_context_as_in_the_guide_s_tests():
    mock = MagicMock()
    mock.execution_id = "exec-1"
    workflow = only_workflow(FIRST).function
    assert inspect.iscoroutinefunction(workflow)
    assert (await workflow(mock, message="hi"))["processed"] == "HI"
    mock.log.assert_called()


@pytest.mark.parametrize(
    ("decorator", "signature"),
    [
        ('@workflow(name="quick_task", execution_mode="sync", timeout_seconds=30)', "context"),
        ('@workflow(name="bulk_operation", execution_mode="async", timeout_seconds=1800)', "context, data"),
        (
            '@workflow(name="daily_cleanup", execution_mode="scheduled", schedule="0 2 * * *", expose_in_forms=False)',
            "context",
        ),
        (
            '@workflow(name="user_onboarding", execution_mode="sync", timeout_seconds=30)',
            "context, email, first_name",
        ),
        (
            '@workflow(name="long_migration", execution_mode="async", timeout_seconds=600, max_duration_seconds=600)',
            "context, user_ids",
        ),
        (
            '@workflow(name="process_ticket_update", description="Handle HaloPSA ticket webhooks",'
            " webhook_enabled=True, webhook_secret_required=True, expose_in_forms=False,"
            ' execution_mode="async")',
            "context, ticket_id, status, notes",
        ),
        ('@workflow(name="delete_organization", expose_in_forms=True, requires_approval=True)', "context"),
    ],
)
def test_the_documents_decorators_load_without_a_warning(decorator, signature):
    spec = only_workflow(f"{decorator}\nasync def run({signature}): ...")
    assert spec.warnings == ()
    assert all(parameter.required for parameter in spec.parameters)
