"""What buttons do to a form's items, and what refers to what."""

from __future__ import annotations

from typing import Any

import pytest

from forms_app.builder.actions import Asked, act
from forms_app.builder.content import END, Content, free_name, identifier, named_in, title_of

EMAIL = {"type": "field", "name": "email", "kind": "email", "label": "Email"}
KIND = {"type": "field", "name": "kind", "kind": "choice", "label": "Kind", "choices": ["staff", "guest"]}
UNTIL = {
    "type": "field",
    "name": "until",
    "kind": "date",
    "label": "Until",
    "visibleWhen": {
        "any": [{"field": "kind", "is": "equals", "value": "kind"}, {"not": {"field": "email", "is": "empty"}}]
    },
}
LICENSE = {"type": "field", "name": "license", "kind": "choice", "provider": "licenses", "inputs": {"of": "kind"}}
FORM = Content((EMAIL, KIND, {"type": "section", "title": "Later"}, UNTIL, LICENSE))


def titles(content: Content) -> list[str]:
    return [title_of(item) for item in content.items]


@pytest.mark.parametrize(
    ("what", "number", "order", "chosen", "focus"),
    [
        ("up", 2, ["Email", "Later", "Kind", "Until", "license"], 1, "up"),
        ("up", 1, ["Kind", "Email", "Later", "Until", "license"], 0, "down"),
        ("up", 0, ["Email", "Kind", "Later", "Until", "license"], 0, "down"),
        ("down", 0, ["Kind", "Email", "Later", "Until", "license"], 1, "down"),
        ("down", 3, ["Email", "Kind", "Later", "license", "Until"], 4, "up"),
        ("down", 4, ["Email", "Kind", "Later", "Until", "license"], 4, "up"),
        ("remove", 4, ["Email", "Kind", "Later", "Until"], 3, "undo"),
        ("add-section", 0, ["Email", "New section", "Kind", "Later", "Until", "license"], 1, "panel"),
        ("add-text", END, ["Email", "Kind", "Later", "Until", "license", "What people should know."], 5, "panel"),
    ],
)
def test_a_button_changes_the_items_and_says_where_the_focus_goes(
    what: str, number: int, order: list[str], chosen: int, focus: str
) -> None:
    done = act(what, FORM, Asked(number))

    assert (titles(done.content), done.chosen, done.focus) == (order, chosen, focus)


@pytest.mark.parametrize(("what", "number"), [("explode", 0), ("up", 99), ("remove", END), ("copy", -7)])
def test_a_button_that_is_none_does_nothing(what: str, number: int) -> None:
    assert act(what, FORM, Asked(number)).content == FORM


def test_the_last_item_can_be_removed_too() -> None:
    done = act("remove", Content((EMAIL,)), Asked(0))

    assert (done.content.items, done.chosen) == ((), END)


def test_a_copy_has_a_name_of_its_own_and_is_not_given_to_the_workflow() -> None:
    copy = act("copy", FORM, Asked(0)).content.items[1]

    assert copy == {**EMAIL, "name": "email_2", "label": "Email (copy)", "sent": False}


def test_what_refers_to_a_field_follows_its_new_name_and_values_that_look_like_it_do_not() -> None:
    renamed = FORM.put(1, {**KIND, "name": "sort"})

    assert set(named_in(renamed.items[3])) == {"sort", "email"}
    assert renamed.items[3]["visibleWhen"]["any"][0] == {"field": "sort", "is": "equals", "value": "kind"}
    assert renamed.items[4]["inputs"] == {"of": "sort"}
    assert FORM.items[3] is UNTIL and UNTIL["visibleWhen"]["any"][0]["field"] == "kind"  # type: ignore[index]


def test_where_two_fields_have_a_name_giving_the_second_another_leaves_the_first_one_s_references() -> None:
    twice = Content((EMAIL, KIND, KIND, UNTIL))

    assert twice.put(2, {**KIND, "name": "other"}).items[3] == UNTIL


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("E-mail of the manager", "e_mail_of_the_manager"),
        ("  2nd line ", "field_2nd_line"),
        ("Größe", "gr_e"),
        ("日本", "field"),
        ("", "field"),
        ("a" * 100, "a" * 60),
    ],
)
def test_a_label_makes_a_name(label: str, name: str) -> None:
    assert identifier(label) == name and identifier(label).isidentifier()


def test_a_free_name_is_one_that_nobody_has() -> None:
    assert free_name("Kind", ["kind", "kind_2", "email"]) == "kind_3"


@pytest.mark.parametrize(
    ("item", "title"),
    [
        (EMAIL, "Email"),
        ({"name": "bare"}, "bare"),
        ({"type": "section"}, "Section"),
        ({"type": "text", "text": "First line\nsecond"}, "First line"),
    ],
)
def test_an_item_has_a_title(item: dict[str, Any], title: str) -> None:
    assert title_of(item) == title
