"""A data provider that fails: told as an error, never as no options; nothing is kept, and nobody waits for long."""

from __future__ import annotations

import concurrent.futures.thread
import gc
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from tests.workflows_app.providers import gates
from tests.workflows_app.providers.conftest import Add, asked_in_a_thread, values
from workflows_app.errors import ProviderFailed
from workflows_app.providers import asking, running, waiting
from workflows_app.providers.asking import options_of
from workflows_app.providers.options import Options

Bounds = Callable[..., None]
ENDLESS = {
    "a coroutine that waits": "async def slow(context):\n        await asyncio.sleep(60)",
    "a plain function that computes": "def slow(context):\n        while True: pass",
    "a coroutine that blocks its loop": "async def slow(context):\n        while True: pass",
    "one that will not leave": """async def slow(context):
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                gates.called("stays")""",
}


def failure(organization: OrganizationRecord, name: str, **how: Any) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as failed:
        options_of(organization, name, **how)
    return failed.value


def failing(body: str) -> str:
    return f"    @data_provider()\n    async def failing(context):\n        gates.called()\n        {body}\n"


WORKING = failing('return [{"label": "x", "value": 1}]')


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('raise IntegrationError("Graph is away", "msgraph", 503)', "IntegrationError: Graph is away"),
        ('raise ConfigurationError("There is no key")', "ConfigurationError: There is no key"),
        ('raise KeyError("color")', "KeyError: 'color'"),
        ("raise asyncio.TimeoutError", "TimeoutError"),
        ("raise SystemExit(3)", "raised SystemExit"),
        ("return {'label': 'x'}", "The data provider returned dict, not a list of options."),
        ("return [{'label': 'x'}]", 'The data provider has no "value" in option 1.'),
        ("return None", "The data provider returned NoneType, not a list of options."),
    ],
)
def test_an_error_says_little_to_everybody_and_all_to_staff(
    add: Add, acme: OrganizationRecord, body: str, reason: str
) -> None:
    add(failing(body))
    failed = failure(acme, "failing")
    assert failed.message == 'The options of "failing" cannot be loaded: the data provider failed.'
    assert reason in failed.reason
    assert (failed.status_code, failed.details) == (503, {"dataProvider": "failing"})
    # It is not kept: the next to ask has it tried again.
    failure(acme, "failing")
    assert len(gates.calls) == 2


def test_an_error_that_is_logged_beside_an_empty_list_is_one(add: Add, acme: OrganizationRecord) -> None:
    add(failing('context.log("error", "Failed to get users", {"error": "away"}); return []'))
    assert failure(acme, "failing").reason == 'It logged: Failed to get users {"error":"away"}'


@pytest.mark.parametrize(
    "body",
    [
        'context.log("warning", "There are none"); return []',
        'context.log("error", "One is missing"); return [{"label": "x", "value": 1}]',
    ],
)
def test_no_options_without_an_error_and_an_error_beside_options_are_answers(
    add: Add, acme: OrganizationRecord, body: str
) -> None:
    add(failing(body))
    assert len(options_of(acme, "failing").options) == ("value" in body)
    assert options_of(acme, "failing").cached


def test_a_failure_leaves_what_was_kept(add: Add, acme: OrganizationRecord) -> None:
    add(failing('return [{"label": "x", "value": 1}] if len(gates.calls) == 1 else None'))
    options_of(acme, "failing")
    failure(acme, "failing", refresh=True)
    assert options_of(acme, "failing").cached


def test_all_who_wait_hear_of_it(add: Add, acme: OrganizationRecord) -> None:
    add(failing('await gates.passed(); raise RuntimeError("no")'))
    futures = [asked_in_a_thread(acme, "failing") for _ in range(4)]
    gates.wait_until(lambda: gates.calls)
    gates.opened.set()
    errors = [future.exception(gates.SECONDS) for future in futures]
    assert {type(error) for error in errors} == {ProviderFailed}
    assert len({id(error) for error in errors}) == 4


@pytest.mark.parametrize("kind", ENDLESS)
def test_one_that_does_not_end_is_left(add: Add, bounds: Bounds, acme: OrganizationRecord, kind: str) -> None:
    add(f"    @data_provider()\n    {ENDLESS[kind]}\n" + WORKING)
    bounds(seconds=0.3)
    began = time.monotonic()
    failed = failure(acme, "slow")
    assert time.monotonic() - began < 5
    assert failed.message == 'The options of "slow" cannot be loaded: it did not answer in time.'
    assert failed.reason == "It did not end within 0.3 seconds."
    # Others are not harmed.
    bounded = options_of(acme, "failing")
    assert values(bounded) == [1]


def test_a_loop_that_is_blocked_is_replaced_and_ends_when_it_comes_back(
    add: Add, bounds: Bounds, acme: OrganizationRecord
) -> None:
    add("    @data_provider()\n    async def blocking(context):\n        gates.opened.wait()\n" + WORKING)
    bounds(seconds=0.3)
    before = running.runner()
    failure(acme, "blocking")
    assert values(options_of(acme, "failing")) == [1]
    assert running.runner() is not before
    gates.opened.set()
    gates.wait_until(lambda: not before.thread.is_alive())
    assert before.loop.is_closed()  # else its descriptors would stay as well


def test_what_stood_behind_a_blocked_loop_is_computed_for_the_next_to_ask(
    add: Add, bounds: Bounds, acme: OrganizationRecord
) -> None:
    """Also where nobody waited for it: who asked several may have left at the first that failed."""
    add("    @data_provider()\n    async def blocking(context):\n        while True: pass\n" + WORKING)
    bounds(seconds=0.3)
    blocking = asking.begin(acme, "blocking")
    left = asking.begin(acme, "failing")
    with pytest.raises(ProviderFailed):
        blocking.result()
    assert values(options_of(acme, "failing")) == [1]
    with pytest.raises(ProviderFailed, match="it was interrupted"):
        left.result()


def test_what_was_under_way_at_a_stop_is_computed_for_the_next_to_ask(add: Add, acme: OrganizationRecord) -> None:
    add("""
    @data_provider()
    async def gated(context):
        await gates.passed()
        return [{"label": "x", "value": 1}]
    """)
    left = asking.begin(acme, "gated")
    asking.stop()
    gates.opened.set()
    assert values(options_of(acme, "gated")) == [1]
    with pytest.raises(ProviderFailed, match="it was interrupted"):
        left.result()


def test_one_that_will_not_leave_a_stopped_loop_may_be_collected_whatever_locks_are_held(
    add: Add, acme: OrganizationRecord
) -> None:
    add(f"    @data_provider()\n    {ENDLESS['one that will not leave']}\n")
    left = asking.begin(acme, "slow")
    thread = running.runner().thread
    gates.wait_until(lambda: left.flight is not None and left.flight.began is not None)
    asking.stop()
    gates.wait_until(lambda: not thread.is_alive())
    assert gates.calls

    def collect() -> None:
        with concurrent.futures.thread._global_shutdown_lock:  # held by every executor that is given work
            gc.collect()

    collecting = threading.Thread(target=collect, daemon=True)
    collecting.start()
    collecting.join(gates.SECONDS)
    assert not collecting.is_alive()


# --- so many at once --------------------------------------------------------------------------------------------------


HOLDING = """
    @data_provider(cache_ttl_seconds=0)
    async def holding(context, number: int):
        gates.called(context.org_id, number)
        if context.org_id == "acme":
            await gates.passed()
        return [{"label": "x", "value": number}]
"""


def hold(organization: OrganizationRecord, *numbers: int) -> list[Future[Options]]:
    return [asked_in_a_thread(organization, "holding", inputs={"number": number}) for number in numbers]


def test_one_organization_s_slow_ones_leave_room_for_another(
    add: Add, bounds: Bounds, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(HOLDING)
    bounds(at_once=3, of_one=2)
    slow = hold(acme, 1, 2, 3, 4)
    gates.wait_until(lambda: len(gates.calls) == 2)
    assert values(options_of(globex, "holding", {"number": 7})) == [7]
    assert len([call for call in gates.calls if call[0] == "acme"]) == 2
    gates.opened.set()
    assert sorted(values(each.result(gates.SECONDS))[0] for each in slow) == [1, 2, 3, 4]


def test_whoever_finds_no_place_in_time_is_told(add: Add, bounds: Bounds, acme: OrganizationRecord) -> None:
    add(HOLDING)
    bounds(seconds=0.5, of_one=1)
    futures = hold(acme, 1, 2)
    errors = [future.exception(gates.SECONDS) for future in futures]
    assert {type(error) for error in errors} == {ProviderFailed}
    assert all("it did not answer in time" in str(error) for error in errors)


def test_so_many_callers_wait_and_the_next_is_told_to_come_again(
    add: Add, settings: Any, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    add(HOLDING)
    settings.WEB_THREADS = 12  # three of one organization, four of all
    slow = hold(acme, 1, 1, 1)
    gates.wait_until(lambda: waiting._waiting[acme.id] == 3)
    assert "too many people wait" in failure(acme, "holding", inputs={"number": 1}).message
    assert values(options_of(globex, "holding", {"number": 7})) == [7]
    gates.opened.set()
    assert [values(each.result(gates.SECONDS)) for each in slow] == [[1]] * 3
