"""Streams of a real web process: the end of a run is heard, and a stop waits for nobody who only listens."""

from __future__ import annotations

import os
import signal
import time

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Gate, Stack
from tests.workflows_app.live.listening import Listener


def listen(stack: Stack, execution: str, query: str = "") -> Listener:
    url = f"{stack.url}/o/acme/live/executions/{execution}{query}"
    return Listener(url, Authorization=f"Bearer {stack.token('acme')}")


def begun_at(stack: Stack, gate: Gate) -> str:
    """A run in a worker, which waits at the gate."""
    execution = stack.run("background_gate", gate=str(gate)).json()["executionId"]
    gate.reached()
    assert isinstance(execution, str)
    return execution


def test_who_listens_hears_the_end_of_a_run_in_another_process(stack: Stack, gate: Gate) -> None:
    execution = begun_at(stack, gate)
    stream = listen(stack, execution)
    assert stream.next() is not None

    gate.open()
    heard = []
    while (event := stream.next()) is not None:
        heard.append(event)

    assert [(name, data["status"]) for name, data in heard[-2:]] == [("change", "Success"), ("end", "Success")]
    assert heard[-1][1]["seq"] == stack.journal(execution)[-1]["seq"]
    stream.hang_up()


def test_a_stop_ends_the_streams_at_once_and_is_not_delayed_by_them(stack: Stack, gate: Gate) -> None:
    execution = begun_at(stack, gate)
    asked, streams = stack.web, [listen(stack, execution) for _ in range(20)]
    assert all(stream.next() is not None for stream in streams)

    began = time.monotonic()
    os.kill(asked, signal.SIGTERM)

    for stream in streams:
        while stream.next(3) is not None:
            pass
    ended = time.monotonic() - began
    eventually(lambda: stack.web != asked, "the next web process", 8)
    assert ended < 3
    eventually(stack.up.is_healthy, "health")

    again = listen(stack, execution)
    assert again.next() is not None
    gate.open()
    for stream in (*streams, again):
        stream.hang_up()
