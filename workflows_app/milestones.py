"""What a run has done and waits for, one entry for each step however many lines its journal has of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bifrost.sdk.saga import undoing_of
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine.history import OPERATIONS
from workflows_app.models import ExecutionEvent

KINDS = (*sorted(OPERATIONS), "saga")
# Of the journal's lines about them, the last so many are read.
MOST_LINES = 600
UNDONE = {"Compensated": "undone", "CompensationFailed": "not undone"}
# How far an undoing is, by the state of the step that it is.
UNDOING = {"done": "undone", "failed": "not undone", "cancelled": "cancelled"}
ENDED = frozenset({"done", "failed", "cancelled", "timed out", "approved", "rejected", *UNDONE.values()})


# Task, kind, name, and which one of those.
Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Milestone:
    """`kind`: step, timer, signal, approval, child, start, or saga: the undoing of the step that `name` says. `state`:
    started, waiting, retrying, undoing, or one of ENDED. `due`: until when it waits. `about`: the id of its approval or
    of the child execution."""

    kind: str
    name: str
    state: str
    began: datetime
    changed: datetime
    due: datetime | None = None
    about: str | None = None

    @property
    def ended(self) -> bool:
        return self.state in ENDED


def milestones_of(organization: OrganizationRecord, execution: UUID) -> list[Milestone]:
    """In the order in which they began; of a very long run the last ones. One query."""
    with org_context(organization):
        lines = ExecutionEvent.objects.filter(execution=execution, kind__in=KINDS).order_by("-seq")
        rows = list(lines.values("at", "kind", "name", "path", "number", "data")[:MOST_LINES])
    return _joined(reversed(rows))


def _joined(rows: Iterable[Mapping[str, Any]]) -> list[Milestone]:
    lines = list(rows)
    found: dict[Key, Milestone] = {}
    undone = {undoing_of(row["name"]): row["name"] for row in lines if row["kind"] == "saga"}
    undoings: dict[tuple[str, str], Key] = {}  # the last one of each step, in each task
    for row in lines:
        data = row["data"] if isinstance(row["data"], dict) else {}
        # What was not asked for as such is no step to a reader; a sign of life changes nothing.
        if data.get("implicit") or data.get("state") == "alive":
            continue
        made = _milestone(row, data)
        if made is None:
            continue
        path, kind, name = row["path"], row["kind"], row["name"]
        key: Key = (path, kind, name, row["number"])
        if kind == "saga":
            # An undoing is a step of its own, and the saga says afterwards what came of it.
            key = undoings.get((path, name), key)
        elif kind == "step" and name in undone:
            undoings[path, undone[name]] = key
            made = replace(made, kind="saga", name=undone[name], state=UNDOING.get(made.state, "undoing"))
        found[key] = _after(found.get(key), made)
    return list(found.values())


def _after(before: Milestone | None, made: Milestone) -> Milestone:
    """What is known now: it began when it did, unless it ended and has begun anew."""
    if before is None or (before.ended and not made.ended):
        return made
    return replace(made, began=before.began, about=made.about or before.about)


def _milestone(row: Mapping[str, Any], data: Mapping[str, Any]) -> Milestone | None:
    state = _state(row["kind"], data)
    if state is None:
        return None
    at = row["at"]
    took = data.get("durationMs")
    return Milestone(
        kind=row["kind"],
        name=row["name"],
        state=state,
        began=at - timedelta(milliseconds=took) if isinstance(took, int | float) else at,
        changed=at,
        due=_due(data),
        about=data.get("approvalId") or data.get("executionId"),
    )


def _state(kind: str, data: Mapping[str, Any]) -> str | None:
    if kind == "saga":
        return UNDONE.get(str(data.get("status")))
    state = str(data.get("state") or "started")
    if data.get("timedOut"):
        return "timed out"
    if kind == "approval" and state == "done" and isinstance(value := data.get("value"), dict):
        return "approved" if value.get("approved") else "rejected"
    return state


def _due(data: Mapping[str, Any]) -> datetime | None:
    seconds = data.get("until") if data.get("until") is not None else data.get("due")
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # a wait for ever
        return None
