"""An execution's history as text for a terminal: a line for each operation, or every line of the journal.

Both take what `recording.document_of` gives, which holds nothing that must not be shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bifrost.sdk.sanitizing import cut
from workflows_app import timeline
from workflows_app.engine.recorded import RecordedOperation, operations_of
from workflows_app.recording import lines_of

Row = tuple[Any, ...]

COLUMNS: Row = ("#", "at", "", "what", "took", "tries", "outcome")
WHAT = 3
RIGHT = frozenset({0, 1, 4, 5})
MOST_NAME = 44
BAR = 20
VALUE = 60
# Of the lines that are no operations: those that tell how the execution went on.
TOLD = frozenset({"status", "recovery", "inbox", "stop", "error"})
STYLES = {"alarming": "red", "cautioning": "yellow", "": ""}
STATES = {"failed": "red", "retrying": "yellow", "cancelled": "yellow", "done": "green"}


def compact(document: Mapping[str, Any], width: int, *, colour: bool) -> str:
    """Steps, waits and children in a line each, numbered as `fork` counts them: when, how long, what came of it."""
    clock = Clock(document)
    told = sorted([*_operations(document, clock), *_told(document, clock)], key=lambda each: each[0])
    return _printed([*_head(document), Text(), _table([row for _, row in told], width)], width, colour)


def full(document: Mapping[str, Any], width: int, *, colour: bool) -> str:
    """Every line of the journal, with its data below it."""
    began = str(document["startedAt"] or document["createdAt"])
    shown: list[Any] = [*_head(document), Text()]
    for line in document["lines"]:
        entry = timeline.entry({**line, "data": cut(line["data"])}, began)
        said = Text(f"{entry['seq']:>5} {entry['offset']:>11}  {entry['kind']:<16} ")
        shown.append(said.append(entry["title"], style=STYLES[entry["tone"]]))
        shown += [Text(f"{'':20}{below}", style="dim") for below in entry["detail"].splitlines()]
    return _printed(shown, width, colour)


def _table(rows: Sequence[Row], width: int) -> Table:
    """Only the last column is cut, and names that are very long."""
    widths = [max(len(str(row[place])) for row in (COLUMNS, *rows)) for place in range(len(COLUMNS) - 1)]
    widths[WHAT] = min(widths[WHAT], MOST_NAME)
    table = Table.grid(padding=(0, 1))
    for place, taken in enumerate([*widths, max(10, width - sum(widths) - len(COLUMNS))]):
        table.add_column(width=taken, no_wrap=True, overflow="ellipsis", justify="right" if place in RIGHT else "left")
    table.add_row(*COLUMNS, style="bold")
    for row in rows:
        table.add_row(*row)
    return table


# Where the execution has ended, nobody waits for it any more.
UNFINISHED = frozenset({"started", "waiting", "alive", "retrying", "cancelled"})


@dataclass(frozen=True)
class Span:
    """Seconds since the execution began."""

    start: float
    end: float


class Clock:
    """Times of one history."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._began = datetime.fromisoformat(document["startedAt"] or document["createdAt"])
        self._at = {line["seq"]: self.since(line["timestamp"]) for line in document["lines"]}
        self._whole = max([0.001, *self._at.values()])

    def since(self, moment: str) -> float:
        return max(0.0, (datetime.fromisoformat(moment) - self._began).total_seconds())

    def at(self, seq: int) -> float:
        return self._at[seq]

    def span(self, operation: RecordedOperation) -> Span:
        """From its first line to its last; one that was over at once has only the one that says how long it took."""
        first, last = operation.lines[0], operation.lines[-1]
        took = (first.data or {}).get("durationMs") or 0
        return Span(max(0.0, self.at(first.seq) - took / 1000), self.at(last.seq))

    def bar(self, span: Span) -> str:
        """Where in the whole it lies."""
        start = min(BAR - 1, int(span.start / self._whole * BAR))
        return " " * start + "━" * max(1, round((span.end - span.start) / self._whole * BAR))


def _operations(document: Mapping[str, Any], clock: Clock) -> Iterator[tuple[int, Row]]:
    ended = document["completedAt"] is not None
    for operation in operations_of(lines_of(document)):
        what = _indented(operation)
        number = str(operation.number)
        outcome = Text(_outcome(operation, ended), style=STATES.get(operation.state, ""))
        if operation.taken_over:
            yield operation.lines[0].seq, (number, "", "", what, "", "", Text("taken over: ") + outcome)
            continue
        span = clock.span(operation)
        took = timeline.duration(round((span.end - span.start) * 1000))
        tries = (operation.outcome or operation.lines[-1]).data.get("attempt", "")
        bar = Text(clock.bar(span)[:BAR], style="cyan")
        yield operation.lines[0].seq, (number, f"+{span.start:.3f} s", bar, what, took, str(tries), outcome)


def _told(document: Mapping[str, Any], clock: Clock) -> Iterator[tuple[int, Row]]:
    for line in document["lines"]:
        if line["kind"] in TOLD:
            entry = timeline.entry({**line, "data": cut(line["data"])}, str(document["startedAt"] or line["timestamp"]))
            title = Text(entry["title"], style=STYLES[entry["tone"]] or "dim")
            yield line["seq"], ("", f"+{clock.at(line['seq']):.3f} s", "", Text(entry["kind"], "dim"), "", "", title)


def _indented(operation: RecordedOperation) -> Text:
    """Those of tasks that the workflow made stand in from its own."""
    key = operation.key
    depth = key.path.count("/")
    again = f", attempt {operation.attempt} of the run" if operation.attempt > 1 else ""
    which = f" ({key.number + 1})" if key.number else ""
    return Text(f"{'  ' * depth}{key.kind} {key.name}".rstrip() + which + again)


def _outcome(operation: RecordedOperation, ended: bool) -> str:
    line = operation.outcome or operation.lines[-1]
    data: dict[str, Any] = line.data or {}
    if (error := data.get("error")) is not None:
        return f"{operation.state}: {error.get('raised') or error['error']}: {error['message']}"
    if data.get("timedOut"):
        return "over" if operation.key.kind == "timer" else "nothing came in time"
    if operation.state != "done":
        return "given up" if ended and operation.state in UNFINISHED else operation.state
    value = json.dumps(data.get("value"), ensure_ascii=False)
    return value if len(value) <= VALUE else f"{value[:VALUE]}…"


def _head(document: Mapping[str, Any]) -> list[Text]:
    took = timeline.duration(document["durationMs"])
    first = Text(str(document["workflowName"]), style="bold")
    first.append(f"  {document['status']}{f' in {took}' if took else ''}, attempt {document['attempt']}")
    who = document["executedBy"].get("name") or document["executedBy"].get("id")
    second = Text(
        f"{document['executionId']} of {document['organization']['orgId']}, started by {who} at"
        f" {document['startedAt'] or document['createdAt']}, code {document['codeVersion'][:12]}"
    )
    if not (error := document["error"]):
        return [first, second]
    return [first, second, Text(f"{error['error']}: {error['message']}", style="red")]


def _printed(parts: Iterable[Any], width: int, colour: bool) -> str:
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="auto" if colour else None)
    for part in parts:
        console.print(part, highlight=False, markup=False, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())
