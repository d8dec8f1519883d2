"""A web process that is killed or stands still in the middle of a run: nothing stays Running, and no zombie writes."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack, running_stack

LOST = {"error": "WorkerLost", "message": "The process that ran this execution was lost; it was not run again."}


def lost(stack: Stack, execution: str, seconds: float = 20) -> dict[str, Any]:
    """The record, once the execution has been ended in the name of the process that ran it."""
    eventually(lambda: not stack.unfinished(), "the end of the lost run", seconds)
    record = stack.record(execution)
    assert (record["status"], record["error"]) == ("Failed", {**LOST, "details": {}})
    assert record["completedAt"] is not None
    [end] = [line for line in stack.journal(execution) if line["kind"] == "status" and line["name"] == "Failed"]
    assert "last seen" in end["data"]["reason"] and " s ago" in end["data"]["reason"]
    assert stack.sql("SELECT status FROM dispatch_fleet WHERE execution = %s", execution) == [("Failed",)]
    return record


def kill_in_the_middle_of_a_run(stack: Stack, gate: Gate, seconds: float = 20) -> None:
    caller = stack.begin("parent_of_waiting", gate=str(gate))
    [child] = gate.reached()
    parent = stack.record(child)["parentExecutionId"]
    killed = stack.web

    os.kill(killed, signal.SIGKILL)

    with pytest.raises(httpx.TransportError):
        caller.result()
    eventually(lambda: stack.web != killed and stack.up.is_healthy(), "the next web process")
    lost(stack, child, seconds)
    # The parent's journal may hold the child already: then a worker went on with it, and found the child lost.
    ended = stack.record(parent)
    assert (ended["status"], ended["error"]["error"]) == ("Failed", "WorkerLost")
    assert [log["message"] for log in stack.record(child)["logs"]] in ([], ["before the gate"])
    assert stack.run("echo", message="again").status_code == 200


def test_a_killed_web_process_is_started_again_and_its_runs_end_as_lost(stack: Stack, gate: Gate) -> None:
    kill_in_the_middle_of_a_run(stack, gate)


@pytest.mark.faults
def test_a_killed_web_process_with_the_times_as_they_are_by_default(gate: Gate) -> None:
    with running_stack() as stack:
        kill_in_the_middle_of_a_run(stack, gate, seconds=45)


def test_an_idempotency_key_of_a_lost_run_answers_with_that_run(stack: Stack, gate: Gate) -> None:
    token, body = stack.token("acme"), {"gate": str(gate)}
    headers = {"Idempotency-Key": f"lost {gate}"}

    def start() -> httpx.Response:
        return stack.call("POST", "/api/workflows/wait_at_gate", token, json=body, headers=headers)

    caller = stack.begin_call(start)
    [execution] = gate.reached()
    os.kill(stack.web, signal.SIGKILL)
    assert isinstance(caller.exception(), httpx.TransportError)
    eventually(stack.up.is_healthy, "the next web process")
    lost(stack, execution)

    again = start()

    assert (again.status_code, again.json()["executionId"]) == (500, execution)
    assert again.json()["error"] == "WorkerLost"


# --- a process that is asked to stop ----------------------------------------------------------------------------------


def test_a_web_process_that_is_asked_to_stop_ends_its_runs_first(stack: Stack, gate: Gate) -> None:
    asked = stack.web
    caller = stack.begin("parent_of_waiting", gate=str(gate))
    [child] = gate.reached()

    os.kill(asked, signal.SIGTERM)
    eventually(lambda: not is_listening(stack), "the closed door")
    gate.open()

    assert caller.result().json()["result"] == "passed"
    eventually(lambda: stack.web != asked and stack.up.is_healthy(), "the next web process")
    assert stack.record(child)["status"] == "Success"


def is_listening(stack: Stack) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("localhost", int(stack.url.rpartition(":")[2]))):
        return True
    return False


@pytest.mark.faults
def test_a_run_that_does_not_end_in_the_grace_of_a_stop_says_so(gate: Gate) -> None:
    with running_stack() as stack:
        web = stack.web
        caller = stack.begin("parent_of_waiting", gate=str(gate))
        [child] = gate.reached()
        parent = stack.record(child)["parentExecutionId"]

        asked = time.monotonic()
        os.kill(web, signal.SIGTERM)
        eventually(lambda: stack.web != web, "the next web process", 30)

        # bin/up itself waits for so long when it is stopped.
        assert time.monotonic() - asked < 15
        assert caller.exception() is not None or caller.result().status_code == 500
        assert stack.unfinished() == []
        eventually(stack.up.is_healthy, "health")
        assert stack.record(parent)["error"]["error"] == "WorkerStopped"
        assert stack.record(child)["status"] in ("Cancelled", "Failed")


# --- a process that stands still and comes back -----------------------------------------------------------------------


@contextlib.contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def another_engine(stack: Stack, gate: Gate) -> Iterator[None]:
    """A command that runs a workflow meanwhile; its process sweeps like any other."""
    with stack.beside("run_workflow", "wait_at_gate", "--org", "test-org-active", "-p", f"gate={gate}"):
        gate.reached()
        yield
        gate.open()


def rows_of(stack: Stack, execution: str) -> list[tuple[Any, ...]]:
    schema = stack.schema("acme")
    records = f"SELECT row::text FROM {schema}.workflows_app_execution row WHERE id = %s"
    events = f"SELECT row::text FROM {schema}.workflows_app_executionevent row WHERE execution_id = %s ORDER BY seq"
    return stack.sql(records, execution) + stack.sql(events, execution)


def test_a_process_that_was_declared_dead_writes_nothing_when_it_comes_back(
    stack: Stack, gate: Gate, tmp_path: Path
) -> None:
    web = stack.web
    caller = stack.begin("wait_at_gate", gate=str(gate))
    [execution] = gate.reached()
    with another_engine(stack, Gate(tmp_path / "other")):
        with standing_still(web):
            workers = "SELECT count(*) FROM dispatch_worker WHERE kind = 'web'"
            eventually(lambda: stack.sql(workers) == [(0,)], "the fence")
            rows = "SELECT 1 FROM dispatch_dispatch WHERE execution = %s"
            eventually(lambda: not stack.sql(rows, execution), "the end")
            before = rows_of(stack, execution)
            gate.open()

        answer = caller.result()

    assert (answer.status_code, answer.json()["error"]) == (500, "WorkerLost")
    assert answer.json()["executionId"] == execution
    stack.settle()
    lost(stack, execution)
    assert stack.run("echo", message="a fresh engine").status_code == 200
    assert rows_of(stack, execution) == before
    assert stack.web == web


def test_a_process_that_stood_still_and_was_not_declared_dead_goes_on(busy_stack: Stack, gate: Gate) -> None:
    stack = busy_stack  # where nobody is declared dead within four seconds
    stack.begin_test()
    caller = stack.begin("wait_at_gate", gate=str(gate))
    [execution] = gate.reached()
    still = "SELECT now() - beat_at > interval '2.5 seconds' FROM dispatch_worker WHERE kind = 'web'"

    with standing_still(stack.web):
        # Longer than a loop may be blocked: nobody blocked this one.
        eventually(lambda: stack.sql(still) == [(True,)], "two seconds and a half")
    gate.open()

    assert caller.result().json()["result"] == "passed", caller.result().text
    assert stack.record(execution)["status"] == "Success"
