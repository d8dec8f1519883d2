"""The documents' samples load and run unmodified, once their missing imports and placeholder functions are supplied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

import bifrost.testing
from tests.workflows_app.catalog.conftest import Write
from workflows_app.catalog import Workspace

SAMPLES = Path(__file__).parent / "samples"
IMPORTS = """\
from datetime import datetime
import asyncio
from engine.shared.decorators import data_provider, param, workflow
from engine.shared.context import OrganizationContext
from engine.shared.error_handling import ValidationError
"""
# What a sample leaves to the reader, by sample.
PLACEHOLDERS = {
    "anatomy": "def process_data(*values): return list(values)\n",
    "bulk_operation": "processed_items = []\nasync def process_item(item): processed_items.append(item)\n",
    "daily_cleanup": "async def cleanup_old_data(): pass\n",
    "conditional": """\
async def process_single_item(item): return item * 2
async def stream_data(data):
    for item in data: yield item
""",
    "bulk_import": """\
async def process_single_user(context, user):
    if "@" not in user["email"]: raise ValueError("no address")
    return user["email"]
""",
}
# Decorators without a function: what they decorate.
DECORATED = {
    "parameter_types": "name, age, is_active, email, metadata, tags, price",
    "string_rules": "username",
    "number_rules": "quantity, percentage",
    "enum_rule": "status",
    "dynamic_parameters": "department, license_type, manager",
}

Load = Callable[..., Workspace]


@pytest.fixture
def load(write: Write, workspace: Workspace) -> Load:
    """Loads a workspace that holds these samples."""

    def load_samples(*samples: str) -> Workspace:
        for sample in samples:
            text = (SAMPLES / f"{sample}.txt").read_text()
            if sample in DECORATED:
                text += f"@workflow(name={sample!r})\nasync def {sample}(context, {DECORATED[sample]}): ...\n"
            write(f"workflows/{sample}.py", IMPORTS + PLACEHOLDERS.get(sample, "") + text)
        return workspace

    return load_samples


@pytest.mark.parametrize(
    ("sample", "workflows"),
    [
        ("first_workflow", ["my_first_workflow"]),
        ("anatomy", ["workflow_name"]),
        ("quick_task", ["quick_task"]),
        ("bulk_operation", ["bulk_operation"]),
        ("daily_cleanup", ["daily_cleanup"]),
        *((name, [name]) for name in DECORATED),
        ("complex_validation", ["complex_validation"]),
        ("assign_license", ["assign_license"]),
        ("complex_workflow", ["complex_workflow"]),
        ("composition", ["base_user_operation", "create_and_setup_user"]),
        ("conditional", ["conditional_processing"]),
        ("resilience", ["resilient_user_creation"]),
        ("bulk_import", ["bulk_user_import"]),
        ("user_onboarding", ["user_onboarding"]),
        ("long_migration", ["long_migration"]),
        ("license_audit", ["daily_license_audit"]),
        ("ticket_webhook", ["process_ticket_update"]),
    ],
)
def test_a_sample_loads(load: Load, sample: str, workflows: list[str]) -> None:
    catalog = load(sample).current()
    assert [str(problem) for problem in catalog.problems] == []
    assert list(catalog.workflows) == workflows


def test_the_data_providers_load(load: Load) -> None:
    catalog = load("organization_data", "assign_license").current()
    assert catalog.problems == ()
    assert list(catalog.data_providers) == ["get_departments", "get_m365_licenses", "get_users"]
    assert catalog.warnings == ()


@pytest.mark.parametrize("sample", ["custom_api", "connectwise"])
def test_the_integrations_load(load: Load, sample: str) -> None:
    assert load(sample, "quick_task").current().problems == ()


async def run(workspace: Workspace, name: str, context: Any, /, **given: Any) -> Any:
    spec = workspace.find(name).spec
    return await spec.function(context, **spec.arguments(spec.validate(given)))


@pytest.mark.asyncio
async def test_the_first_workflow_runs(load: Load) -> None:
    context = bifrost.testing.context()
    result = await run(load("first_workflow"), "my_first_workflow", context, message="Hello World")
    assert (result["processed"], result["length"]) == ("HELLO WORLD", 11)
    assert ("checkpoint", "processing_complete") in [(record.kind, record.name) for record in context.records]


@pytest.mark.asyncio
async def test_the_anatomy_runs_with_its_defaults(load: Load) -> None:
    result = await run(load("anatomy"), "workflow_name", bifrost.testing.context(), param1="x")
    assert result == {"success": True, "result": ["x", 42, False]}


@pytest.mark.asyncio
async def test_custom_validation_names_its_field(load: Load) -> None:
    workspace = load("complex_validation")
    assert await run(workspace, "complex_validation", None, email="a@acme.com", domain="acme.com")
    with pytest.raises(bifrost.ValidationError) as caught:
        await run(workspace, "complex_validation", None, email="a@acme.com", domain="other.com")
    assert caught.value.details == {"field": "email", "email": "a@acme.com", "expected_domain": "other.com"}


@pytest.mark.asyncio
async def test_conditional_processing_takes_both_ways_and_refuses_a_third(load: Load) -> None:
    workspace, context = load("conditional"), bifrost.testing.context()
    name = "conditional_processing"
    bulk = await run(workspace, name, context, data=[1, 2], processing_type="bulk")
    assert bulk == {"processed": 2, "results": [2, 4]}
    assert await run(workspace, name, context, data=[1] * 100, processing_type="stream") == {"processed": 100}
    assert context.records[-1].data == {"processed": 100}
    with pytest.raises(bifrost.ValidationError, match="Invalid processing type"):
        await run(workspace, name, context, data=[], processing_type="other")


@pytest.mark.asyncio
async def test_the_resilient_call_repeats_after_growing_delays(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("asyncio.sleep", AsyncMock(side_effect=waits.append))
    refusal = bifrost.IntegrationError("busy", integration="msgraph")
    context = MagicMock()
    context.get_integration.return_value.create_user = AsyncMock(side_effect=[refusal, refusal, {"id": "user-1"}])
    result = await run(load("resilience"), "resilient_user_creation", context, email="a@acme.com", name="A")
    assert result == {"user_id": "user-1"}
    assert waits == [1, 2]


@pytest.mark.asyncio
async def test_the_bulk_import_goes_on_after_failures(load: Load) -> None:
    context = bifrost.testing.context()
    users = [{"email": f"u{number}@acme.com"} for number in range(11)] + [{"email": "nobody"}]
    result = await run(load("bulk_import"), "bulk_user_import", context, users_data=users)
    assert result["summary"] == {"total": 12, "successful": 11, "failed": 1, "success_rate": 11 / 12 * 100}
    assert result["failed"] == [{"index": 11, "error": "no address"}]
    assert context.get_variable("failed_users")[0]["data"] == {"email": "nobody"}
    checkpoints = [record.name for record in context.records if record.kind == "checkpoint"]
    assert checkpoints == ["batch_1_complete", "batch_2_complete"]


@pytest.mark.asyncio
async def test_composed_workflows_run_their_children(load: Load) -> None:
    context = MagicMock()
    context.execute_workflow = AsyncMock(return_value={})
    context.get_integration.return_value.create_user = AsyncMock(return_value={"id": "user-1"})
    given = {"user_email": "a@acme.com", "name": "A", "department": "IT"}
    result = await run(load("composition"), "create_and_setup_user", context, **given)
    assert result == {"user_id": "user-1", "setup_complete": True}
    assert [call.args[0] for call in context.execute_workflow.await_args_list] == [
        "base_user_operation",
        "assign_default_groups",
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("config", "first"),
    [
        ({}, {"label": "IT", "value": "it"}),
        ({"departments": "Field Service, HR"}, {"label": "Field Service", "value": "field_service"}),
    ],
)
async def test_departments_come_from_the_configuration(
    load: Load, config: dict[str, str], first: dict[str, str]
) -> None:
    provider = load("organization_data").current().data_providers["get_departments"].spec
    assert provider.cache_ttl_seconds == 300
    assert (await provider.function(bifrost.testing.context(config=config)))[0] == first


def test_the_parameter_samples_validate_as_they_say(load: Load) -> None:
    workspace = load("parameter_types", "enum_rule")
    spec = workspace.find("parameter_types").spec
    valid = spec.validate({"name": "Ann", "email": "ann@acme.local"})
    assert (valid["is_active"], valid["metadata"], valid["tags"], valid["age"]) == (True, {}, [], None)
    with pytest.raises(bifrost.ValidationError) as caught:
        spec.validate({"name": "", "email": "ann", "age": 17, "price": -1})
    fields = {error["field"] for error in caught.value.details["errors"]}
    assert fields == {"name", "email", "age", "price"}
    with pytest.raises(bifrost.ValidationError):
        workspace.find("enum_rule").spec.validate({"status": "lost"})
