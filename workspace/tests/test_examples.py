"""The examples do what they say."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from typing import Any

import pytest

import bifrost
from bifrost.testing import context
from workspace.data_providers.organization_data import get_departments
from workspace.workflows.examples.conditional_processing import conditional_processing
from workspace.workflows.examples.fail_on_purpose import KINDS, fail_on_purpose
from workspace.workflows.examples.my_first_workflow import my_first_workflow
from workspace.workflows.examples.organization_summary import organization_summary
from workspace.workflows.examples.register_device import register_device
from workspace.workflows.examples.resilient_user_creation import resilient_call, resilient_user_creation
from workspace.workflows.examples.sign_payload import sign_payload
from workspace.workflows.user_management.bulk_user_import import bulk_user_import, bulk_user_import_small

ERRORS: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "validation": (bifrost.ValidationError, {"field": "email", "provided_value": "nobody"}),
    "integration": (bifrost.IntegrationError, {"integration": "msgraph", "status_code": 401}),
    "timeout": (bifrost.TimeoutError, {"timeout_seconds": 0.1, "operation": "slow_operation"}),
    "configuration": (bifrost.ConfigurationError, {"config_key": "api_endpoint"}),
    "permission": (bifrost.PermissionError, {"required_role": "admin", "current_user": "test@example.com"}),
    "custom": (bifrost.WorkflowException, {"limit": 25}),
}
DEVICE: dict[str, Any] = {
    "hostname": "lt-7",
    "kind": "laptop",
    "owner": "ann@acme.com",
    "memory_gb": 16,
    "price": 1200.0,
    "managed": True,
    "bought_on": date(2026, 1, 5),
    "last_seen": None,
    "labels": ["b", "a", "a"],
    "details": {"os": "linux"},
    "bios_password": None,
}


@pytest.mark.asyncio
async def test_the_first_workflow_answers_and_leaves_a_checkpoint() -> None:
    run = context(execution_id="exec-1")
    result = await my_first_workflow(run, message="Hello World")
    assert result == {"original": "Hello World", "processed": "HELLO WORLD", "length": 11, "timestamp": "exec-1"}
    assert [(record.kind, record.name) for record in run.records] == [
        ("log", "info"),
        ("checkpoint", "processing_complete"),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", sorted(ERRORS))
async def test_each_documented_failure_has_its_details(kind: str) -> None:
    expected, details = ERRORS[kind]
    with pytest.raises(expected) as caught:
        await fail_on_purpose(context(), kind=kind)
    assert isinstance(caught.value, bifrost.WorkflowException)
    assert caught.value.details == details


@pytest.mark.asyncio
async def test_the_unexpected_failure_is_none_of_ours() -> None:
    with pytest.raises(KeyError):
        await fail_on_purpose(context(), kind="unexpected")
    assert set(KINDS) == {*ERRORS, "unexpected"}


@pytest.mark.asyncio
async def test_the_custom_failure_answers_under_its_own_name() -> None:
    with pytest.raises(bifrost.WorkflowException) as caught:
        await fail_on_purpose(context(), kind="custom")
    assert caught.value.error_type == "LicenseLimitReached"


@pytest.mark.asyncio
async def test_a_device_becomes_a_record_without_its_password() -> None:
    record = await register_device(context(), **{**DEVICE, "bios_password": "s3cret-bios"})
    assert (record["hostname"], record["labels"], record["bios_locked"]) == ("LT-7", ["a", "b"], True)
    assert "s3cret-bios" not in str(record)


@pytest.mark.asyncio
async def test_the_same_device_of_another_organization_is_another_asset() -> None:
    acme = await register_device(context("acme"), **DEVICE)
    globex = await register_device(context("globex"), **DEVICE)
    assert acme["asset_id"] != globex["asset_id"]


@pytest.mark.asyncio
async def test_a_device_seen_before_it_was_bought_is_refused() -> None:
    with pytest.raises(bifrost.ValidationError) as caught:
        await register_device(context(), **{**DEVICE, "last_seen": datetime(2025, 1, 1, tzinfo=UTC)})
    assert caught.value.field == "last_seen"


@pytest.mark.asyncio
async def test_bulk_and_stream_process_the_same_items() -> None:
    bulk = await conditional_processing(context(), data=[" srv 1 ", "pc2"], processing_type="bulk")
    assert bulk == {"processed": 2, "results": ["SRV-1", "PC2"]}
    run = context()
    assert await conditional_processing(run, data=["x"] * 250, processing_type="stream") == {"processed": 250}
    assert [record.data["processed"] for record in run.records if record.kind == "checkpoint"] == [100, 200]


@pytest.mark.asyncio
async def test_another_way_of_processing_is_refused() -> None:
    with pytest.raises(bifrost.ValidationError) as caught:
        await conditional_processing(context(), data=[], processing_type="other")
    assert caught.value.details["valid_types"] == ["bulk", "stream"]


@pytest.mark.asyncio
async def test_a_busy_directory_is_asked_again() -> None:
    run = context()
    result = await resilient_user_creation(run, email="ann@acme.com", name="Ann", refusals=2)
    assert result == {"user_id": "user-ann"}
    assert [record.name for record in run.records] == ["warning", "warning"]


@pytest.mark.asyncio
async def test_a_directory_that_stays_busy_is_given_up() -> None:
    calls = 0

    async def refuse() -> None:
        nonlocal calls
        calls += 1
        raise bifrost.IntegrationError("busy", integration="directory", status_code=503)

    with pytest.raises(bifrost.IntegrationError):
        await resilient_call(context(), refuse, max_retries=2, first_delay=0)
    assert calls == 3


@pytest.mark.asyncio
async def test_a_signature_uses_the_secret_without_showing_it() -> None:
    run = context(secrets={"webhook_signing_key": "k3y-of-acme"})
    result = await sign_payload(run, payload="hello", secret_name="webhook_signing_key")
    assert result["signature"] == hmac.new(b"k3y-of-acme", b"hello", hashlib.sha256).hexdigest()
    assert "k3y-of-acme" not in str(run.records)


@pytest.mark.asyncio
async def test_a_missing_secret_is_named() -> None:
    with pytest.raises(bifrost.ConfigurationError, match="webhook_signing_key"):
        await sign_payload(context(), payload="hello", secret_name="webhook_signing_key")


@pytest.mark.asyncio
async def test_the_summary_is_of_the_organization_that_runs() -> None:
    result = await organization_summary(context("acme", org_name="Acme", config={"departments": "IT"}))
    assert result["organization"]["id"] == "acme"
    assert result["office_location"] == "Remote"
    assert result["configured"]["departments"] is True


@pytest.mark.asyncio
@pytest.mark.parametrize("workflow", [bulk_user_import, bulk_user_import_small])
async def test_an_import_keeps_good_rows_and_names_bad_ones(workflow: Any) -> None:
    run = context()
    rows = [{"email": f"U{number}@acme.com", "name": f"U {number}"} for number in range(11)]
    result = await workflow(run, users_data=[*rows, {"email": "@acme.com", "name": "Nobody"}, "no row"])
    assert result["successful"][0] == {"email": "u0@acme.com", "name": "U 0", "login": "u0"}
    assert [failure["index"] for failure in result["failed"]] == [11, 12]
    assert result["summary"]["total"] == 13
    assert run.get_variable("processed_users") == 11
    assert [record.name for record in run.records if record.kind == "checkpoint"] == [
        "batch_1_complete",
        "batch_2_complete",
    ]


@pytest.mark.asyncio
async def test_an_import_of_nothing_is_complete() -> None:
    result = await bulk_user_import_small(context(), users_data=[])
    assert result["summary"]["success_rate"] == 100.0


@pytest.mark.asyncio
async def test_departments_are_the_configured_ones_or_the_usual() -> None:
    assert [
        option["value"] for option in await get_departments(context(config={"departments": "Field Service, HR,"}))
    ] == [
        "field_service",
        "hr",
    ]
    assert len(await get_departments(context())) == 5
