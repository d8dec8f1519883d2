"""A definition of values that are there, to change them or to read them: each field is of a kind that can show its
value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import encode
from bifrost.sdk.sanitizing import REDACTED
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.conditions import fields_in, is_empty, same
from workflows_app.inputs.definition import Definition, Note
from workflows_app.inputs.fields import CHOOSING, KINDS, TICKED, Choice, Field
from workflows_app.inputs.naming import option_text

LONG_TEXT = 80
#: Of a field, or of one in a group's row, such as `rows.team`: what options are called, by their values as texts.
Labels = Mapping[str, Mapping[str, str]]
Item = TypeVar("Item", Field, Note)
_TEXTS = frozenset({"string", "email", "secret"})


def fitted(definition: Definition, values: Mapping[str, JSON], known: Set[str], labels: Labels) -> Definition:
    """`values`: as they are shown, redacted. `known`: the fields that may be changed; whatever hangs on another one,
    whose value nobody has kept, is asked without that."""
    there = known | {field.name for field in definition.fields if field.mode != "asked"}
    items: list[Field | Note] = []
    for item in definition.items:
        if isinstance(item, Note):
            items.append(_freed(item, there))
        elif item.name in there:
            items.append(_fit(_freed(item, there), values.get(item.name), there, labels.get(item.name, {})))
    return Definition(tuple(items))


def to_read(definition: Definition, values: Mapping[str, JSON]) -> Definition:
    """The fields as nobody can change them. What has no value shows the one that it begins with."""
    return Definition(tuple(_fixed(field, values.get(field.name)) for field in definition.fields))


def _fixed(field: Field, value: JSON) -> Field:
    if field.kind == "secret" or value == REDACTED:
        return _said(field, "" if is_empty(value) else _("Kept, and not shown."))
    value = field.default if value is None and field.has_default else value
    if field.kind == "key_value" and isinstance(value, Mapping) and _are_pairs(value):
        return _said(field, "\n".join(f"{name}: {text}" for name, text in value.items()))
    if field.kind == "list" and isinstance(value, list) and _are_lines(value):
        return _said(field, "\n".join(label_of(each) for each in value))
    return replace(_fit(replace(field, provider=None, inputs={}), value, frozenset(), {}), mode="fixed", default=value)


def _said(field: Field, text: str) -> Field:
    return replace(_plain(field, "long_text"), mode="fixed", default=text)


def _freed(item: Item, there: Set[str]) -> Item:
    """Without its condition, where that asks for what is not there."""
    if item.visible_when is None or set(fields_in(item.visible_when)) <= there:
        return item
    return replace(item, visible_when=None)


def _fit(field: Field, value: JSON, known: Set[str], labels: Mapping[str, str]) -> Field:
    if field.mode != "asked":
        return replace(field, default=value) if value is not None else field
    if field.kind == "secret" or value == REDACTED:
        return _hidden(field, value)
    if not _shows(field, value):
        return _plain(field, "json")
    if field.kind in CHOOSING:
        return _choosing(field, value, known, labels)
    return _TO_FIT[field.kind](field, value) if field.kind in _TO_FIT else field


def _text(field: Field, value: JSON) -> Field:
    is_long = isinstance(value, str) and ("\n" in value or len(value) > LONG_TEXT)
    return replace(field, kind="long_text") if is_long else field


def _list(field: Field, value: JSON) -> Field:
    if "items" in field.rules or not isinstance(value, list):
        return field
    return replace(field, rules={**field.rules, "items": _items_of(value)})


def _hidden(field: Field, value: JSON) -> Field:
    """A secret is not shown, and stays as it is unless another one is typed."""
    if value == REDACTED and KINDS[field.kind] not in _TEXTS:
        return _plain(field, "json")
    help_ = field.help if is_empty(value) else f"{field.help} {_('Left empty, it stays as it is.')}".strip()
    return replace(_plain(field, "secret"), help=help_, required=field.required and is_empty(value))


def _plain(field: Field, kind: str) -> Field:
    """Of another kind, without what only the former one knew."""
    return replace(field, kind=kind, rules={}, choices=(), provider=None, inputs={}, fields=(), default=MISSING)


def _group(field: Field, _value: JSON) -> Field:
    """Of its rows, too, only what the workflow got was kept."""
    there = {each.name for each in field.fields if each.sent or each.mode != "asked"}
    return replace(field, fields=tuple(_freed(each, there) for each in field.fields if each.name in there))


def _choosing(field: Field, value: JSON, known: Set[str], labels: Mapping[str, str]) -> Field:
    """What was chosen stays a choice, also where the options have changed since."""
    if field.provider and set(field.inputs.values()) <= known:
        return field
    chosen = value if isinstance(value, list) else [value]
    missing = [each for each in chosen if each is not None and not any(same(each, c.value) for c in field.choices)]
    added = tuple(Choice(each, labels.get(option_text(each)) or label_of(each)) for each in missing)
    return replace(field, choices=(*field.choices, *added), provider=None, inputs={})


def label_of(value: JSON) -> str:
    return value if isinstance(value, str) else encode(value)


def _items_of(value: list[JSON]) -> str:
    if not value or not all(_is_number(each) for each in value):
        return "text"
    return "whole" if all(isinstance(each, int) for each in value) else "number"


def _shows(field: Field, value: JSON) -> bool:
    """Whether an input of this kind can show the value, and give it back."""
    return value is None or _SHOWN.get(field.kind, _is_text)(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _are_lines(value: Any) -> bool:
    """Texts of one line each, or numbers."""
    if not isinstance(value, list):
        return False
    lines = all(isinstance(each, str) and each == each.strip() != "" and len(each.splitlines()) == 1 for each in value)
    return lines or all(_is_number(each) for each in value)


def _are_pairs(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, Mapping) for each in value)


_TO_FIT: Mapping[str, Callable[[Field, JSON], Field]] = {"text": _text, "list": _list, "group": _group}
_SHOWN: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(TICKED, lambda value: isinstance(value, bool)),
    "number": _is_number,
    "choice": lambda value: not isinstance(value, list | Mapping),
    "radio": lambda value: not isinstance(value, list | Mapping),
    "multiple_choice": _is_list,
    "list": _are_lines,
    "key_value": _are_pairs,
    "group": _are_rows,
    "file": lambda value: isinstance(value, list | Mapping),
    "json": lambda value: True,
}
