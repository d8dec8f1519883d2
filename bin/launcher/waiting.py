"""Waiting for something to happen, which a signal or a limit cuts short."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


class StartFailed(Exception):
    """Something could not be set up or started; the message says what and what to do."""


class Stopped(Exception):
    """The user asked for a stop while something was being waited for."""


class StopRequest:
    """Remembers SIGINT, SIGTERM and SIGHUP; a second one is `urgent`: no more grace."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self.signal = 0
        self.urgent = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        self.urgent = self.asked
        self.signal = self.signal or number
        self._asked.set()

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether a stop was asked for within that time."""
        return self._asked.wait(seconds)

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        """Returns once `ready()` holds. Raises Stopped, or StartFailed when it takes longer than that."""
        limit = time.monotonic() + seconds
        while not ready():
            if self.wait(POLL_SECONDS):
                raise Stopped
            if time.monotonic() > limit:
                raise StartFailed(f"{what} took longer than {seconds:g} s.")

    def wait_for(self, work: Callable[[], T], what: str, seconds: float) -> T:
        """What `work` returns or raises; it runs on a thread of its own and is abandoned on a stop or when late."""
        outcome: Future[T] = Future()

        def attempt() -> None:
            try:
                outcome.set_result(work())
            except Exception as error:  # noqa: BLE001  raised again where it is waited for
                outcome.set_exception(error)

        threading.Thread(target=attempt, daemon=True).start()
        self.wait_until(outcome.done, what, seconds)
        return outcome.result()
