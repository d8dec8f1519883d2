"""Workflows that leave, fall over, never return or return what no one can store: each harms itself alone."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack

UNEXPECTED = "An unexpected error occurred during workflow execution"


def ended(stack: Stack, answer: httpx.Response, error: str, message: str) -> str:
    """The execution's id, once answer and record say the same."""
    document = answer.json()
    assert (answer.status_code, document["status"], document["error"]) == (500, "Failed", error), answer.text
    assert document["message"] == message
    record = stack.record(document["executionId"])
    assert (record["status"], record["error"]["error"], record["error"]["message"]) == ("Failed", error, message)
    return str(document["executionId"])


@pytest.mark.parametrize("workflow", ["exit_in_a_child", "exit_at_once", "raise_base_exception"])
def test_whatever_a_workflow_raises_ends_it_alone(stack: Stack, gate: Gate, workflow: str) -> None:
    web = stack.web
    neighbour = stack.begin("wait_at_gate", gate=str(gate))
    gate.reached()

    ended(stack, stack.run(workflow), "InternalServerError", UNEXPECTED)
    gate.open()

    assert neighbour.result().json()["result"] == "passed"
    assert stack.web == web and stack.run("echo").status_code == 200


def test_a_workflow_that_never_returns_ends_within_a_second_of_its_time(stack: Stack) -> None:
    began = time.monotonic()

    answer = stack.run("never_return")

    assert 1 <= time.monotonic() - began < 2.5
    execution = ended(stack, answer, "TimeoutError", "Workflow exceeded timeout of 1 seconds")
    assert "The code did not stop; it may still be running." in str(stack.record(execution)["logs"])


@pytest.mark.faults
def test_no_caller_waits_longer_than_thirty_seconds(stack: Stack) -> None:
    began = time.monotonic()

    answer = stack.run("wait_for_ever")

    assert 30 <= time.monotonic() - began < 31
    ended(stack, answer, "TimeoutError", "Workflow exceeded timeout of 30 seconds")


def test_a_workflow_that_blocks_the_loop_for_a_moment_is_named_and_ends_well(stack: Stack, gate: Gate) -> None:
    caller = stack.begin("block_at_gate", gate=str(gate))
    gate.reached()
    eventually(lambda: "a workflow blocks the loop" in stack.said, "the warning")
    gate.open()

    answer = caller.result().json()
    assert answer["status"] == "Success"
    [line] = stack.record(answer["executionId"])["logs"]
    assert (line["level"], line["message"].partition(":")[0]) == ("warning", "This workflow blocks the event loop")


def test_a_result_that_is_not_json_names_the_place(stack: Stack) -> None:
    message = "The result is not JSON: result.users[0].type is a type"

    ended(stack, stack.run("return_a_class"), "SerializationError", message)


@pytest.mark.parametrize(
    ("error", "shown", "message", "details"),
    [
        (
            "IntegrationError",
            "IntegrationError",
            "Failed to create user",
            {"integration": "msgraph", "status_code": 400},
        ),
        ("OwnError", "WeatherError", "It is raining", {"millimetres": 7}),
        ("the cable is unplugged", "InternalServerError", UNEXPECTED, {}),
    ],
)
def test_errors_are_answered_as_documented(
    stack: Stack, error: str, shown: str, message: str, details: dict[str, object]
) -> None:
    answer = stack.run("fail_as_documented", error=error)

    ended(stack, answer, shown, message)
    assert answer.json()["details"] == details
    assert "unplugged" not in answer.text
