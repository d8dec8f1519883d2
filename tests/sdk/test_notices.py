"""`context.notify` as authors' tests see it, and what it refuses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bifrost import testing
from bifrost.sdk.errors import Detached, ValidationError
from bifrost.sdk.testing import Record


def notify(context: testing.RecordingContext, *arguments: Any, **named: Any) -> None:
    asyncio.run(context.notify(*arguments, **named))


def noted(context: testing.RecordingContext | testing.BlockingRecordingContext) -> list[Any]:
    return [record.data for record in context.records if record.kind == "notify"]


def test_a_test_sees_what_was_said_and_to_whom() -> None:
    context = testing.context()
    notify(context, "Done", "All is moved.")
    assert context.records == [
        Record("notify", "", {"subject": "Done", "message": "All is moved.", "to": None}),
        Record("step", "notify", {"value": None}),
    ]


@pytest.mark.parametrize(
    ("to", "addresses"),
    [
        ("Ann@Acme.example", ["ann@acme.example"]),
        (["b@x.example", "a@x.example", "B@x.example"], ["a@x.example", "b@x.example"]),
        (("a@acme.local",), ["a@acme.local"]),
        ({"a@x.example"}, ["a@x.example"]),
    ],
)
def test_addresses_are_taken_one_or_several_each_once(to: Any, addresses: list[str]) -> None:
    context = testing.context()
    notify(context, "Done", "m", to=to)
    assert noted(context)[0]["to"] == addresses


@pytest.mark.parametrize("to", ["", "ann", "a@b", [], [None], 7, ["a@x.example", "b"], b"a@x.example"])
def test_what_is_no_address_is_refused(to: Any) -> None:
    context = testing.context()
    with pytest.raises(ValidationError) as refused:
        notify(context, "Done", "m", to=to)
    assert refused.value.details["field"] == "to" and context.records == []


def test_more_than_fifty_addresses_are_refused() -> None:
    with pytest.raises(ValidationError, match="1 to 50 addresses, not to 51"):
        notify(testing.context(), "Done", "m", to=[f"a{number}@x.example" for number in range(51)])


@pytest.mark.parametrize(
    ("subject", "message", "field"),
    [
        *[(subject, "m", "subject") for subject in ("", " ", "x" * 201, None)],
        *[("s", message, "message") for message in ("", "x" * 20_001, {"a": 1})],
    ],
)
def test_what_is_no_text_is_refused(subject: Any, message: Any, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        notify(testing.context(), subject, message)
    assert refused.value.details["field"] == field


def test_inside_a_step_it_is_part_of_that_step() -> None:
    context = testing.context()

    async def work() -> None:
        await context.notify("First", "one")
        await context.notify("Second", "two")

    asyncio.run(context.step("work", work))
    assert [each["subject"] for each in noted(context)] == ["First", "Second"]
    assert [record.name for record in context.records if record.kind == "step"] == ["work"]


def test_a_plain_workflow_calls_it_without_await() -> None:
    context = testing.blocking_context()
    context.notify("Done", "m", to="a@x.example")
    assert noted(context) == [{"subject": "Done", "message": "m", "to": ["a@x.example"]}]


def test_a_run_that_was_taken_away_tells_nobody() -> None:
    context = testing.context()
    context._host.detached = True
    with pytest.raises(Detached):
        notify(context, "Done", "m")
    assert context.records == []
