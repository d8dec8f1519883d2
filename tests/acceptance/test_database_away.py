"""PostgreSQL goes away in the middle of a run and comes back: the run's end is recorded, nobody is declared dead."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest

from tests.acceptance.launching import eventually, send
from tests.acceptance.stack import Gate, Stack, running_stack
from tests.acceptance.test_bad_input import refused


def postmaster(stack: Stack) -> int:
    pid = stack.up.database_server()
    assert pid is not None
    return pid


@contextlib.contextmanager
def away(stack: Stack) -> Iterator[None]:
    """Stops the server, as pg_ctl -m fast does, and keeps its supervisor from bringing it back inside the block."""
    settings = stack.up.data / "postgres" / "postgresql.conf"
    aside = settings.with_suffix(".aside")
    settings.rename(aside)
    try:
        os.kill(postmaster(stack), signal.SIGINT)
        eventually(lambda: not is_reachable(stack), "the server's end")
        yield
    finally:
        aside.rename(settings)
    eventually(lambda: is_reachable(stack), "the server's return")


@contextlib.contextmanager
def frozen(stack: Stack) -> Iterator[None]:
    """The server and all its processes stand still: connections stay, and nothing answers."""
    server = postmaster(stack)
    pids = [server]
    try:
        os.kill(server, signal.SIGSTOP)  # first, so that it has no more children than those found now
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server)], capture_output=True, text=True, check=True
        )
        pids += map(int, children.stdout.split())
        send(pids, signal.SIGSTOP)
        yield
    finally:
        send(pids, signal.SIGCONT)


def is_reachable(stack: Stack) -> bool:
    with contextlib.suppress(Exception):
        return bool(stack.sql("SELECT 1"))
    return False


def told_by_health(stack: Stack) -> dict[str, Any]:
    """The database's check, once health says that it is down."""
    answers: list[httpx.Response] = []

    def down() -> bool:
        answers.append(stack.health())
        return answers[-1].status_code == 503

    eventually(down, "health's word", 10)
    document = answers[-1].json()
    assert document["status"] == "unhealthy"
    assert [name for name, check in document["checks"].items() if check["status"] == "down"] == ["database"]
    found = document["checks"]["database"]
    assert isinstance(found, dict)
    return found


def for_seconds(stack: Stack, began: float, seconds: float) -> Iterator[httpx.Response]:
    """Starts, one after the other, until so much time is over."""
    while time.monotonic() - began < seconds:
        yield stack.run("echo")


def begun(stack: Stack, gate: Gate) -> tuple[Future[httpx.Response], str]:
    caller = stack.begin("wait_at_gate", gate=str(gate))
    [execution] = gate.reached()
    return caller, execution


def nobody_was_declared_dead(stack: Stack, workers: list[tuple[Any, ...]]) -> None:
    assert stack.sql("SELECT id FROM dispatch_worker WHERE kind = 'web'") == workers
    assert "worker is dead" not in stack.said


def ended_well(stack: Stack, execution: str) -> None:
    stack.settle()
    record = stack.record(execution)
    assert (record["status"], record["result"]) == ("Success", "passed")
    assert [log["message"] for log in record["logs"]] == ["before the gate", "behind the gate"]
    assert stack.run("echo", message="again").status_code == 200


@pytest.fixture
def workers(stack: Stack) -> list[tuple[Any, ...]]:
    return stack.sql("SELECT id FROM dispatch_worker WHERE kind = 'web'")


def test_a_run_ends_well_when_the_database_comes_back(stack: Stack, gate: Gate, workers: list[tuple[Any, ...]]) -> None:
    caller, execution = begun(stack, gate)
    with away(stack):
        began = time.monotonic()
        gate.open()
        assert told_by_health(stack)["message"] == "The database does not answer."
        answers = list(for_seconds(stack, began, 3))
        for answer in answers:
            refused(answer, 503, "ServiceUnavailable")
        for part in ("", f"/{execution}"):
            refused(stack.call("GET", f"/api/executions{part}", stack.token("acme")), 503, "ServiceUnavailable")

    ended_well(stack, execution)
    assert caller.result().json()["result"] == "passed"
    nobody_was_declared_dead(stack, workers)


def test_a_run_that_goes_on_meanwhile_loses_no_line(stack: Stack, gate: Gate, workers: list[tuple[Any, ...]]) -> None:
    caller, execution = begun(stack, gate)
    with away(stack):
        told_by_health(stack)
    eventually(stack.up.is_healthy, "health")
    gate.open()

    assert caller.result().json()["result"] == "passed"
    ended_well(stack, execution)
    nobody_was_declared_dead(stack, workers)


def test_a_server_that_stands_still_delays_a_run_and_kills_nobody(
    stack: Stack, gate: Gate, workers: list[tuple[Any, ...]]
) -> None:
    caller, execution = begun(stack, gate)
    with frozen(stack):
        began = time.monotonic()
        gate.open()
        meanwhile = stack.begin("echo", message="meanwhile")
        assert "1.5 s" in told_by_health(stack)["message"]
        eventually(lambda: time.monotonic() - began > 3, "three seconds")

    assert caller.result().json()["result"] == "passed"
    assert meanwhile.result().status_code == 200
    ended_well(stack, execution)
    nobody_was_declared_dead(stack, workers)


@pytest.mark.faults
def test_a_database_that_is_away_longer_than_a_caller_waits(stack: Stack, gate: Gate) -> None:
    caller, execution = begun(stack, gate)
    with away(stack):
        gate.open()
        answer = caller.result()  # after ten seconds

    assert (answer.status_code, answer.json()["error"]) == (503, "ServiceUnavailable")
    assert answer.json()["executionId"] == execution  # it has run, and its end will be found there
    ended_well(stack, execution)


@pytest.mark.faults
def test_with_the_times_as_they_are_by_default_nobody_is_declared_dead_either(gate: Gate) -> None:
    with running_stack() as stack:
        workers = stack.sql("SELECT id FROM dispatch_worker WHERE kind = 'web'")
        caller, execution = begun(stack, gate)
        with frozen(stack):
            began = time.monotonic()
            told_by_health(stack)
            eventually(lambda: time.monotonic() - began > 18, "longer than a worker may be silent", 30)
        gate.open()

        assert caller.result().json()["result"] == "passed", caller.result().text
        ended_well(stack, execution)
        nobody_was_declared_dead(stack, workers)
