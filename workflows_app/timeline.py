"""How pages tell an execution's journal: when, what kind of line, what happened, and the data below it."""

from __future__ import annotations

import json
from typing import Any

from django.utils.dateparse import parse_datetime

from workflows_app.engine.history import OPERATIONS, TAKEN_OVER
from workflows_app.models import Status
from workflows_app.progress import in_words

ONE_LINE = 100
# Lines about another execution.
CHILDREN = frozenset({"child", "start"})
TITLE = 200
CARD_PARTS = ("text", "values", "table", "links", "files")
# Not by its code: a traceback would say nothing.
ENDED_BY_SOMEBODY = frozenset({Status.CANCELLED, Status.REJECTED})
# Of lines by kind and name, or by kind alone.
TONES = {
    ("error", Status.CANCELLED): "cautioning",
    ("error", Status.REJECTED): "cautioning",
    ("error", ""): "alarming",
    ("status", Status.FAILED): "alarming",
    ("recovery", ""): "cautioning",
    ("log", "error"): "alarming",
    ("log", "critical"): "alarming",
    ("log", "warning"): "cautioning",
}
SAGA_WORDS = {
    "Completed": "done",
    "Failed": "failed",
    "Interrupted": "interrupted; whether it was done is not known",
    "Compensated": "undone",
    "CompensationFailed": "could not be undone",
}
TONES_BY_SAGA = {
    "Failed": "cautioning",
    "Interrupted": "cautioning",
    "Compensated": "cautioning",
    "CompensationFailed": "alarming",
}
TONES_BY_STATE = {"failed": "alarming", "retrying": "cautioning", "cancelled": "cautioning"}


def duration(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def pretty(value: Any) -> str:
    """A text as it is, anything else as readable JSON."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def compact(value: Any) -> str:
    """The same, but a few plain values are one line: worker: web-1, reason: sweep."""
    if isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values()):
        line = ", ".join(f"{name}: {part}" for name, part in value.items() if part is not None)
        if len(line) <= ONE_LINE and "\n" not in line:
            return line
    return pretty(value)


def entry(line: dict[str, Any], began: str) -> dict[str, Any]:
    """A journal line as the timeline shows it: when, what, and the data below it."""
    kind, name, data = line["kind"], line["name"], line["data"]
    at, start = parse_datetime(line["timestamp"]), parse_datetime(began)
    title, detail = told(kind, name, data)
    return {
        "seq": line["seq"],
        "offset": f"+{max(0.0, (at - start).total_seconds()):.3f} s" if at and start else "",
        "kind": name if kind == "log" else kind.replace("_", " "),
        "tone": _tone(kind, name, data),
        "title": title,
        "detail": compact(detail) if detail not in (None, {}, "") else "",
        "child": _another(kind, data) if isinstance(data, dict) else None,
    }


def _another(kind: str, data: dict[str, Any]) -> Any:
    """The execution that the line is about, where that is another one."""
    if kind in CHILDREN:
        return data.get("executionId")
    return (data.get("continuedAs") or data.get("continuedFrom")) if kind == "status" else None


def _tone(kind: str, name: str, data: Any) -> str:
    if kind in OPERATIONS and isinstance(data, dict):
        return TONES_BY_STATE.get(str(data.get("state")), "")
    if kind == "saga" and isinstance(data, dict):
        return TONES_BY_SAGA.get(str(data.get("status")), "")
    return TONES.get((kind, name)) or TONES.get((kind, "")) or ""


def told(kind: str, name: str, data: Any) -> tuple[str, Any]:
    """A line's title, and what is shown below it. Every kind that is not named here is its name and its data."""
    facts = data if isinstance(data, dict) else {}
    title, below = name, data
    match kind:
        case "status":
            title, below = _status(name, facts)
        case "inbox":
            title, below = _sent(name, facts)
        case "recovery":
            title, below = f"Recovery {facts.get('recoveries')}: {facts.get('reason')}", None
        case "progress":
            title, below = in_words(facts, None), None
        case "log":
            title, below = str(facts.get("message", "")), facts.get("data")
        case "variable":
            title, below = f"{name} = {pretty(data)}"[:TITLE], None
        case "saga" | "card":
            title, below = _saga_step(name, facts) if kind == "saga" else _card(facts)
        case "config":
            there = (facts.get("value") or {}).get("present")
            title, below = f"{name} is {'there' if there else 'missing'}", None
        case "child" | "start":
            title, below = _child(kind, name, facts)
        case _ if kind in OPERATIONS:
            title, below = _operation(kind, name, facts)
        case "integration_call":
            title = f"{name}: {facts.get('method')} {facts.get('endpoint')} → {_answer(facts)}"
            below = {name: facts[name] for name in ("duration_ms", "error", "would_send") if name in facts}
        case "error":
            title, below = _error(name, facts)
    return (f"{title}, taken over" if kind in OPERATIONS and TAKEN_OVER in facts else title), below


def _saga_step(name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    status = SAGA_WORDS.get(str(facts.get("status")), "")
    return f"{facts.get('saga')}, step {facts.get('step')}, {name}: {status}", facts.get("error")


def _card(facts: dict[str, Any]) -> tuple[str, Any]:
    """What was shown to whoever asked; the card itself is on the page."""
    return str(facts.get("title", "")), {part: facts[part] for part in CARD_PARTS if facts.get(part)}


def _child(kind: str, name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    if kind == "child":
        return f"{name}: {facts.get('status') or facts.get('state')}", None
    return (f"{name} started", None) if facts.get("state") == "done" else _operation(kind, name, facts)


def _error(name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    if name in ENDED_BY_SOMEBODY:
        return str(facts.get("message", name)), None
    return f"{name}: {facts.get('message', '')}", facts.get("traceback") or facts.get("details")


def _operation(kind: str, name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    """A step or wait: what it was given, and what came of it."""
    what, state = name or kind, facts.get("state", "")
    if facts.get("attempt", 1) != 1:
        what += f", attempt {facts['attempt']}"
    if (error := facts.get("error")) is not None:
        raised = error.get("raised") or error["error"]
        return f"{what} {state}: {raised}: {error['message']}"[:TITLE], error.get("traceback") or error.get("details")
    if state == "waiting":
        return f"{what} waits for {facts.get('reason')}"[:TITLE], None
    if facts.get("timedOut"):
        return f"{what}: its time is over", None
    if (milliseconds := facts.get("durationMs")) is not None:
        what += f", {duration(milliseconds)}"
    below = {part: facts[part] for part in ("arguments", "value", "heartbeat", "due") if facts.get(part) is not None}
    return (what if state == "done" else f"{what}: {state}"), below


def _status(name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    """A change of status with its reason, or with who asked for it."""
    if reason := facts.get("reason"):
        return f"{name}: {reason}", facts.get("comment")
    if who := facts.get("by"):
        return f"{name} by {who}", None
    if successor := facts.get("continuedAs"):
        return f"{name}: goes on as {successor}", None
    if predecessor := facts.get("continuedFrom"):
        return f"{name}: goes on after {predecessor}", None
    if facts.get("attempt", 1) != 1:
        return f"{name}, attempt {facts['attempt']}", _without(facts, "attempt", "epoch")
    return name, _without(facts, "attempt", "epoch")


def _sent(name: str, facts: dict[str, Any]) -> tuple[str, Any]:
    """What others have sent: Cancel asked for by Ada."""
    what = name.capitalize()
    if name == "decision":
        return f"{what}: {facts.get('state')} by {facts.get('by')}", None
    if who := facts.get("by"):
        return f"{what} asked for by {who}", _without(facts, "by", "kind", "id")
    return what, facts


def _without(facts: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in names}


def _answer(call: dict[str, Any]) -> Any:
    if call.get("dry_run"):
        return "would be sent"
    return call.get("status_code") or call.get("error") or "no answer"
