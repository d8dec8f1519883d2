"""Tells of a run on the command line while it goes on: its journal line by line, and how far it is."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import OutputWrapper

from workflows_app.command_line import show_event
from workflows_app.progress import estimate, in_words

BAR = 24
REDRAWN_SECONDS = 0.1
TOLD_SECONDS = 1.0
ERASE = "\r\x1b[K"


class Narrator:
    """Any thread may have it tell a line. On a terminal, the last line shows a bar and is drawn anew; elsewhere, how
    far the run is becomes a line of its own, at most one a second."""

    def __init__(self, stream: OutputWrapper, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._terminal = stream.isatty()
        self._lock = threading.Lock()
        self._progress: dict[str, Any] | None = None  # the last such line
        self._told = True  # nothing is newer than what was shown
        self._at = float("-inf")

    def tell(self, event: dict[str, Any]) -> None:
        with self._lock:
            if event["kind"] == "progress":
                self._progress, self._told = event, False
                pause = REDRAWN_SECONDS if self._terminal else TOLD_SECONDS
                if self._clock() - self._at >= pause or event["data"]["percent"] >= 100:
                    self._show()
                return
            self._erase()
            show_event(event, self._stream)
            if self._terminal and self._progress is not None:
                self._show()

    def end(self) -> None:
        """The run is over: the last that was said of its progress stays."""
        with self._lock:
            if not self._told:
                self._show()
            if self._terminal and self._progress is not None:
                self._stream.write("", str)
                self._progress = None

    def _show(self) -> None:
        event = self._progress
        if event is None:
            return
        data = event["data"]
        words = in_words(data, estimate(data))
        if self._terminal:
            filled = round(BAR * data["percent"] / 100)
            line = f"{'█' * filled}{'░' * (BAR - filled)} {words}"
            self._stream.write(ERASE + line[: shutil.get_terminal_size().columns - 1], str, "")
            self._stream.flush()
        else:
            self._stream.write(f"{event['at'][11:23]} progress {words}")
        self._told, self._at = True, self._clock()

    def _erase(self) -> None:
        if self._terminal and self._progress is not None:
            self._stream.write(ERASE, str, "")
