"""Conditions are chosen: field, comparison, value."""

from __future__ import annotations

from typing import Any

import pytest

from forms_app.builder import reading, when
from forms_app.builder.content import Content
from forms_app.builder.controls import Typed

FIELDS = (
    {
        "type": "field",
        "name": "kind",
        "kind": "choice",
        "label": "Kind",
        "choices": [{"value": "staff", "label": "Member of staff"}, {"value": 7, "label": "Guest"}],
    },
    {"type": "field", "name": "size", "kind": "number", "label": "Size"},
    {"type": "field", "name": "remote", "kind": "checkbox", "label": "Works remotely"},
    {"type": "field", "name": "why", "kind": "text", "label": "Why"},
)


def chosen(*rows: tuple[str, str, str], join: str = "all", before: Any = None, **more: str) -> Any:
    item: dict[str, Any] = {"type": "text", "text": "It"} | ({"visibleWhen": before} if before else {})
    content = Content((*FIELDS, item))
    data = {"when.join": join, **{name.replace("__", "."): value for name, value in more.items()}}
    for number, (field, comparison, value) in enumerate(rows):
        place = f"when.{number}"
        data |= {f"{place}.field": field, f"{place}.was": field, f"{place}.is": comparison, f"{place}.value": value}
    return reading.item_from(content, 4, Typed(data), None, {}).get("visibleWhen")


@pytest.mark.parametrize(
    ("row", "condition"),
    [
        (("kind", "equals", "7"), {"field": "kind", "is": "equals", "value": 7}),
        (("kind", "in", "staff, 7"), {"field": "kind", "is": "in", "value": ["staff", 7]}),
        (("size", "above", "2.5"), {"field": "size", "is": "above", "value": 2.5}),
        (("remote", "equals", "false"), {"field": "remote", "is": "equals", "value": False}),
        (("why", "contains", " a, b "), {"field": "why", "is": "contains", "value": "a, b"}),
        (("why", "empty", "whatever"), {"field": "why", "is": "empty"}),
        (("why", "", ""), {"field": "why", "is": "equals", "value": ""}),
    ],
)
def test_a_row_is_a_comparison_with_a_value_of_the_field_s_kind(row: tuple[str, str, str], condition: Any) -> None:
    assert chosen(row) == condition


def test_several_rows_are_joined_and_empty_ones_are_none() -> None:
    rows = (("kind", "equals", "staff"), ("", "", ""), ("size", "not_empty", ""))
    both = [{"field": "kind", "is": "equals", "value": "staff"}, {"field": "size", "is": "not_empty"}]

    assert chosen(*rows) == {"all": both}
    assert chosen(*rows, join="any") == {"any": both}
    assert chosen(("", "", "")) is None


def test_a_row_is_removed() -> None:
    before = {"any": [{"field": "why", "is": "empty"}, {"field": "size", "is": "empty"}]}
    content = Content((*FIELDS, {"type": "text", "text": "It", "visibleWhen": before}))
    data = {
        "when.join": "any",
        "when.0.field": "why",
        "when.0.is": "empty",
        "when.1.field": "size",
        "when.1.is": "empty",
    }

    item = reading.item_from(content, 4, Typed(data), None, {}, without={"when": 0})

    assert item["visibleWhen"] == {"field": "size", "is": "empty"}


def test_another_field_in_a_row_brings_a_comparison_that_fits_it() -> None:
    content = Content((*FIELDS, {"type": "text", "text": "It"}))
    data = {
        "when.join": "all",
        "when.0.field": "remote",
        "when.0.was": "size",
        "when.0.is": "above",
        "when.0.value": "3",
    }

    item = reading.item_from(content, 4, Typed(data), None, {})

    assert item["visibleWhen"] == {"field": "remote", "is": "equals", "value": True}


def test_a_nested_condition_is_told_in_words_and_kept_until_it_is_replaced() -> None:
    nested = {
        "any": [
            {"not": {"field": "remote", "is": "equals", "value": True}},
            {"all": [{"field": "kind", "is": "equals", "value": "staff"}, {"field": "why", "is": "not_empty"}]},
        ]
    }
    content = Content((*FIELDS, {"type": "text", "text": "It", "visibleWhen": nested}))

    assert when.show(content, 4).words == "not (Works remotely is ticked) or (Kind is “staff” and Why is filled in)"
    assert chosen(("why", "empty", ""), before=nested) == nested
    assert chosen(("why", "empty", ""), before=nested, when__replace="true") == {"field": "why", "is": "empty"}


def test_only_fields_before_the_item_and_comparisons_that_say_something_are_offered() -> None:
    item = {"type": "text", "text": "It", "visibleWhen": {"field": "remote", "is": "equals", "value": True}}
    content = Content((FIELDS[2], item, FIELDS[3]))

    row, empty = when.show(content, 1).rows

    assert [key for key, _ in empty.field.options] == ["", "remote"]
    assert row.comparison and [key for key, _ in row.comparison.options] == ["equals"]
    assert row.value and row.value.options == (("true", "ticked"), ("false", "not ticked"))
    assert when.show(content, 0).possible is False
