"""A workflow that blocks the loop past the limit: it alone gets the blame, and the process recovers or is replaced."""

from __future__ import annotations

import pytest

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack


def test_the_culprit_alone_gets_the_blame_and_the_next_request_works(stack: Stack, gate: Gate) -> None:
    web = stack.web
    neighbour = stack.begin("wait_at_gate", gate=str(gate))
    gate.reached()
    culprit = stack.begin("block_at_gate", gate=str(gate))

    blamed, harmed = culprit.result(), neighbour.result()

    assert (blamed.status_code, blamed.json()["error"]) == (500, "TimeoutError")
    assert blamed.json()["message"] == "The workflow blocked its process for 2 seconds without awaiting."
    assert (harmed.status_code, harmed.json()["error"]) == (500, "WorkerLost")
    assert harmed.json()["message"] == "Another execution blocked the process that ran this one."
    assert stack.run("echo", message="next").status_code == 200
    assert stack.web == web
    for answer in (blamed, harmed):
        record = stack.record(answer.json()["executionId"])
        assert (record["status"], record["error"]["error"]) == ("Failed", answer.json()["error"])
    warning = "This workflow blocks the event loop"
    assert warning in str(stack.record(blamed.json()["executionId"])["logs"])
    assert warning not in str(stack.record(harmed.json()["executionId"])["logs"])


@pytest.mark.faults
def test_after_four_of_them_the_process_leaves_and_is_started_again(stack: Stack, gate: Gate) -> None:
    web = stack.web
    since_its_start = stack.up.output.rpartition("web ended by itself")[2]

    for _ in range(4 - since_its_start.count("a workflow blocked the loop for too long")):
        assert stack.run("block_at_gate", gate=str(gate)).json()["error"] == "TimeoutError"
    gate.open()

    eventually(lambda: stack.web != web, "the next process", 40)
    assert "4 loops were given up" in stack.said
    stack.settle()
    assert stack.run("echo", message="again").status_code == 200
