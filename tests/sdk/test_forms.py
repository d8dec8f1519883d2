"""Forms: how they are declared, kept as JSON, and filled in."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bifrost import ValidationError
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.forms import Form


@pytest.mark.parametrize(
    ("value", "kind", "initial"),
    [
        ("text", "string", "text"),
        (5, "int", 5),
        (0.5, "float", 0.5),
        (True, "bool", True),
        (["a"], "list", ["a"]),
        (("a",), "list", ["a"]),
        (None, "json", None),
        (date(2026, 1, 31), "date", "2026-01-31"),
        (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "datetime", "2026-01-31T09:30:00+00:00"),
    ],
)
def test_an_initial_value_says_its_type(value: Any, kind: str, initial: Any) -> None:
    [field] = Form.declared({"name": value}).as_json()
    assert (field["type"], field["initial"], field["label"]) == (kind, initial, "Name")


def test_a_declaration_has_the_words_of_param() -> None:
    said = {
        "type": "string",
        "label": "Why",
        "description": "In a word",
        "required": True,
        "validation": {"max_length": 5},
    }
    assert Form.declared({"reason": said}).as_json() == [{"name": "reason", **said}]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (["a"], "A form is a mapping"),
        ({1: "a"}, "must be text"),
        ({"": "a"}, "must be text"),
        ({"x" * 101: "a"}, "must be text"),
        ({"a": object()}, 'The field "a" has an initial value of the type object'),
        ({"a": {"b": 1}}, r'The field "a" has no "b": .* \(an initial value that is a mapping: {"type": "dict"'),
        ({"a": {"type": "number"}}, 'The field "a" has the unknown type'),
        ({"a": {"type": "int", "default": "five"}}, 'The field "a" has a default that must be a whole number'),
        ({"a": float("nan")}, 'The field "a" has a default that'),
        ({"a": {"type": "int", "validation": {"pattern": "x"}}}, "has the validation rule 'pattern'"),
    ],
)
def test_what_is_no_form_is_refused_with_the_field(form: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Form.declared(form)


def test_it_comes_back_from_json_as_it_went() -> None:
    declared = {"n": 5, "user": {"type": "dict", "default": {"a": 1}}, "why": {"type": "string", "required": True}}
    form = Form.declared(declared)
    again = Form.from_json(json.loads(json.dumps(form.as_json())))
    assert again.as_json() == form.as_json() and again.initial == form.initial == {"n": 5, "user": {"a": 1}}


def test_it_may_get_other_initial_values() -> None:
    shown = Form.declared({"user": {"type": "dict", "default": {"a": 1}}, "n": {"type": "int"}}).as_json({"user": "x"})
    assert [field.get("initial") for field in shown] == ["x", None]
    assert Form.from_json(shown, {"user": {"a": 2}, "n": 3}).initial == {"user": {"a": 2}, "n": 3}


def test_what_is_left_out_is_as_it_was() -> None:
    form = Form.declared({"n": 5, "text": "a", "free": {"type": "string"}})
    assert form.completed({"n": 6}) == {"n": 6, "text": "a", "free": None}
    form.initial["n"] = 7
    assert Form.declared({"n": 5}).completed({}) == {"n": 5}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": "five"}, 'Field "n" must be a whole number'),
        ({"n": None}, 'Field "n" must be a whole number'),
        ({"other": 1}, 'Field "other" is not a field of this form'),
        ([], "The fields must be a JSON object"),
    ],
)
def test_it_is_checked_as_parameters_are(given: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Form.declared({"n": 5}).completed(given)


def test_its_secrets_are_known() -> None:
    form = Form.declared({"pin": {"type": "secret", "default": "1234"}, "none": {"type": "secret"}, "n": "x"})
    assert form.without_secrets({"pin": "1234", "none": None, "n": "x"}) == {"pin": "REDACTED", "none": None, "n": "x"}
    assert form.secrets_in({"pin": "1234", "none": None, "n": "x"}) == ["1234"]
