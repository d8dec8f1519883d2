"""Hears the signal that stops the process. The server tells the application of it only when every answer has ended,
and a stream that did not know would keep it from that."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)
Handler = Callable[[int, FrameType | None], object]


@contextmanager
def on_stop(function: Callable[[], None]) -> Iterator[None]:
    """Inside the block, such a signal has the running loop call the function, besides what it does anyway.

    Only the main thread has handlers; in another, and where nobody handles the signal, nothing is changed.
    """
    loop, changed = asyncio.get_running_loop(), {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            before = signal.getsignal(number)
            if callable(before):
                changed[number] = before
                signal.signal(number, _both(loop, function, before))
    try:
        yield
    finally:
        for number, before in changed.items():
            signal.signal(number, before)


def _both(loop: asyncio.AbstractEventLoop, function: Callable[[], None], before: Handler) -> Handler:
    def handle(number: int, frame: FrameType | None) -> object:
        # On the loop: here, the code that was interrupted may hold the very lock that the function needs.
        loop.call_soon_threadsafe(function)
        return before(number, frame)

    return handle
