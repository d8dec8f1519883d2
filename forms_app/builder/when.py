"""When an item is shown, as rows of field, comparison and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from forms_app.builder import values
from forms_app.builder.content import Content, Item, title_of
from forms_app.builder.controls import Control, Options, Typed, options
from workflows_app.inputs.conditions import COMPARISONS
from workflows_app.inputs.fields import TICKED

WORDS = {
    "equals": gettext_lazy("is"),
    "not_equals": gettext_lazy("is not"),
    "in": gettext_lazy("is one of"),
    "not_in": gettext_lazy("is none of"),
    "contains": gettext_lazy("contains"),
    "not_contains": gettext_lazy("does not contain"),
    "above": gettext_lazy("is above"),
    "below": gettext_lazy("is below"),
    "empty": gettext_lazy("is empty"),
    "not_empty": gettext_lazy("is filled in"),
}
_FILLED = ("empty", "not_empty")
_SENSIBLE = {
    **dict.fromkeys(("checkbox", "switch"), ("equals",)),
    **dict.fromkeys(("choice", "radio"), ("equals", "not_equals", "in", "not_in", *_FILLED)),
    **dict.fromkeys(("multiple_choice", "list"), ("contains", "not_contains", *_FILLED)),
    **dict.fromkeys(("number", "date", "datetime"), ("equals", "not_equals", "above", "below", *_FILLED)),
    **dict.fromkeys(("group", "key_value", "file", "json", "secret"), _FILLED),
}
_WITHOUT_VALUE = frozenset(_FILLED)


@dataclass(frozen=True)
class Row:
    number: int
    field: Control
    comparison: Control | None = None
    value: Control | None = None


@dataclass(frozen=True)
class When:
    """A condition as it is shown. One that says more than rows can is told in words, and kept unless it is replaced."""

    join: Control
    rows: tuple[Row, ...]
    words: str = ""
    possible: bool = True


def flat(condition: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """How the comparisons are joined, and these; None where the condition is nested."""
    if not isinstance(condition, Mapping) or not condition:
        return "all", []
    if "field" in condition:
        return "all", [dict(condition)]
    for join in ("all", "any"):
        parts = condition.get(join)
        if isinstance(parts, list) and all(isinstance(part, Mapping) and "field" in part for part in parts):
            return join, [dict(part) for part in parts]
    return None


def read(item: Item, known: Mapping[str, Item], typed: Typed, without: int | None = None) -> dict[str, Any] | None:
    """The condition that was chosen, or None. `without`: the row that is to go."""
    if "when.join" not in typed:
        return item.get("visibleWhen")
    kept = flat(item.get("visibleWhen"))
    if kept is None and typed["when.replace"] != "true":
        return item.get("visibleWhen")
    said = []
    number = 0
    while (place := f"when.{number}") and f"{place}.field" in typed:
        if typed[f"{place}.field"] and number != without:
            said.append(_comparison(place, known, typed, kept[1] if kept else []))
        number += 1
    if not said:
        return None
    return said[0] if len(said) == 1 else {typed["when.join"] if typed["when.join"] == "any" else "all": said}


def show(content: Content, number: int) -> When:
    item = content.items[number]
    before = content.fields_before(number)
    kept = flat(item.get("visibleWhen"))
    join, said = kept if kept is not None else ("all", [])
    rows = [_row(place, each, before) for place, each in enumerate(said)]
    if before:
        rows.append(Row(len(rows), _field_control(len(rows), "", before)))
    choices = (("all", _("all of these hold")), ("any", _("any of these holds")))
    return When(
        Control("when.join", _("Shown when"), "select", join, choices),
        tuple(rows),
        "" if kept is not None else words_of(item["visibleWhen"], before),
        bool(before),
    )


def words_of(condition: Any, fields: Mapping[str, Item]) -> str:
    """The condition as a person would say it."""
    if not isinstance(condition, Mapping) or not condition:
        return ""
    if "field" in condition:
        name, comparison = str(condition["field"]), str(condition.get("is", ""))
        label = title_of(fields[name]) if name in fields else name
        value = "" if comparison in _WITHOUT_VALUE else f" {_shown(condition.get('value'))}"
        return f"{label} {WORDS.get(comparison, comparison)}{value}"
    if "not" in condition:
        return _("not (%s)") % words_of(condition["not"], fields)
    join = "any" if "any" in condition else "all"
    parts = [words_of(part, fields) for part in condition.get(join) or ()]
    nested = [f"({part})" if " " + _("and") + " " in part or " " + _("or") + " " in part else part for part in parts]
    return f" {_('or') if join == 'any' else _('and')} ".join(nested)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("ticked") if value else _("not ticked")
    return f"“{values.text_beside(value)}”"


def _comparison(place: str, known: Mapping[str, Item], typed: Typed, kept: list[dict[str, Any]]) -> dict[str, Any]:
    name = typed[f"{place}.field"]
    field = known.get(name)
    sensible = _sensible(field)
    comparison = typed[f"{place}.is"] or sensible[0]
    if typed[f"{place}.was"] != name and comparison not in sensible:
        comparison = sensible[0]
    said: dict[str, Any] = {"field": name, "is": comparison}
    if comparison in _WITHOUT_VALUE:
        return said
    text = typed[f"{place}.value"]
    same = (each["value"] for each in kept if {**each, "value": None} == {**said, "value": None} and "value" in each)
    try:
        said["value"] = next(
            (value for value in same if values.text_beside(value) == text),
            values.value_beside(field, comparison, text),
        )
    except ValueError as error:
        typed.problems[f"{place}.value"] = str(error)
        said["value"] = text
    return said


def _row(number: int, said: Mapping[str, Any], before: Mapping[str, Item]) -> Row:
    place, name, comparison = f"when.{number}", str(said["field"]), str(said.get("is", "equals"))
    field = before.get(name)
    words = [(word, WORDS[word]) for word in _sensible(field)]
    if comparison not in _sensible(field) and comparison in WORDS:
        words.append((comparison, WORDS[comparison]))
    compare = Control(f"{place}.is", _("Comparison"), "select", comparison, options(words, comparison), live=True)
    beside = None if comparison in _WITHOUT_VALUE else _value_control(place, comparison, said.get("value"), field)
    return Row(number, _field_control(number, name, before), compare, beside)


def _field_control(number: int, name: str, before: Mapping[str, Item]) -> Control:
    offered = [("", _("Choose a field…")), *((each, title_of(item)) for each, item in before.items())]
    return Control(f"when.{number}.field", _("Field"), "select", name, options(offered, name), live=True)


def _value_control(place: str, comparison: str, value: Any, field: Item | None) -> Control:
    text = values.text_beside(value)
    offered = _values(field) if comparison not in ("in", "not_in") else ()
    if offered:
        return Control(f"{place}.value", _("Value"), "select", text, options(offered, text))
    note = _("Separated by commas") if comparison in ("in", "not_in") else ""
    widget = "date" if (field or {}).get("kind") == "date" and not note else "text"
    return Control(f"{place}.value", _("Value"), widget, text, help=note)


def _values(field: Item | None) -> Options:
    if field is None:
        return ()
    if field.get("kind") in TICKED:
        return (("true", _("ticked")), ("false", _("not ticked")))
    choices = field.get("choices") or ()
    made = (each if isinstance(each, Mapping) else {"value": each} for each in choices)
    return tuple((values.text_of(each.get("value")), str(each.get("label", each.get("value")))) for each in made)


def _sensible(field: Item | None) -> tuple[str, ...]:
    """The comparisons that say something about such a field."""
    if field is None:
        return COMPARISONS
    usual = ("equals", "not_equals", "contains", "not_contains", "in", "not_in", *_FILLED)
    return _SENSIBLE.get(str(field.get("kind", "text")), usual)
