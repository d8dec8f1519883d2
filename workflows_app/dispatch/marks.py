"""Signs of life of a cluster's processes, for the supervisor that started the cluster.

A mark is a short line in a pipe, written about once a second. Unlike a row in the database it needs nobody else to be
well, and unlike a file it leaves nothing behind and is read by the supervisor's own clock alone. Who cannot run any
Python code, because it was stopped or somebody's code holds the interpreter, writes none.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings

SECONDS_BETWEEN = 0.9
# A supervisor that looks so late was itself stopped, perhaps with all others: that is held against nobody.
LATE_LOOK_SECONDS = 5.0

_last: dict[tuple[int, str], float] = {}


def touch(role: str, overdue: float = 0.0) -> None:
    """Marks this process as alive, at most about once a second. `overdue`: for how long it has seen no progress."""
    key, now = (os.getpid(), role), time.monotonic()
    if now - _last.get(key, 0.0) >= SECONDS_BETWEEN:
        _last[key] = now
        _write(role, overdue)


def leave() -> None:
    """Says that this process ends in order, so that its silence means nothing."""
    _write("gone", 0.0)


def _write(role: str, overdue: float) -> None:
    descriptor = settings.MARKS_FD
    # Full where the supervisor stands still, broken where it is gone, absent where there is none.
    with suppress(OSError):
        if descriptor >= 0 and stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.write(descriptor, f"{role} {os.getpid()} {overdue:.1f}\n".encode())


@dataclass(slots=True)
class Mark:
    """The last mark of one process."""

    role: str
    pid: int
    at: float
    overdue: float


@dataclass(slots=True)
class Reader:
    """The supervisor's end of a cluster's pipe. `written_by` is the end that the cluster inherits."""

    clock: Callable[[], float] = time.monotonic
    written_by: int = -1
    _read_from: int = -1
    _rest: bytes = b""
    _last_look: float = 0.0
    _marks: dict[int, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read_from, self.written_by = os.pipe()
        os.set_blocking(self._read_from, False)
        # Of the open pipe, and so for all who inherit it.
        os.set_blocking(self.written_by, False)
        self._last_look = self.clock()

    def close(self) -> None:
        os.close(self._read_from)
        os.close(self.written_by)

    def look(self) -> None:
        """Takes in what was written since the last look."""
        now = self.clock()
        if now - self._last_look > LATE_LOOK_SECONDS:
            for mark in self._marks.values():
                mark.at += now - self._last_look
        self._last_look = now
        for line in self._lines():
            role, pid, overdue = line.split()
            if role == "gone":
                self._marks.pop(int(pid), None)
            else:
                self._marks[int(pid)] = Mark(role, int(pid), now, float(overdue))

    def pids(self, role: str) -> list[int]:
        return [mark.pid for mark in self._marks.values() if mark.role == role]

    def forget(self, pid: int) -> None:
        self._marks.pop(pid, None)

    def youngest(self, role: str) -> float | None:
        """How many seconds ago a process of that role was last well; None where there was none."""
        return min((self._age(mark) for mark in self._marks.values() if mark.role == role), default=None)

    def silent(self, role: str, seconds: float) -> list[Mark]:
        """Those of that role who were last well longer ago than that."""
        return [mark for mark in self._marks.values() if mark.role == role and self._age(mark) > seconds]

    def _age(self, mark: Mark) -> float:
        return self.clock() - mark.at + mark.overdue

    def _lines(self) -> Iterator[str]:
        try:
            while content := os.read(self._read_from, 65_536):
                self._rest += content
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        yield from (line.decode() for line in lines)
