"""What one version of a form has that another has not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from forms_app.builder import kinds, values, when
from forms_app.builder.content import Content, Item, is_field, title_of

WORDS = {
    "label": gettext_lazy("Label"),
    "kind": gettext_lazy("Kind"),
    "help": gettext_lazy("Help"),
    "placeholder": gettext_lazy("Placeholder"),
    "required": gettext_lazy("Required"),
    "default": gettext_lazy("Initial value"),
    "mode": gettext_lazy("Who decides"),
    "rules": gettext_lazy("What is accepted"),
    "choices": gettext_lazy("Choices"),
    "provider": gettext_lazy("Data provider"),
    "inputs": gettext_lazy("Inputs of the data provider"),
    "visibleWhen": gettext_lazy("Shown when"),
    "fields": gettext_lazy("Fields of the group"),
    "width": gettext_lazy("Width"),
    "sent": gettext_lazy("Given to the workflow"),
    "title": gettext_lazy("Heading"),
    "text": gettext_lazy("Text"),
}


@dataclass(frozen=True)
class Setting:
    word: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """`kind` is added, removed, changed or moved."""

    kind: str
    title: str
    settings: tuple[Setting, ...] = ()


def changes(before: Content, after: Content) -> list[Change]:
    """From one to the other: by fields' names, and by what notes say."""
    old, new = _keyed(before), _keyed(after)
    found = [Change("removed", title_of(item)) for key, item in old.items() if key not in new]
    stayed = [key for key in old if key in new]
    order = [key for key in new if key in old]
    moved = _moved(stayed, order)
    fields = {str(item.get("name")): item for item in (*before.items, *after.items) if is_field(item)}
    for key, item in new.items():
        if key not in old:
            found.append(Change("added", title_of(item)))
            continue
        if settings := tuple(_settings(old[key], item, fields)):
            found.append(Change("changed", title_of(item), settings))
        if key in moved:
            found.append(Change("moved", title_of(item)))
    found.extend(_around(before, after))
    return found


def _keyed(content: Content) -> dict[tuple[str, str, int], Item]:
    """The items by what tells them apart; of two alike, the second has another number."""
    keyed: dict[tuple[str, str, int], Item] = {}
    for item in content.items:
        kind = str(item.get("type", "field"))
        name = str(item.get("name")) if kind == "field" else str(item.get("title") or item.get("text"))
        number = 0
        while (kind, name, number) in keyed:
            number += 1
        keyed[kind, name, number] = item
    return keyed


def _moved(before: list[Any], after: list[Any]) -> set[Any]:
    """Those that are not in the longest run that kept its order."""
    place = {key: number for number, key in enumerate(after)}
    runs: list[list[Any]] = []
    for key in before:
        fitting = [run for run in runs if place[run[-1]] < place[key]]
        runs.append([*_longest(fitting), key])
    return set(before) - set(_longest(runs))


def _longest(runs: list[list[Any]]) -> list[Any]:
    longest: list[Any] = []
    for run in runs:
        longest = run if len(run) > len(longest) else longest
    return longest


def _settings(before: Item, after: Item, fields: Mapping[str, Item]) -> Iterator[Setting]:
    for word in dict.fromkeys((*before, *after)):
        if before.get(word) != after.get(word) and word in WORDS:
            was, is_now = (_shown(word, said.get(word), fields) for said in (before, after))
            yield Setting(str(WORDS[word]), was, is_now)


def _shown(word: str, value: Any, fields: Mapping[str, Item]) -> str:
    """The value of a setting, as a person would say it."""
    if value is None:
        return _("nothing") if word != "visibleWhen" else _("always")
    match word:
        case "visibleWhen":
            return when.words_of(value, fields)
        case "choices":
            return values.choices_text(value)
        case "kind":
            return str(kinds.NAMES.get(value, value))
        case "fields" if isinstance(value, list):
            value = ", ".join(title_of(each) for each in value)
        case _ if isinstance(value, bool):
            value = _("yes") if value else _("no")
        case _ if isinstance(value, Mapping):
            value = ", ".join(f"{key}: {values.text_of(each)}" for key, each in value.items())
    return values.text_of(value)


def _around(before: Content, after: Content) -> Iterator[Change]:
    pairs = (
        (_("Words on the button"), before.submit_label, after.submit_label),
        (_("Confirmation"), before.confirmation, after.confirmation),
    )
    settings = tuple(Setting(word, was or _("nothing"), now or _("nothing")) for word, was, now in pairs if was != now)
    if settings:
        yield Change("changed", _("The end of the form"), settings)
