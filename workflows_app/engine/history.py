"""What an execution's journal holds of earlier stretches and attempts, for its replay (engine.md, sections 5 and 8)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from workflows_app.engine.position import RENAMED

# Kinds of lines that stand for something which must not be done again.
OPERATIONS = frozenset({"step", "timer", "signal", "approval", "child", "start"})
# A stop from which the code went on to compensate: it takes its place among the outcomes.
STOP = "stop"
# Kinds of what the code says and does not hear: a run that resumes says it again, and it is written once.
NOTES = frozenset({"log", "checkpoint", "variable", "integration_call", "secret", "connection", "saga", "card"})
# Kinds of what the code was once told, and is told again.
VALUES = frozenset({"value", "config"})
# In the data of a line that is another execution's, which this one began with.
TAKEN_OVER = "takenOver"


class Key(NamedTuple):
    """What identifies an operation: its task, what it is, and which one of those in that task."""

    path: str
    kind: str
    name: str
    number: int

    def __str__(self) -> str:
        which = f" ({self.number + 1})" if self.number else ""
        return f"{self.kind} {self.name!r}{which}" if self.name else f"{self.kind}{which}"


def note_key(path: str, kind: str, name: str, number: int) -> Key:
    """What identifies something said; logs, checkpoints and cards may change their names."""
    return Key(path, kind, "" if kind in RENAMED else name, number)


@dataclass(frozen=True, slots=True)
class Line:
    """A journal line with its exact data."""

    seq: int
    kind: str
    name: str
    path: str
    number: int
    data: Any

    @property
    def key(self) -> Key:
        return Key(self.path, self.kind, self.name, self.number)


@dataclass(slots=True)
class Sent:
    """An entry of the inbox, with its exact data."""

    number: int
    kind: str
    name: str
    data: Any


@dataclass(slots=True)
class History:
    """`order`: what ended in this attempt, in the order in which it was delivered; it is delivered so again.
    `reused`: what earlier attempts have done well, and what was taken over from another execution. `begun`: what has
    begun, ended or not. `places`: what each task asked for, by its place there. `not_before`: when the last attempt
    that was put off is due, by the database's clock.
    """

    order: deque[Key] = field(default_factory=deque)
    ended: dict[Key, Line] = field(default_factory=dict)
    reused: dict[Key, Line] = field(default_factory=dict)
    begun: dict[Key, list[Line]] = field(default_factory=dict)
    cancelled: set[Key] = field(default_factory=set)
    places: dict[tuple[str, int], Key] = field(default_factory=dict)
    values: dict[Key, Line] = field(default_factory=dict)
    noted: set[Key] = field(default_factory=set)
    checkpoints: dict[str, Any] = field(default_factory=dict)
    inbox: dict[int, Line] = field(default_factory=dict)
    not_before: datetime | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the code has said or asked for anything in this attempt."""
        return bool(self.begun or self.ended or self.cancelled or self.noted)

    def put_off_at(self, now: datetime) -> datetime | None:
        """Until when this attempt is put off, where it has not begun and that lies ahead."""
        ahead = self.not_before is not None and self.not_before > now
        return self.not_before if ahead and not self.has_begun else None

    def explicit(self) -> int:
        """How many operations the author asked for as such, of all attempts."""
        first = [*self.ended.values(), *self.reused.values(), *(lines[0] for lines in self.begun.values())]
        return sum(not (line.data or {}).get("implicit") for line in first)

    def unread(self) -> deque[Sent]:
        """What has arrived and none of the recorded waits has taken."""
        ended = [*self.ended.values(), *self.reused.values()]
        taken = {line.data["inbox"] for line in ended if "inbox" in line.data}
        entries = (self.inbox[number] for number in sorted(self.inbox.keys() - taken))
        return deque(
            Sent(line.number, line.name, line.data.get("name", ""), line.data.get("value"))
            for line in entries
            if line.name != "cancel"
        )

    @property
    def stopped(self) -> bool:
        """Whether the run was stopped and went on to compensate."""
        return any(key.kind == STOP for key in self.ended)

    @property
    def cancel(self) -> Line | None:
        """What was read of a cancellation."""
        return next((line for line in self.inbox.values() if line.name == "cancel"), None)

    @property
    def received(self) -> int:
        """The number of the last entry of the inbox that the journal holds."""
        return max(self.inbox, default=0)


def history_of(lines: Iterable[Line], attempt: int) -> History:
    """The history for this attempt: as it was for a stretch of it, and what may be reused of attempts before."""
    history = History()
    current = 1
    for line in lines:
        if line.kind == "status" and line.name == "Running":
            began = int((line.data or {}).get("attempt", 1))
            if began != current:
                current = began
                _next_attempt(history)
        elif line.kind == "status" and "until" in (line.data or {}):
            history.not_before = datetime.fromisoformat(line.data["until"])
        elif line.kind in OPERATIONS:
            _operation(history, line)
        elif line.kind == STOP:
            history.ended[line.key] = line
            history.order.append(line.key)
        elif line.kind in VALUES:
            history.values[line.key] = line
        elif line.kind in NOTES:
            history.noted.add(note_key(line.path, line.kind, line.name, line.number))
            if line.kind == "checkpoint":
                history.checkpoints[line.name] = line.data
        elif line.kind == "inbox":
            history.inbox[line.number] = line
    if current != attempt:
        _next_attempt(history)
    return history


def _next_attempt(history: History) -> None:
    """What was done well may be reused, what failed is done again; lines are written anew, for this attempt."""
    known = {**history.reused, **history.ended}
    history.reused = {key: line for key, line in known.items() if key.kind != STOP and line.data["state"] == "done"}
    for container in (history.order, history.ended, history.begun, history.cancelled, history.places, history.noted):
        container.clear()


def _operation(history: History, line: Line) -> None:
    data: Mapping[str, Any] = line.data or {}
    key, state = line.key, data.get("state")
    if (sent := history.inbox.get(data.get("inbox", 0))) is not None:
        # What came is kept exactly where it came in.
        line = replace(line, data={**data, "value": sent.data.get("value")})
    if TAKEN_OVER in data:
        history.reused[key] = line
        return
    if "place" in data:
        history.places[line.path, int(data["place"])] = key
    if state in {"done", "failed"}:
        history.ended[key] = line
        history.order.append(key)
    elif state == "cancelled":
        history.cancelled.add(key)
    else:
        history.begun.setdefault(key, []).append(line)
