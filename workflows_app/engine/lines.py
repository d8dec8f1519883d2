"""The journal lines of one run, from where they are made to where the journal writer takes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bifrost.sdk.documents import size
from bifrost.sdk.errors import TooLarge
from bifrost.sdk.sanitizing import is_secret_key, redact_keys
from integrations.sealing import VaultUnavailable, seal
from workflows_app.engine.history import Key, note_key
from workflows_app.engine.journal import Event
from workflows_app.engine.position import Position

if TYPE_CHECKING:
    from workflows_app.engine.run import Run


class HistoryTooLarge(TooLarge):
    """The execution's journal has reached its limit."""


class Lines:
    """Its loop and its workflow thread add lines; the journal writer takes them. `seq` is the last number there is."""

    def __init__(self, run: Run, seq: int) -> None:
        self._run = run
        self._limits = run.engine.limits
        self._lock = threading.Lock()
        self._seq = seq
        self._notes = Position("")  # the engine's own lines do not count among the code's
        self._unwritten: list[Event] = []
        self._in_flight: list[Future[Any]] = []
        self._logs = self._dropped = self._events = self._bytes = 0

    @property
    def unwritten(self) -> int:
        return len(self._unwritten)

    def record(self, kind: str, name: str, data: Any, where: Position) -> int:
        """Adds a line of the code's. Returns how many are not written now, 0 where it was not added: it is there
        already, or there are too many logs. Raises TooLarge where a value or the whole journal passes its limit."""
        if kind == "log" and not self._log_fits():
            return 0
        length = self._checked(kind, name, data)
        with self._lock:
            number = where.next(kind, name)
            if note_key(where.path, kind, name, number) in self._run.history.noted:
                return 0  # a run that resumes says it again
            self._count(length)
            return self._append(Key(where.path, kind, name, number), data)

    def append(self, key: Key, data: Any, exact: bytes | None = None, *, seals: bool = False) -> int:
        """Adds a line about an operation, or a value that is told again. Raises TooLarge.

        `exact`: its data's value, encrypted, where redaction changes it; `seals`: it is encrypted when it is written.
        """
        length = self._checked(key.kind, key.name, data)
        with self._lock:
            self._count(length)
            return self._append(key, data, exact, seals)

    def note(self, kind: str, name: str, data: Any) -> None:
        """Adds a line of the engine's own, whatever the limits say."""
        with self._lock:
            self._append(Key("", kind, name, self._notes.next(kind, name)), data)

    def replace(self, kind: str, data: Any) -> int:
        """Adds a line that makes the one before it needless, where that is of the same kind and not written yet."""
        with self._lock:
            if self._unwritten and self._unwritten[-1].kind == kind:
                self._unwritten[-1].data = data
                self._tell(self._unwritten[-1])
                return 0
            self._count(size(data))
            return self._append(Key("", kind, "", self._notes.next(kind, "")), data)

    def note_dropped(self) -> None:
        """Says in the journal how many log lines were dropped, if any were."""
        if self._dropped:
            self.note("log", "warning", {"message": f"{self._dropped} log lines dropped", "data": None})

    # --- for the writer ----------------------------------------------------------------------------------------------

    def take(self, most: int | None = None) -> list[dict[str, Any]]:
        """The oldest unwritten lines, redacted, in the form of the statements. They are the caller's to write."""
        with self._lock:
            taken, self._unwritten = self._unwritten[:most], [] if most is None else self._unwritten[most:]
        return [self._written(event) for event in taken]

    def in_flight(self, done: Future[Any]) -> None:
        """Remembers a write that the end must follow."""
        self._in_flight = [future for future in self._in_flight if not future.done()] + [done]

    def under_way(self) -> bool:
        """Whether the journal writer still has lines of this run, which the end must follow."""
        return any(not future.done() for future in self._in_flight)

    # -----------------------------------------------------------------------------------------------------------------

    def _checked(self, kind: str, name: str, data: Any) -> int:
        length, limits = size(data), self._limits
        if length > limits.max_value_bytes:
            raise TooLarge(f"The {kind} {name!r} has {length:,} bytes; the limit is {limits.max_value_bytes:,}.")
        if self._events >= limits.max_events or self._bytes + length > limits.max_journal_bytes:
            error = HistoryTooLarge(
                f"The journal holds {self._events:,} events of {self._bytes:,} bytes; the limits are "
                f"{limits.max_events:,} and {limits.max_journal_bytes:,}."
            )
            self._run.crash(error)
            raise error
        return length

    def _count(self, length: int) -> None:
        self._events += 1
        self._bytes += length

    def _append(self, key: Key, data: Any, exact: bytes | None = None, seals: bool = False) -> int:
        self._seq += 1
        at = datetime.now(UTC).isoformat()
        event = Event(self._seq, at, key.kind, key.name, key.path, key.number, data, exact, seals)
        self._unwritten.append(event)
        self._tell(event)
        return len(self._unwritten)

    def _tell(self, event: Event) -> None:
        if self._run.engine.listener is not None:
            self._run.engine.listener(self._shown(event))

    def _log_fits(self) -> bool:
        self._logs += 1
        if self._logs <= self._limits.max_logs and len(self._unwritten) < self._limits.max_unwritten_logs:
            return True
        self._dropped += 1
        return False

    def _shown(self, event: Event) -> dict[str, Any]:
        run = self._run
        # An error's details name configs and roles; redacting those by key would hide what the documents promise.
        clean: Callable[[Any], Any] = run.scrubber.scrub if event.kind == "error" else run.clean
        data = clean(event.data)
        if event.seals and is_secret_key(event.name):
            data = {**data, "value": redact_keys({event.name: data["value"]})[event.name]}
        return {
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            "name": run.scrubber.scrub(event.name)[:200],
            "path": event.path[:200],
            "number": event.number,
            "data": data,
        }

    def _written(self, event: Event) -> dict[str, Any]:
        line, exact = self._shown(event), event.exact
        if event.seals and line["data"] != event.data:
            try:
                exact = seal(self._run.facts.organization, event.data["value"])
            except VaultUnavailable:
                # It is not told again but read again.
                line["data"] = {name: part for name, part in line["data"].items() if name != "value"}
        return {**line, "exact": f"\\x{exact.hex()}"} if exact is not None else line
