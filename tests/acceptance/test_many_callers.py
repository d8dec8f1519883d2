"""A hundred callers of slow sync runs at once: some are served, the others told to come again, and the rest goes on."""

from __future__ import annotations

import time
from concurrent.futures import Future, wait

import httpx

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack

ORGANIZATION_PLACES = 10  # a quarter of the forty web threads


def hundred(stack: Stack, gate: Gate) -> list[Future[httpx.Response]]:
    """Callers of acme, each of whom waits at the gate or has been sent away."""
    callers = [stack.begin("wait_at_gate", "acme", gate=str(gate)) for _ in range(100)]
    eventually(lambda: sum(caller.done() for caller in callers) == 100 - ORGANIZATION_PLACES, "the answers to most")
    gate.reached(ORGANIZATION_PLACES)
    return callers


def seconds_of(stack: Stack, path: str) -> float:
    began = time.monotonic()
    assert stack.call("GET", path).status_code == 200
    return time.monotonic() - began


def test_some_are_served_and_the_others_told_when_to_come_again(stack: Stack, gate: Gate) -> None:
    callers = hundred(stack, gate)
    refused = [caller.result() for caller in callers if caller.done()]
    gate.open()
    served = [caller.result() for caller in callers if caller.result() not in refused]

    assert [answer.status_code for answer in served] == [200] * ORGANIZATION_PLACES
    assert len({answer.json()["executionId"] for answer in served}) == ORGANIZATION_PLACES
    for answer in refused:
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json() | {"message": ""} == {
            "executionId": None,
            "status": "Failed",
            "error": "TooManyRequests",
            "message": "",
            "details": {},
        }


def test_health_and_pages_go_on_meanwhile(stack: Stack, gate: Gate) -> None:
    callers = hundred(stack, gate)

    slowest = max(seconds_of(stack, path) for _ in range(5) for path in ("/api/health", "/admin/login/"))
    still_waiting = sum(not caller.done() for caller in callers)
    gate.open()
    wait(callers)

    assert still_waiting == ORGANIZATION_PLACES
    assert slowest < 0.8


def test_another_organization_gets_its_run(stack: Stack, gate: Gate) -> None:
    callers = hundred(stack, gate)

    answer = stack.run("echo", "test-org-active", message="me too")
    gate.open()
    wait(callers)

    assert answer.status_code == 200
    assert answer.json()["result"] == {"message": "me too", "org": "test-org-active"}


def test_whoever_was_sent_away_is_served_when_places_are_free(stack: Stack, gate: Gate) -> None:
    callers = hundred(stack, gate)
    gate.open()
    wait(callers)

    assert stack.run("echo", message="again").status_code == 200


def test_waiting_callers_hold_no_transaction(stack: Stack, gate: Gate) -> None:
    callers = hundred(stack, gate)

    # Those of the beats and of health come and go.
    open_ones = "SELECT pid FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    eventually(lambda: not stack.sql(f"{open_ones} AND application_name = 'bifrost'"), "no open transaction", 5)
    gate.open()
    wait(callers)
