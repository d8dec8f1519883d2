"""What is wrong with a form is said at the item and the setting that it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost.sdk.specs import WorkflowSpec
from forms_app.builder.checking import troubles_of, warnings_of
from forms_app.builder.content import Content
from tests.forms_app.builder.workflows import order_laptop

SIZE = {"type": "field", "name": "size", "kind": "number", "label": "Size"}


def field(**said: Any) -> dict[str, Any]:
    return {"type": "field", "name": "it", "kind": "text", "label": "It", **said}


@pytest.mark.parametrize(
    ("item", "setting"),
    [
        (field(kind="number", default="many"), "default"),
        (field(rules={"min_length": 5, "max_length": 2}), "rules"),
        (field(rules={"pattern": "("}), "rules"),
        (field(visibleWhen={"field": "later", "is": "empty"}), "visibleWhen"),
        (field(visibleWhen={"field": "size", "is": "sounds like", "value": 1}), "visibleWhen"),
        (field(kind="choice"), "choices"),
        (field(kind="choice", provider="rooms", inputs={"of": "nobody"}), "inputs"),
        (field(mode="hidden"), "mode"),
        (field(name="no name"), "name"),
        (field(name=""), "name"),
        (field(kind="group"), ""),
        (field(kind="group", fields=[{"name": "a", "kind": "file"}]), ""),
        (field(name="size"), "name"),
        ({"type": "section", "visibleWhen": {"field": "later", "is": "empty"}}, "visibleWhen"),
        ({"type": "picture"}, ""),
    ],
)
def test_a_problem_is_told_at_its_setting(item: dict[str, Any], setting: str) -> None:
    (trouble,) = troubles_of(Content((SIZE, item)))

    assert (trouble.item, trouble.setting) == (1, setting)
    assert trouble.message and not trouble.message.startswith("The item")


def test_every_item_is_looked_at_and_one_that_is_wrong_is_there_for_those_behind_it() -> None:
    wrong = field(name="kind", kind="choice")
    behind = field(name="until", visibleWhen={"field": "kind", "is": "equals", "value": "guest"})

    found = troubles_of(Content((wrong, behind, field(name="x y"))))

    assert [trouble.item for trouble in found] == [0, 2]


def test_a_form_that_is_right_has_no_troubles() -> None:
    condition = {"all": [{"field": "size", "is": "above", "value": 3}, {"not": {"field": "size", "is": "empty"}}]}

    assert troubles_of(Content((SIZE, field(visibleWhen=condition)))) == []


def test_more_items_than_a_form_can_have_are_too_many() -> None:
    texts = tuple({"type": "text", "text": str(number)} for number in range(201))

    assert "at most 200" in troubles_of(Content(texts))[0].message


def test_what_the_workflow_misses_and_does_not_know_is_said() -> None:
    spec: WorkflowSpec = order_laptop()
    given = [field(name=name) for name in ("model", "colour")] + [field(name="only_here", sent=False)]

    warnings = warnings_of(Content(tuple(given)), spec)

    assert warnings == [
        "The workflow needs “For whom”, which the form does not ask for.",
        "The workflow has no parameter “colour”. Remove the field, or choose another name.",
    ]
    assert "no such workflow" in warnings_of(Content(), None)[0]
