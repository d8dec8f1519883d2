"""What the panel shows of an item, and what becomes of what a person sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from forms_app.builder import panel, reading
from forms_app.builder.checking import troubles_of
from forms_app.builder.content import END, Content
from forms_app.builder.controls import Control, Typed
from tests.forms_app.builder.workflows import EVERYTHING, order_laptop

ARGUMENTS = {"shops": ("city",)}


def controls(shown: panel.Panel) -> Iterator[Control]:
    for group in (*shown.groups, *shown.inner):
        yield from group.controls
    if shown.when:
        yield shown.when.join
        for row in shown.when.rows:
            yield from filter(None, (row.field, row.comparison, row.value))


def sent(content: Content, number: int, **typed: str | None) -> dict[str, str]:
    """What the page sends where a person changes just this; None for a box that is not ticked."""
    values: dict[str, str] = {}
    for control in controls(panel.show(content, number, None, {})):
        if control.widget == "tick":
            values[f"{control.name}.there"] = "true"
        if control.widget != "tick" or control.ticked:
            # A browser sends lines as HTML wants them.
            values[control.name] = control.value.replace("\n", "\r\n")
        if control.name.endswith(".field"):
            values[control.name.removesuffix("field") + "was"] = control.value
    changed = {name.replace("__", "."): value for name, value in typed.items()}
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def after(content: Content, number: int, **typed: str | None) -> dict[str, Any]:
    read = Typed(sent(content, number, **typed))
    item = reading.item_from(content, number, read, None, ARGUMENTS)
    assert read.problems == {}
    return item


def problems(content: Content, number: int, **typed: str | None) -> dict[str, str]:
    read = Typed(sent(content, number, **typed))
    reading.item_from(content, number, read, None, ARGUMENTS)
    return read.problems


def number_of(name: str) -> int:
    return next(number for number, item in enumerate(EVERYTHING.items) if item.get("name") == name)


def test_the_form_with_everything_is_right() -> None:
    assert troubles_of(EVERYTHING) == []


@pytest.mark.parametrize("number", range(len(EVERYTHING.items)))
def test_what_is_sent_as_it_was_shown_changes_nothing(number: int) -> None:
    assert after(EVERYTHING, number) == EVERYTHING.items[number]


def test_the_end_of_the_form_is_taken_over() -> None:
    assert reading.end_from(EVERYTHING, Typed(sent(EVERYTHING, END))) == EVERYTHING
    ended = reading.end_from(EVERYTHING, Typed(sent(EVERYTHING, END, submit_label=" Order ", confirmation="")))
    assert (ended.submit_label, ended.confirmation) == ("Order", "")


@pytest.mark.parametrize(
    ("name", "typed", "word", "value"),
    [
        ("plain", {"label": "  Reason "}, "label", "Reason"),
        ("plain", {"help": ""}, "help", None),
        ("plain", {"required": None}, "required", None),
        ("plain", {"width": "full"}, "width", None),
        ("plain", {"default": "<b>x</b>"}, "default", "<b>x</b>"),
        ("count", {"default": "2.5"}, "default", 2.5),
        ("count", {"default": ""}, "default", None),
        ("count", {"rule__max": "12"}, "rules", {"min": 0, "max": 12, "step": 0.5}),
        ("one", {"default": '"2"'}, "default", "2"),
        (
            "one",
            {"choices": "red = Red\r\nblue"},
            "choices",
            [{"value": "red", "label": "Red"}, {"value": "blue", "label": "blue"}],
        ),
        ("many", {"default": "1\n2"}, "default", [1, "2"]),
        ("ticked", {"default": "false"}, "default", None),
        ("shut", {"default": "true"}, "default", True),
        ("raw", {"default": "[1, 2]"}, "default", [1, 2]),
        ("lines", {"default": " a \n\n c"}, "default", ["a", "c"]),
        ("pairs", {"default": "k=v\nl = m = n"}, "default", {"k": "v", "l": "m = n"}),
        (
            "paper",
            {"rule__max_bytes": "10", "rule__many": None},
            "rules",
            {"max_bytes": 10_000_000, "types": [".pdf", "image/png"]},
        ),
        ("offered", {"input__city": "ruled"}, "inputs", {"city": "ruled"}),
        ("offered", {"provider": ""}, "provider", None),
    ],
)
def test_a_setting_becomes_a_value(name: str, typed: dict[str, str | None], word: str, value: Any) -> None:
    assert after(EVERYTHING, number_of(name), **typed).get(word) == value


@pytest.mark.parametrize(
    ("name", "typed", "control"),
    [
        ("count", {"default": "many"}, "default"),
        ("count", {"rule__min": "x"}, "rule.min"),
        ("ruled", {"rule__max_length": "2.5"}, "rule.max_length"),
        ("raw", {"default": "{"}, "default"),
        ("raw", {"default": "NaN"}, "default"),
        ("raw", {"default": "[" * 100_000}, "default"),
        ("raw", {"default": '"\\ud800"'}, "default"),
        ("count", {"default": "1e999"}, "default"),
        ("count", {"default": "nan"}, "default"),
        ("count", {"default": "9" * 5_000}, "default"),
        ("paper", {"rule__max_bytes": "1e308"}, "rule.max_bytes"),
        ("pairs", {"default": "no pair"}, "default"),
        ("a", {"when__0__value": "three"}, "when.0.value"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_control_and_changes_nothing(
    name: str, typed: dict[str, str | None], control: str
) -> None:
    number = number_of(name)
    assert list(problems(EVERYTHING, number, **typed)) == [control]
    read = Typed(sent(EVERYTHING, number, **typed))
    item = reading.item_from(EVERYTHING, number, read, None, ARGUMENTS)
    assert item.get("default") == EVERYTHING.items[number].get("default")
    again = panel.as_typed(panel.show(EVERYTHING, number, None, {}), read)
    shown = {each.name: each for each in controls(again)}
    assert shown[control].problem and shown[control].value == next(iter(typed.values()))


def test_another_kind_leaves_behind_what_it_cannot_have() -> None:
    became = after(EVERYTHING, number_of("one"), kind="number")
    assert (became["kind"], "choices" in became, "default" in became) == ("number", False, False)
    assert after(EVERYTHING, number_of("ruled"), kind="long_text")["rules"] == EVERYTHING.items[2]["rules"]
    assert after(EVERYTHING, number_of("whole"), kind="secret").keys().isdisjoint({"mode", "default", "rules"})
    assert [each["name"] for each in after(EVERYTHING, 1, kind="group")["fields"]] == ["value"]


def test_a_field_that_was_never_named_is_called_as_its_label_says() -> None:
    fresh = Content(({"type": "field", "name": "field_1", "kind": "text", "label": "New field", "sent": False},))

    assert after(fresh, 0, label="Cost centre")["name"] == "cost_centre"
    assert after(fresh, 0, label="Cost centre", name="cc")["name"] == "cc"


def test_a_parameter_keeps_its_name_and_its_type() -> None:
    spec = order_laptop()
    content = Content(({"type": "field", "name": "model", "kind": "text", "label": "Model"},))
    shown = {each.name: each for each in controls(panel.show(content, 0, spec, {}))}

    assert "name" not in shown
    assert "choice" in dict(shown["kind"].options) and "checkbox" not in dict(shown["kind"].options)
    assert reading.item_from(content, 0, Typed({"name": "other", "label": "M"}), spec, {})["name"] == "model"


def test_a_field_of_a_parameter_s_name_is_given_to_the_workflow() -> None:
    content = Content(({"type": "field", "name": "x", "kind": "text", "label": "X", "sent": False},))
    item = reading.item_from(content, 0, Typed({"name": "model"}), order_laptop(), {})

    assert (item["name"], item.get("sent", True)) == ("model", True)


def test_another_data_provider_takes_the_fields_of_its_arguments_names() -> None:
    content = Content((EVERYTHING.items[1] | {"name": "city"}, EVERYTHING.items[number_of("one")]))
    item = after(content, 1, provider="shops")

    assert (item["provider"], item["inputs"], "choices" in item) == ("shops", {"city": "city"}, False)


def test_rows_of_a_group_are_changed_added_and_removed() -> None:
    number = number_of("rows")
    changed = after(EVERYTHING, number, inner__0__kind="number", inner__2__label="Who")["fields"]
    assert [(each["name"], each["kind"]) for each in changed] == [
        ("who", "number"),
        ("how", "choice"),
        ("who_2", "text"),
    ]
    assert changed[0]["required"] is True
    read = Typed(sent(EVERYTHING, number))
    left = reading.item_from(EVERYTHING, number, read, None, {}, without={"inner": 0})["fields"]
    assert [each["name"] for each in left] == ["how"]
