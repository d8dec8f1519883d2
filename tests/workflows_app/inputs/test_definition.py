"""A definition: what it refuses to be, which values it takes, and what the workflow gets of them."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.sdk.errors import DeclarationError, ValidationError
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import KINDS

FILE = {"fileId": "0193b4c8-0000-7000-8000-000000000001", "name": "a.pdf", "contentType": "application/pdf", "size": 9}
COLOURS = [{"value": "r", "label": "Red"}, {"value": 5, "label": "Five"}, {"value": True, "label": "Yes"}]
PARTS: dict[str, dict[str, Any]] = {
    "choice": {"choices": COLOURS},
    "radio": {"choices": COLOURS},
    "multiple_choice": {"choices": COLOURS},
    "group": {"fields": [{"name": "mail", "kind": "email", "required": True}, {"name": "vip", "kind": "checkbox"}]},
    "file": {"rules": {"types": [".pdf", "image/*"], "max_bytes": 100}},
}
GOOD: dict[str, list[Any]] = {
    "text": ["Ada", "<script>alert(1)</script>", "'; DROP TABLE users; --", "{{ 7 * 7 }}{% include 'x' %}", "\u202e"],
    "long_text": ["a\nb", "x" * 100_000],
    "number": [0, -1.5, 10**15],
    "email": ["a@acme.local"],
    "phone": ["+44 20 7946 0018", "(030) 12-34/5", "555 0100 ext. 12"],
    "date": ["2028-02-29"],
    "datetime": ["2026-01-31T09:30:00Z", "2026-01-31T09:30"],
    "timezone": ["Europe/London", "UTC"],
    "choice": ["r", 5, True],
    "radio": ["r"],
    "multiple_choice": [["r", 5], [True]],
    "checkbox": [True],
    "switch": [True],
    "json": [{"a": [1, None]}, "text", 0],
    "secret": ["hunter2", " with blanks "],
    "file": [FILE, {**FILE, "name": "PHOTO.JPEG"}],
    "list": [["a", "b"]],
    "key_value": [{"a": "1"}],
    "group": [[{"mail": "a@b.example"}]],
}
BAD: dict[str, list[Any]] = {
    "text": [5, ["a"], {"a": 1}, "a\x00b", "\ud800"],
    "long_text": [True, "\x00"],
    "number": ["5", True, float("nan"), [1], "٣", "0x10"],
    "email": ["ada", "a@b", "a b@c.example", "a@b.example\n", "<a@b.example>", f"{'x' * 300}@b.example"],
    "phone": ["---", "   ", "call me", "1" * 50, "+44\x00", "٠١٢٣٤"],
    "date": ["2026-02-29", "2026-2-1", "31.01.2026", "2026-01-31T09:30", 20260131, "२०२६-०१-०१"],
    "datetime": ["2026-01-31", "2026-01-31T25:00", "tomorrow", "2026-02-29T10:00:00Z"],
    "timezone": ["Mars/Olympus", "../etc/passwd", "europe/london", "localtime"],
    "choice": ["x", 1, "5", "true", {"a": 1}],
    "radio": [["r"]],
    "multiple_choice": ["r", ["x"], [1], ["r", "x"]],
    "checkbox": ["true", 1],
    "switch": ["on"],
    "json": ["\x00", {"a\ud800": 1}, float("inf")],
    "secret": [5, "\x00"],
    "file": [
        "a.pdf",
        {**FILE, "name": "a.pdf.exe"},
        {**FILE, "name": "pdf"},
        {**FILE, "name": "a.exe", "contentType": "image/png"},
        {**FILE, "size": 101},
        {**FILE, "size": True},
        {**FILE, "fileId": "../../etc/passwd"},
        {**FILE, "path": "/etc/passwd"},
        {"fileId": FILE["fileId"]},
        [FILE],
    ],
    "list": ["a", {"a": 1}],
    "key_value": [[["a", "b"]], {"a": 1}],
    "group": [{"mail": "a@b.example"}, ["a@b.example"], [{"mail": ""}], [{"mail": "a@b.example", "more": 1}]],
}


def one(kind: str, **parts: Any) -> Definition:
    return Definition.read([{"name": "it", "kind": kind, **PARTS.get(kind, {}), **parts}])


def problems(definition: Definition, values: Any) -> list[tuple[str | None, str]]:
    with pytest.raises(ValidationError) as refused:
        definition.validate(values)
    return [(each["field"], each["message"]) for each in refused.value.details["errors"]]


def refusal(*items: Any) -> str:
    with pytest.raises(DeclarationError) as refused:
        Definition.read(list(items))
    return str(refused.value)


# --- values ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in KINDS for value in GOOD[kind]])
def test_a_good_value_is_taken_as_it_is(kind: str, value: Any) -> None:
    taken = one(kind, required=True).validate({"it": value})["it"]
    assert taken in (value, [{"mail": "a@b.example", "vip": False}])


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in KINDS for value in BAD[kind]])
def test_a_bad_value_is_refused_at_its_field(kind: str, value: Any) -> None:
    found = problems(one(kind), {"it": value})
    assert all((field or "").partition(".")[0] == "it" for field, _message in found), found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nothing", [{}, {"it": None}, {"it": ""}])
def test_what_is_required_must_be_there_and_what_is_optional_is_left_out(kind: str, nothing: dict[str, Any]) -> None:
    assert {field for field, _message in problems(one(kind, required=True), nothing)} == {"it"}
    assert one(kind).validate(nothing) in ({}, {"it": False})


def test_a_box_that_must_be_ticked_may_begin_unticked() -> None:
    definition = one("checkbox", required=True, default=False)
    assert problems(definition, {}) == [("it", "must be ticked")]
    assert definition.json_schema()["properties"]["it"]["const"] is True


def test_numbers_go_in_steps_as_one_reads_them() -> None:
    definition = one("number", rules={"step": 0.1, "min": 0.05})
    assert definition.validate({"it": 0.35}) == {"it": 0.35}
    assert problems(definition, {"it": 0.3}) == [("it", "must go in steps of 0.1")]
    assert problems(definition, {"it": 1e300}) == [("it", "must go in steps of 0.1")]
    assert problems(one("number", rules={"whole": True}), {"it": 1.5}) == [("it", "must be a whole number")]


def test_lists_hold_what_their_rule_says() -> None:
    assert one("list", rules={"items": "whole"}).validate({"it": [1, 2]}) == {"it": [1, 2]}
    assert "whole number" in problems(one("list", rules={"items": "whole"}), {"it": ["1"]})[0][1]


def test_every_bad_field_is_told_at_once_and_places_in_groups_are_named() -> None:
    definition = Definition.read([{"name": "a", "required": True}, {"name": "rows", "kind": "group", **PARTS["group"]}])
    found = problems(definition, {"rows": [{"mail": "a@b.example"}, {"mail": "x"}], "more": 1})
    assert found == [
        ("more", "is not a field of this form"),
        ("a", "must be filled in"),
        ("rows.1.mail", "must be an e-mail address"),
    ]


def test_a_group_has_as_many_rows_as_it_may() -> None:
    rows = [{"mail": "a@b.example"}] * 3
    assert problems(one("group", rules={"max_length": 2}), {"it": rows}) == [("it", "must have 0 to 2 entries")]
    assert problems(one("group"), {"it": rows * 40}) == [("it", "must have 0 to 100 entries")]


@pytest.mark.parametrize("values", [[], "x", None, 5])
def test_values_are_an_object(values: Any) -> None:
    assert problems(one("text"), values) == [(None, "The values must be a JSON object")]


def test_fixed_and_hidden_values_cannot_be_changed_by_who_sends_them() -> None:
    for mode in ("fixed", "hidden"):
        definition = one("number", mode=mode, default=1)
        assert definition.validate({}) == {"it": 1.0} == definition.validate({"it": 1})
        assert problems(definition, {"it": True}) == [("it", "cannot be changed")]


def test_a_value_that_was_emptied_of_its_default_stays_empty() -> None:
    assert one("text", default="Ada").validate({"it": ""}) == {"it": ""}
    assert one("multiple_choice", default=["r"]).validate({"it": []}) == {"it": []}
    assert one("text", default="Ada").validate({}) == {"it": "Ada"}


def test_a_field_that_is_not_shown_is_left_out_and_counts_as_empty_for_the_next() -> None:
    definition = Definition.read(
        [
            {"name": "guest", "kind": "checkbox"},
            {"name": "host", "required": True, "visibleWhen": {"field": "guest", "is": "equals", "value": True}},
            {"name": "desk", "required": True, "visibleWhen": {"field": "host", "is": "not_empty"}},
        ]
    )
    assert definition.validate({"guest": False, "host": "Ada", "desk": "4"}) == {"guest": False}
    assert problems(definition, {"guest": True}) == [("host", "must be filled in")]
    assert definition.validate({"guest": True, "host": "Ada", "desk": "4"}) == {
        "guest": True,
        "host": "Ada",
        "desk": "4",
    }


def test_in_a_row_a_field_depends_on_its_own_row() -> None:
    inner = [
        {"name": "kind", "kind": "radio", "choices": ["phone", "laptop"]},
        {"name": "size", "required": True, "visibleWhen": {"field": "kind", "is": "equals", "value": "laptop"}},
        {"name": "note", "sent": False},
    ]
    definition = Definition.read([{"name": "items", "kind": "group", "fields": inner}])
    checked = definition.validate(
        {"items": [{"kind": "phone", "size": "14", "note": "x"}, {"kind": "laptop", "size": "14"}]}
    )
    assert definition.sent(checked) == {"items": [{"kind": "phone"}, {"kind": "laptop", "size": "14"}]}
    assert problems(definition, {"items": [{"kind": "laptop"}]}) == [("items.0.size", "must be filled in")]
    assert definition.json_schema()["properties"]["items"]["items"]["required"] == []


def test_what_a_provider_is_asked_with_is_what_is_part_of_the_form_and_filled_in() -> None:
    definition = Definition.read(
        [
            {"name": "country", "default": "de"},
            {"name": "site", "visibleWhen": {"field": "country", "is": "equals", "value": "de"}},
            {"name": "desk", "kind": "choice", "provider": "desks", "inputs": {"land": "country", "at": "site"}},
        ]
    )
    desk = definition.field("desk")
    assert definition.arguments(desk, {"site": "Berlin"}) == {"land": "de", "at": "Berlin"}
    assert definition.arguments(desk, {"country": "uk", "site": "Berlin"}) == {"land": "uk"}
    assert definition.arguments(desk, {"country": "", "site": ""}) == {}


# --- declarations ------------------------------------------------------------------------------------------------


def test_a_definition_is_read_back_as_it_was_written() -> None:
    items = [
        {"type": "section", "title": "Who", "visibleWhen": {"not": {"any": [{"field": "a", "is": "empty"}]}}},
        *({"name": f"field_{kind}", "kind": kind, "width": "half", **PARTS.get(kind, {})} for kind in KINDS),
    ]
    definition = Definition.read([{"name": "a", "label": "A", "default": "x", "sent": False}, *items])
    assert Definition.read(definition.as_json()) == definition
    assert definition.field("field_long_text").label == "Field long text"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (5, "is not an object"),
        ({"type": "image"}, "unknown type"),
        ({"type": "section", "title": 5}, "a title or a text that is not text"),
        ({"type": "text", "html": "<b>"}, "has no 'html'"),
        ({"name": "a b"}, "needs a name"),
        ({"name": "v.x"}, "needs a name"),
        ({"name": "x" * 101}, "needs a name"),
        ({"name": ["a"]}, "needs a name"),
        ({"name": "a", "kind": "colour"}, "unknown kind"),
        ({"name": "a", "kind": ["text"]}, "unknown kind"),
        ({"name": "a", "colour": "red"}, "has no 'colour'"),
        ({"name": "a", "label": None}, "a label that is not text"),
        ({"name": "a", "help": "x" * 3_000}, "a help that is not text of at most"),
        ({"name": "a", "label": "a\x00"}, "NUL"),
        ({"name": "a", "mode": "fixed"}, "is fixed and needs the value"),
        ({"name": "a", "mode": "secret"}, "unknown mode"),
        ({"name": "a", "width": "third"}, "neither full nor half"),
        ({"name": "a", "sent": "no"}, "a sent that is neither true nor false"),
        ({"name": "a", "required": "yes"}, "a required that is neither true nor false"),
        ({"name": "a", "rules": []}, "rules that are not an object"),
        ({"name": "a", "rules": {"min": 1}}, "validation rule 'min'"),
        ({"name": "a", "rules": {"pattern": "("}}, "not a regular expression"),
        ({"name": "a", "kind": "number", "rules": {"step": 0}}, "which must be a number above 0"),
        ({"name": "a", "kind": "file", "rules": {"types": ["*.pdf"]}}, "which must be a list such as"),
        ({"name": "a", "kind": "file", "rules": {"max_bytes": "1MB"}}, "a number of bytes"),
        ({"name": "a", "kind": "choice"}, "needs either choices or a data provider"),
        ({"name": "a", "kind": "choice", "choices": "abc"}, "choices that are not a list"),
        ({"name": "a", "kind": "choice", "choices": [{"label": "x"}]}, "neither a value nor an object"),
        ({"name": "a", "kind": "choice", "choices": [{"value": "x", "label": 5}]}, "whose label is not text"),
        ({"name": "a", "choices": ["x"]}, "is nothing to choose from"),
        ({"name": "a", "inputs": {"x": "y"}}, "inputs that are not those of a data provider"),
        ({"name": "a", "kind": "choice", "provider": "p", "inputs": {"x": "later"}}, "which is no field before it"),
        ({"name": "a", "kind": "choice", "provider": "p", "inputs": {"x": ["y"]}}, "which is no field before it"),
        ({"name": "a", "kind": "choice", "provider": ["p"]}, "a data provider that is not a name"),
        ({"name": "a", "visibleWhen": {"field": "a", "is": "empty"}}, "which is no field before it"),
        ({"name": "a", "kind": "group"}, "is a group without fields"),
        ({"name": "a", "kind": "group", "fields": {}}, "fields that are not a list"),
        ({"name": "a", "fields": [{"name": "b"}]}, "has fields and is no group"),
        ({"name": "a", "kind": "group", "fields": [{"name": "b"}, {"name": "b"}]}, "two fields 'b'"),
        ({"name": "a", "kind": "group", "fields": [{"name": "b", "kind": "secret"}]}, "cannot be in one"),
        ({"name": "a", "kind": "group", "fields": [{"name": "b", "kind": "file"}]}, "cannot be in one"),
        ({"name": "a", "kind": "secret", "default": "hunter2"}, "which everybody could read"),
        ({"name": "a", "kind": "number", "default": "5"}, "has a default that must be a number"),
        ({"name": "a", "kind": "phone", "default": "call me"}, "has a default that must be a telephone number"),
        ({"name": "a", "kind": "choice", "choices": ["x"], "default": "y"}, "default that is not among the options"),
        (
            {"name": "a", "kind": "group", "fields": [{"name": "b", "kind": "email"}], "default": [{"b": "x"}]},
            "has a default that must be an e-mail address (at 0.b)",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_declared(item: Any, reason: str) -> None:
    assert reason in refusal(item)


def test_the_refusal_names_the_item() -> None:
    assert refusal({"name": "a"}, {"name": "b", "width": 1}) == 'The item "b" is neither full nor half wide.'
    assert refusal({"name": "a"}, {"name": "a"}) == 'There are two fields "a".'
    assert "at most 200" in refusal(*[{"name": f"a{number}"} for number in range(201)])
    assert len(refusal({"name": "x" * 10_000})) < 400


@pytest.mark.parametrize("kind", ["secret", "file", "key_value"])
def test_a_provider_is_not_asked_with_what_is_secret_or_has_parts(kind: str) -> None:
    asking = {"name": "b", "kind": "choice", "provider": "p", "inputs": {"x": "a"}}
    assert f"which is a {kind}" in refusal({"name": "a", "kind": kind}, asking)


def test_a_provider_in_a_group_is_asked_with_what_its_row_holds() -> None:
    inner = [{"name": "site"}, {"name": "desk", "kind": "choice", "provider": "desks", "inputs": {"at": "site"}}]
    definition = Definition.read([{"name": "site"}, {"name": "rows", "kind": "group", "fields": inner}])
    of_row, desk, row = definition.place("rows.2.desk")
    assert (desk.name, row) == ("desk", "2")
    assert of_row.arguments(desk, {"site": "Berlin"}) == {"at": "Berlin"}
    for place in ("rows.2.nothing", "nothing", "site.2.site", "rows.2.desk.x"):
        with pytest.raises(KeyError):
            definition.place(place)
