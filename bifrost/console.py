"""Where the process's log lines go."""

from __future__ import annotations

import logging
from typing import Any


class ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes each line at once, and holds no lock: a workflow's thread that is interrupted in the midst of a line would
    keep it, and whoever logs next would wait for ever. A line is one write, which no other thread comes between."""

    def createLock(self) -> None:
        self.lock: Any = _NoLock()


class _NoLock:
    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        return
