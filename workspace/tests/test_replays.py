"""Recorded runs as regression tests: today's code still goes the way that they went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bifrost import OrganizationContext, workflow
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import Replayed, replay
from workspace.workflows.examples.guest_access import close_account, guest_access, open_account

HISTORIES = Path(__file__).parent / "histories"
GUEST = HISTORIES / "guest_access.json"


@workflow
async def closes_first(context: OrganizationContext, email: str, hours: float = 24) -> Any:
    """Another order of the same steps."""
    await close_account(email)
    return await open_account(email)


@workflow
async def opens_another(context: OrganizationContext, email: str, hours: float = 24) -> Any:
    """The same step with another argument."""
    return await open_account(email.upper())


@workflow
async def goes_on(context: OrganizationContext, email: str, hours: float = 24) -> Any:
    """The same, and more behind it."""
    ended = await guest_access(context, email, hours)
    return await context.wait_for_signal(str(ended["ended"]))


@workflow
def in_a_thread(context: Any, email: str, hours: float = 24) -> Any:
    """A plain function that comes as far as the first step."""
    return context.step("open_account", open_account, email + "!")


def test_a_recorded_run_is_compatible_with_the_code_that_ships() -> None:
    replayed = replay(guest_access, GUEST)

    assert replayed, replayed.message
    assert (replayed.asked, replayed.recorded) == (4, 4)
    assert replayed.result == json.loads(GUEST.read_text())["result"]


@pytest.mark.asyncio
async def test_it_is_replayed_from_within_an_asynchronous_test_too() -> None:
    assert replay(guest_access, str(GUEST)).compatible


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (closes_first, "The journal has the step 'open_account' where the code now asks for the step 'close_account'."),
        (opens_another, "The step 'open_account' was recorded with other arguments than the code now gives it."),
        (in_a_thread, "The step 'open_account' was recorded with other arguments than the code now gives it."),
    ],
)
def test_changed_code_is_told_what_has_changed(changed: Any, message: str) -> None:
    replayed = replay(changed, GUEST)
    assert not replayed
    assert replayed.message.startswith(message)


def test_code_that_does_more_behind_the_end_is_compatible() -> None:
    replayed = replay(goes_on, GUEST)
    assert isinstance(replayed, Replayed) and replayed.compatible
    assert replayed.goes_on_with == ("the signal 'left'",)


def test_a_run_that_had_not_ended_goes_on_where_it_stood(tmp_path: Path) -> None:
    document = json.loads(GUEST.read_text())
    asked = next(line["seq"] for line in document["lines"] if line["kind"] == "signal")
    document |= {"status": "Suspended", "lines": [line for line in document["lines"] if line["seq"] <= asked]}
    kept = tmp_path / "unfinished.json"
    kept.write_text(json.dumps(document))

    assert replay(guest_access, kept).goes_on_with == ("the signal 'leave'", "the timer")


def test_what_is_redacted_is_not_compared(tmp_path: Path) -> None:
    document = json.loads(GUEST.read_text())
    document["inputData"]["email"], document["inputRedacted"] = "REDACTED", True
    kept = tmp_path / "redacted.json"
    kept.write_text(json.dumps(document))

    replayed = replay(guest_access, kept)

    assert replayed, replayed.message
    assert replayed.not_compared == ("the step 'open_account'",)


def test_a_function_that_is_no_workflow_is_refused() -> None:
    with pytest.raises(DeclarationError, match="'open_account' is no function with @workflow"):
        replay(open_account, GUEST)
