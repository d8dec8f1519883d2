"""By which a test and the data providers of its workspace, which live in another module, hear of each other."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

calls: list[tuple[Any, ...]] = []
opened = threading.Event()
SECONDS = 20.0


def reset() -> None:
    calls.clear()
    opened.clear()


def called(*facts: Any) -> int:
    """Notes a call. Returns how many there were."""
    calls.append(facts)
    return len(calls)


async def passed() -> None:
    """Waits until the test opens the gate."""
    while not opened.is_set():
        await asyncio.sleep(0.002)


def wait_until(condition: Any) -> None:
    """For the test's thread."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "It did not come to pass."
        time.sleep(0.002)
