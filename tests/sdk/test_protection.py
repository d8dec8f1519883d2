"""Rate limits, circuits and outside databases in an author's test, and what an outcome says of a service."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bifrost import (
    CircuitBreakerOpen,
    IntegrationError,
    RateLimited,
    StepOptions,
    TimeoutError,
    ValidationError,
    step,
)
from bifrost.sdk.errors import DeclarationError, as_document, from_document
from bifrost.sdk.protection import reason_of, verdict_of
from bifrost.sdk.rate_limit import RateLimit
from bifrost.testing import Record, blocking_context, context

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
REQUEST = httpx.Request("GET", "https://crm.example")


def answered(status: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("no", request=REQUEST, response=httpx.Response(status))


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (None, "answered", ""),
        (IntegrationError("no", status_code=500), "failed", "IntegrationError 500"),
        (IntegrationError("no", status_code=429), "answered", "IntegrationError 429"),
        (IntegrationError("no such ann@acme.example"), "unknown", "IntegrationError"),
        (answered(503), "failed", "HTTPStatusError 503"),
        (answered(404), "answered", "HTTPStatusError 404"),
        (TimeoutError("late"), "failed", "TimeoutError"),
        (builtins.TimeoutError(), "failed", "TimeoutError"),
        (httpx.ReadTimeout("late", request=REQUEST), "failed", "ReadTimeout"),
        (httpx.ConnectError("away", request=REQUEST), "unknown", "ConnectError"),
        (CircuitBreakerOpen("of another", retry_after=3), "unknown", "CircuitBreakerOpen"),
        (ValidationError("no"), "unknown", "ValidationError"),
        (KeyError("x"), "unknown", "KeyError"),
    ],
)
def test_only_a_status_from_500_and_a_time_out_count_against_a_service(
    error: Exception | None, verdict: str, reason: str
) -> None:
    assert (verdict_of(error), reason_of(error)) == (verdict, reason)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate_limit": {"key": "crm"}}, 'a mapping with "key", "limit"'),
        ({"rate_limit": 5}, 'a mapping with "key", "limit"'),
        ({"rate_limit": {"key": "crm", "limit": 5, "every": 60}}, 'a mapping with "key", "limit"'),
        ({"rate_limit": {"key": "", "limit": 5}}, "key must be a text of 1 to 200"),
        ({"rate_limit": {"key": "a\x00", "limit": 5}}, "key must be a text of 1 to 200"),
        ({"rate_limit": {"key": "crm", "limit": 0}}, "limit must be a whole number from 1 to 1,000"),
        ({"rate_limit": {"key": "crm", "limit": 1.5}}, "limit must be a whole number"),
        ({"rate_limit": {"key": "crm", "limit": True}}, "limit must be a whole number"),
        ({"rate_limit": {"key": "crm", "limit": 5, "per": "hour"}}, "per must be a number of seconds"),
        ({"rate_limit": {"key": "crm", "limit": 5, "per": 0}}, "per must be more than 0"),
        ({"rate_limit": {"key": "crm", "limit": 5, "per": timedelta(days=32)}}, "at most 31 days"),
        ({"circuit_breaker": "crm", "when_open": "hope"}, "when_open is"),
    ],
)
def test_a_wrong_option_is_explained_where_the_step_is_declared(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        step(**options)


def test_a_length_of_time_may_be_a_timedelta() -> None:
    options = StepOptions.parse({"rate_limit": {"key": "crm", "limit": 5, "per": timedelta(minutes=2)}})
    assert options.rate_limit == RateLimit("crm", 5, 120.0)


@pytest.mark.parametrize(
    "error",
    [
        CircuitBreakerOpen("open", integration="crm", retry_after=12.5),
        RateLimited("later", name="crm", retry_after=2.0),
    ],
)
def test_both_errors_come_back_from_the_record_as_they_were(error: Any) -> None:
    found = from_document(as_document(error))
    assert (type(found), found.retry_after, found.details) == (type(error), error.retry_after, error.details)  # type: ignore[attr-defined]


@pytest.mark.asyncio
async def test_everything_is_allowed_in_a_test() -> None:
    ctx = context(now=NOW)
    await ctx.rate_limit("crm", 5, per=timedelta(minutes=1))
    async with ctx.circuit_breaker("crm"):
        pass
    assert await ctx.database("orders_dsn").transaction(["SELECT 1"], name="look") == []
    asked = [record.data for record in ctx.records if record.kind == "rate_limit"]
    assert [{**data, "for": None} for data in asked] == [
        {"name": "crm", "limit": 5, "per": 60.0, "reserve": True, "for": None}
    ]
    assert Record("step", "look", {"value": None}) in ctx.records
    assert ctx.now() == NOW


@pytest.mark.asyncio
async def test_the_test_may_answer_for_the_platform() -> None:
    rows = [{"operation": 0, "rowCount": 1, "rows": [{"id": 7}]}]
    ctx = context(now=NOW, answers={"rate_limit": lambda asked: 20, "database": lambda asked: rows})
    await ctx.rate_limit("crm", 5)
    assert ctx.now() == NOW + timedelta(seconds=20)
    with pytest.raises(RateLimited, match=r'no permit under "crm" for 20\.0 s') as caught:
        await ctx.rate_limit("crm", 5, wait=False)
    assert (caught.value.name, caught.value.retry_after) == ("crm", 20.0)
    assert await ctx.database("orders_dsn").transaction([("SELECT %s", [7])]) == rows


@pytest.mark.asyncio
async def test_a_test_opens_a_circuit_which_lets_a_trial_through_in_its_time() -> None:
    @step(circuit_breaker="HaloPSA")
    async def fails() -> str:
        return "called"

    @step(circuit_breaker="halopsa", when_open="wait")
    async def waits() -> str:
        return "called"

    ctx = context(now=NOW, open_circuits=["halopsa"])
    with pytest.raises(CircuitBreakerOpen) as caught:
        await ctx.step(fails)
    assert (caught.value.integration, caught.value.retry_after) == ("HaloPSA", 30.0)
    with pytest.raises(CircuitBreakerOpen):
        async with ctx.circuit_breaker("halopsa"):
            raise AssertionError("never here")
    assert await ctx.step(waits) == "called"
    assert ctx.now() == NOW + timedelta(seconds=30)
    assert await ctx.step(fails) == "called"


@pytest.mark.asyncio
async def test_code_that_waits_for_its_circuit_goes_on_when_it_may() -> None:
    ctx = context(now=NOW, open_circuits=["halopsa"])
    async with ctx.circuit_breaker("halopsa", when_open="wait"):
        assert ctx.now() == NOW + timedelta(seconds=30)


@pytest.mark.asyncio
async def test_a_step_that_is_tried_again_may_outlast_an_open_circuit() -> None:
    options = {"circuit_breaker": "crm", "retry_policy": {"max_attempts": 3, "initial_interval_seconds": 20}}
    ctx = context(now=NOW, open_circuits=["crm"])
    assert await ctx.step("call", lambda: "called", options=options) == "called"
    assert ctx.now() == NOW + timedelta(seconds=60)


@pytest.mark.asyncio
async def test_a_circuit_is_told_of_failures_and_of_nothing_else() -> None:
    ctx = context()
    for error in (IntegrationError("no", status_code=404), KeyError("x"), IntegrationError("no", status_code=503)):
        with pytest.raises(type(error)):
            async with ctx.circuit_breaker("crm"):
                raise error
    told = [record.data for record in ctx.records if record.kind == "circuit_leave"]
    assert [(each["verdict"], each["reason"]) for each in told] == [("failed", "IntegrationError 503")]


@pytest.mark.parametrize("operation", [("",), ("SELECT 1", [], []), (5,), "  "])
@pytest.mark.asyncio
async def test_an_operation_is_a_statement_and_its_values(operation: Any) -> None:
    with pytest.raises(DeclarationError, match="An operation is an SQL statement"):
        await context().database("orders_dsn").transaction([operation])


def test_a_plain_workflow_has_the_same_names() -> None:
    ctx = blocking_context(now=NOW, open_circuits=["crm"], answers={"database": lambda asked: [{"operation": 0}]})
    ctx.rate_limit("crm", 5)
    with pytest.raises(CircuitBreakerOpen), ctx.circuit_breaker("crm"):
        raise AssertionError("never here")
    with ctx.circuit_breaker("crm", when_open="wait"):
        assert ctx.now() == NOW + timedelta(seconds=30)
    assert ctx.database("orders_dsn").transaction(["SELECT 1"]) == [{"operation": 0}]
