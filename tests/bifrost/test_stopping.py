"""The signal that stops the process is heard by two: by who handles it, and by the streams."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from bifrost.stopping import on_stop


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """What the handler of a server has got, which was there before."""
    got: list[int] = []
    before = {number: signal.signal(number, lambda number, _: got.append(number)) for number in (15, 2)}
    yield got
    for number, handler in before.items():
        signal.signal(number, handler)


async def heard(times: list[str], number: int) -> None:
    async with asyncio.timeout(5):
        while len(times) < number:
            await asyncio.sleep(0.001)


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_both_hear_of_it(handled: list[int], number: signal.Signals) -> None:
    told: list[str] = []

    with on_stop(lambda: told.append(threading.current_thread().name)):
        os.kill(os.getpid(), number)
        await heard(told, 1)

    assert (handled, told) == ([number], [threading.main_thread().name])


@pytest.mark.asyncio
async def test_afterwards_all_is_as_it_was(handled: list[int]) -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGTERM)

    with on_stop(lambda: told.append("")):
        assert signal.getsignal(signal.SIGTERM) is not before
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(0)

    assert (signal.getsignal(signal.SIGTERM), handled, told) == (before, [15], [])


@pytest.mark.asyncio
async def test_a_signal_that_nobody_handles_is_left_alone() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with on_stop(lambda: None):
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_nothing_is_changed() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    async def look() -> None:
        with on_stop(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=lambda: asyncio.run(look()))
    thread.start()
    thread.join()

    assert seen == [before]
