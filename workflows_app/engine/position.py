"""Where in an execution's code something happened: the path of the task and the number of the thing in it.

engine.md, section 5: tasks of workspace and SDK code are numbered under their parent, so that two steps of two
gathered coroutines keep their identity whatever order they finish in.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar

ROOT = "0"
# Kinds whose names may be others when they are said again.
RENAMED = frozenset({"log", "checkpoint", "card"})


class Position:
    """One task's path, and the counters of what it did."""

    __slots__ = ("_children", "_counts", "_operations", "path")

    def __init__(self, path: str = ROOT) -> None:
        self.path = path
        self._children = self._operations = 0
        self._counts: Counter[tuple[str, str]] = Counter()

    def child(self) -> Position:
        """The position of the next task that this one makes."""
        self._children += 1
        return Position(f"{self.path}/{self._children}")

    def within(self, name: str) -> Position:
        """A place apart, for code that does not run again with the rest: what it counts moves nothing out here."""
        return Position(f"{self.path}:{name}")

    def branch(self, name: str) -> str:
        """The beginning of the paths of a list's parts."""
        return f"{self.path}/{name[:40]}.{self.next('map', name)}"

    def place(self) -> int:
        """Which of its operations the next one is, whatever its kind, from 0."""
        self._operations += 1
        return self._operations - 1

    def next(self, kind: str, name: str) -> int:
        """Which one of its kind and name this is in this task, from 0. What is RENAMED counts by kind alone."""
        key = (kind, "" if kind in RENAMED else name)
        number = self._counts[key]
        self._counts[key] = number + 1
        return number


position: ContextVar[Position] = ContextVar("position")
