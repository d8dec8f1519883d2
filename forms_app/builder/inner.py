"""The fields of a repeating group, one row of controls each."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from forms_app.builder import kinds, values
from forms_app.builder.content import Item, free_name
from forms_app.builder.controls import Control, Group, Typed, options
from workflows_app.inputs.fields import CHOOSING

KINDS = (
    *("text", "long_text", "number", "email", "phone", "date", "datetime", "choice", "radio", "multiple_choice"),
    *("checkbox", "switch"),
)


def read(item: Item, typed: Typed, without: int | None) -> None:
    """Puts the rows that were sent in the place of the group's fields; an empty last one is none."""
    if item.get("kind") != "group" or "inner.0.label" not in typed:
        return
    kept = list(item.get("fields") or [])
    made: list[Item] = []
    number = 0
    while f"inner.{number}.label" in typed:
        before = dict(kept[number]) if number < len(kept) else {}
        field = _row(f"inner.{number}", before, typed, [str(each["name"]) for each in made])
        if field is not None and number != without:
            made.append(field)
        number += 1
    item["fields"] = made


def show(item: Item) -> tuple[Group, ...]:
    """The rows, with an empty one behind them."""
    rows = [dict(each) for each in item.get("fields") or []]
    return tuple(_group(number, each) for number, each in enumerate([*rows, {}]))


def _row(place: str, before: Item, typed: Typed, taken: list[str]) -> Item | None:
    label = typed[f"{place}.label"].strip()
    if not label and not before:
        return None
    wished = typed[f"{place}.name"].strip() or label
    said: dict[str, Any] = {"type": "field", **before, "name": before.get("name", ""), "label": label}
    if wished != before.get("name"):
        said["name"] = free_name(wished, taken)
    kind = typed[f"{place}.kind"] or "text"
    if kind != before.get("kind", "text"):
        said = {word: value for word, value in said.items() if word not in ("default", "rules", "choices")}
    said["kind"] = kind
    said.pop("required", None)
    if typed.ticked(f"{place}.required"):
        said["required"] = True
    if kind in CHOOSING:
        said["choices"] = values.choices_from(typed[f"{place}.choices"], said, False)
    return said


def _group(number: int, field: Item) -> Group:
    place, kind = f"inner.{number}", str(field.get("kind", "text"))
    words = [(each, kinds.NAMES[each]) for each in KINDS]
    shown = [
        Control(f"{place}.label", _("Label"), value=str(field.get("label", ""))),
        Control(f"{place}.kind", _("Kind"), "select", kind, options(words, kind), live=True),
    ]
    if field:
        shown.insert(1, Control(f"{place}.name", _("Name"), value=str(field.get("name", ""))))
        required = "true" if field.get("required") else ""
        shown.append(Control(f"{place}.required", _("Must be filled in"), "tick", required))
    if kind in CHOOSING:
        text = values.choices_text(field.get("choices"))
        note = _("One a line: value = label")
        shown.append(Control(f"{place}.choices", _("Choices"), "textarea", text, help=note, setting="fields"))
    return Group(_("Another field") if not field else str(field.get("label") or field["name"]), tuple(shown))
