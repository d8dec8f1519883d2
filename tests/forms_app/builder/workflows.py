"""The workflow for tests of the builder, and a form that shows every kind of item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bifrost.sdk.registry import collect
from bifrost.sdk.specs import WorkflowSpec
from forms_app.builder.content import Content
from tests.forms_app.builder import orders

SOURCE = Path(orders.__file__).read_text()


def order_laptop() -> WorkflowSpec:
    """The workflow as it loads."""
    [spec] = collect(orders).workflows
    return spec


def _field(name: str, kind: str, **said: Any) -> dict[str, Any]:
    return {"type": "field", "name": name, "kind": kind, "label": name.title(), **said}


PAIRS = [{"value": 1, "label": "One"}, {"value": "2", "label": "Two"}, {"value": True, "label": "Yes"}]
EVERYTHING = Content(
    (
        {"type": "section", "title": "About", "text": "Some *words*."},
        _field("plain", "text", required=True, help="Help", placeholder="Hold", width="half", sent=False),
        _field("ruled", "text", rules={"min_length": 2, "max_length": 5, "pattern": "^a"}, default="abc", sent=False),
        _field("long", "long_text", default="one\ntwo", sent=False),
        _field("count", "number", rules={"min": 0, "max": 9.5, "step": 0.5}, default=0, sent=False),
        _field("whole", "number", rules={"whole": True}, mode="fixed", default=3, sent=False),
        _field("mail", "email", default="a@b.example", sent=False),
        _field("phone", "phone", sent=False),
        _field("day", "date", default="2026-03-01", rules={"min": "2026-01-01"}, sent=False),
        _field("moment", "datetime", default="2026-03-01T09:00:00Z", sent=False),
        _field("zone", "timezone", default="Europe/London", sent=False),
        _field("one", "choice", choices=PAIRS, default=True, sent=False),
        _field("few", "radio", choices=PAIRS, default=1, mode="hidden", sent=False),
        _field("many", "multiple_choice", choices=PAIRS, default=["2"], rules={"max_length": 2}, sent=False),
        _field("offered", "choice", provider="shops", inputs={"city": "plain"}, default="x", sent=False),
        _field("ticked", "checkbox", default=True, sent=False),
        _field("shut", "switch", mode="fixed", default=False, sent=False),
        _field("raw", "json", default={"a": [1, None]}, sent=False),
        _field("hidden", "secret", rules={"min_length": 8}, sent=False),
        _field(
            "paper", "file", rules={"max_bytes": 2_500_000, "types": [".pdf", "image/png"], "many": True}, sent=False
        ),
        _field("lines", "list", default=["a", "b = c"], sent=False),
        _field("pairs", "key_value", default={"a": "1", "b": "x = y"}, sent=False),
        _field(
            "rows",
            "group",
            rules={"min_length": 1},
            fields=[
                {"type": "field", "name": "who", "kind": "text", "label": "Who", "required": True},
                {"type": "field", "name": "how", "kind": "choice", "label": "How", "choices": PAIRS[:2]},
            ],
            sent=False,
        ),
        {"type": "text", "text": "Bye", "visibleWhen": {"field": "one", "is": "equals", "value": 1}},
        _field(
            "a",
            "text",
            sent=False,
            visibleWhen={
                "any": [
                    {"field": "count", "is": "above", "value": 2.5},
                    {"field": "one", "is": "in", "value": [1, "2"]},
                    {"field": "ticked", "is": "equals", "value": False},
                    {"field": "many", "is": "contains", "value": True},
                    {"field": "plain", "is": "empty"},
                ]
            },
        ),
        _field("b", "text", sent=False, visibleWhen={"not": {"field": "plain", "is": "empty"}}),
    ),
    "Go",
    "Thank *you*.",
)
