"""Values that nobody can change here: each field shows its own as one reads it."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.template.loader import render_to_string

from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fitting import to_read
from workflows_app.inputs.rendering import Asked

EMPTY = "\u2013"
HOSTILE = "<script>alert(1)</script>"


def seen(item: dict[str, Any], value: Any = None) -> str:
    """What a reader sees of one field; it asks for nothing."""
    definition = Definition.read([{"name": "it", "label": "Label", **item}])
    html = render_to_string("inputs/form.html", {"asked": Asked(to_read(definition, {"it": value}))})
    assert 'name="v.' not in html and "<script" not in html and "must be filled in" not in html
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))).strip()


@pytest.mark.parametrize(
    ("item", "value", "shown"),
    [
        ({}, "one", "one"),
        ({}, HOSTILE, HOSTILE),
        ({"required": True}, None, EMPTY),
        ({"kind": "number", "default": 7}, None, "7"),
        ({"kind": "number", "default": 7}, 3, "3"),
        ({"kind": "number"}, "not a number any more", "not a number any more"),
        ({"kind": "checkbox", "default": True}, False, "No"),
        ({"kind": "choice", "choices": [{"value": "no", "label": "Norway"}]}, "no", "Norway"),
        ({"kind": "choice", "choices": ["no"]}, "gone", "gone"),
        ({"kind": "choice", "provider": "countries"}, "no", "no"),
        ({"kind": "multiple_choice", "provider": "countries"}, ["no", "it"], "no, it"),
        ({"kind": "list"}, ["a", "b"], "a b"),
        ({"kind": "key_value"}, {"floor": "third"}, "floor: third"),
        ({"kind": "datetime"}, "2026-12-03T22:30:00Z", "2026-12-03 22:30 By the clock of UTC."),
        ({"kind": "json"}, {"a": [1]}, '{ "a": [ 1 ] }'),
        ({"kind": "secret"}, None, EMPTY),
        ({"kind": "secret"}, "hunter22", "Kept, and not shown."),
        ({}, "REDACTED", "Kept, and not shown."),
        ({"kind": "number"}, "REDACTED", "Kept, and not shown."),
    ],
)
def test_a_value_is_read_as_it_is_and_a_secret_not_at_all(item: dict[str, Any], value: Any, shown: str) -> None:
    assert seen(item, value) == f"Label {shown}"
