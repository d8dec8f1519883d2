"""Where in an execution's code something happened: the path of the task and the number of the thing in it.

engine.md, section 5: tasks of workspace and SDK code are numbered under their parent, so that two steps of two
gathered coroutines keep their identity whatever order they finish in.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar

ROOT = "0"


class Position:
    """One task's path, and the counters of what it did."""

    __slots__ = ("_children", "_counts", "path")

    def __init__(self, path: str = ROOT) -> None:
        self.path = path
        self._children = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def child(self) -> Position:
        """The position of the next task that this one makes."""
        self._children += 1
        return Position(f"{self.path}/{self._children}")

    def next(self, kind: str, name: str) -> int:
        """Which one of its kind and name this is in this task, from 0. Logs and checkpoints count by kind alone."""
        key = (kind, "" if kind in {"log", "checkpoint"} else name)
        number = self._counts[key]
        self._counts[key] = number + 1
        return number


position: ContextVar[Position] = ContextVar("position")
