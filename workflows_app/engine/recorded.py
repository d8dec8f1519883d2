"""The operations that a journal holds, one by one and numbered: as `history` shows them and `fork` counts them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workflows_app.engine.history import OPERATIONS, TAKEN_OVER, Key, Line


@dataclass(slots=True)
class RecordedOperation:
    """One operation of one attempt, with its lines: it may have begun, been tried again, and come to something.

    `number` counts from 1, in the order in which they first appear. `taken_over`: it is another execution's.
    """

    number: int
    key: Key
    attempt: int
    taken_over: bool
    lines: list[Line] = field(default_factory=list)

    @property
    def outcome(self) -> Line | None:
        """What it came to; None where it did not end, or was given up."""
        return next((line for line in reversed(self.lines) if state_of(line) in {"done", "failed"}), None)

    @property
    def state(self) -> str:
        """The last word on it: done, failed, cancelled, retrying, alive or started."""
        return state_of(self.outcome or self.lines[-1])

    @property
    def timed_out(self) -> bool:
        """Whether it waited for something that did not come in time."""
        return self.outcome is not None and bool(self.outcome.data.get("timedOut")) and self.key.kind != "timer"


def operations_of(lines: Iterable[Line]) -> list[RecordedOperation]:
    """Those of all attempts. What an attempt reuses of one before has no line of its own there."""
    found: list[RecordedOperation] = []
    open_: dict[Key, RecordedOperation] = {}
    attempt = 1
    for line in lines:
        if (began := attempt_begun(line)) is not None and began != attempt:
            attempt = began
            open_.clear()
        if line.kind not in OPERATIONS:
            continue
        taken_over = TAKEN_OVER in (line.data or {})
        operation = open_.get(line.key)
        if operation is None or operation.taken_over != taken_over:
            operation = RecordedOperation(len(found) + 1, line.key, attempt, taken_over)
            found.append(operation)
            open_[line.key] = operation
        operation.lines.append(line)
    return found


def last_attempt(lines: Sequence[Line]) -> int:
    """The last attempt that has begun."""
    return next((began for line in reversed(lines) if (began := attempt_begun(line)) is not None), 1)


def attempt_begun(line: Line) -> int | None:
    """Which attempt the line says to begin, or to go on."""
    if line.kind != "status" or line.name != "Running":
        return None
    return int((line.data or {}).get("attempt", 1))


def state_of(line: Line) -> str:
    data: dict[str, Any] = line.data or {}
    return str(data.get("state", ""))
