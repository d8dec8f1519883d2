"""The one place that writes to standard output: whole lines, each with the part that it comes from in front."""

from __future__ import annotations

import os
import queue
import sys
import threading
import time

_COLOURS = ("36", "35", "33", "32", "34")
_WIDTH = 9
_MOST_LINES = 10_000


class Terminal:
    """Many threads may write; none ever waits for a reader that is slow or gone. Lines beyond the limit are counted."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._coloured = os.isatty(descriptor) and "NO_COLOR" not in os.environ
        self._colours: dict[str, str] = {}
        self._lines: queue.Queue[str] = queue.Queue(_MOST_LINES)
        self._dropped = 0
        threading.Thread(target=self._write, daemon=True).start()

    def say(self, text: str = "") -> None:
        """Text of the launcher's own."""
        self._put(text)

    def line(self, part: str, text: str) -> None:
        """A line that a part wrote."""
        prefix = f"{part:<{_WIDTH}} |"
        if self._coloured:
            colour = self._colours.setdefault(part, _COLOURS[len(self._colours) % len(_COLOURS)])
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self._put(f"{prefix} {text}")

    def close(self, seconds: float = 2.0) -> None:
        """Waits until all is written, or that long."""
        sys.stdout.flush()
        limit = time.monotonic() + seconds
        with self._lines.all_tasks_done:
            while self._lines.unfinished_tasks and (left := limit - time.monotonic()) > 0:
                self._lines.all_tasks_done.wait(left)

    def _put(self, text: str) -> None:
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1

    def _write(self) -> None:
        while True:
            text = self._lines.get()
            dropped, self._dropped = self._dropped, 0
            note = f"({dropped} lines were dropped, because nobody read them)\n" if dropped else ""
            try:
                _write_all(self._descriptor, f"{note}{text}\n".encode(errors="replace"))
            except OSError:
                pass  # The terminal or pipe is gone; the parts go on, and their services keep log files.
            finally:
                self._lines.task_done()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
