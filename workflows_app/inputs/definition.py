"""A form's definition: its fields in order, with headings and texts between them. It checks what a person gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from django.utils.translation import gettext as _

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import DeclarationError, SerializationError, ValidationError
from bifrost.sdk.fields import Fields
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs import conditions, declaring
from workflows_app.inputs.conditions import same
from workflows_app.inputs.fields import TICKED, Field, object_schema

MOST_ITEMS = 200
_NOTHING: tuple[JSON, ...] = (None, "", [], {})


@dataclass(frozen=True)
class Note:
    """A heading (`kind` section) or a paragraph of Markdown (`kind` text) between the fields."""

    kind: str
    title: str = ""
    text: str = ""
    visible_when: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        said: dict[str, Any] = {"type": self.kind}
        said |= {name: value for name, value in (("title", self.title), ("text", self.text)) if value}
        return said | ({"visibleWhen": dict(self.visible_when)} if self.visible_when is not None else {})


@dataclass(frozen=True)
class Definition:
    """Immutable; made by `read`. A condition, and what a data provider is asked with, refers to fields before it."""

    items: tuple[Field | Note, ...]

    @classmethod
    def read(cls, said: Any) -> Self:
        """The definition that a JSON list of items means. Raises DeclarationError, which names the item."""
        if not isinstance(said, list) or len(said) > MOST_ITEMS:
            raise DeclarationError(f"A form is a list of at most {MOST_ITEMS} fields and texts.")
        try:
            said = exact(said, "form")
        except SerializationError as error:
            raise DeclarationError(f"{error.message}.") from None
        items: list[Field | Note] = []
        before: dict[str, Field] = {}
        for number, each in enumerate(said, 1):
            name = str(each.get("name") or each.get("title") or number) if isinstance(each, Mapping) else str(number)
            try:
                item = _item(each, set(before))
                _check_default(item)
                if isinstance(item, Field):
                    declaring.check_inputs(item, before)
            except DeclarationError as error:
                raise DeclarationError(f'The item "{name:.100}" {error}.') from None
            if isinstance(item, Field):
                if item.name in before:
                    raise DeclarationError(f'There are two fields "{item.name}".')
                before[item.name] = item
            items.append(item)
        return cls(tuple(items))

    def as_json(self) -> list[dict[str, Any]]:
        return [item.as_json() for item in self.items]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        return tuple(item for item in self.items if isinstance(item, Field))

    def field(self, name: str) -> Field:
        """Raises KeyError."""
        return self._by_name[name]

    def place(self, place: str) -> tuple[Definition, Field, str]:
        """The field at a place such as `email` or `rows.2.email`: the definition that it is one of, itself, and the
        number of its row. Raises KeyError."""
        name, _, below = place.partition(".")
        if not below:
            return self, self.field(name), ""
        row, _, inner = below.partition(".")
        of_row = Definition(self.field(name).fields)
        return of_row, of_row.field(inner), row

    def visible(self, values: Mapping[str, JSON]) -> list[Field | Note]:
        """The items that are part of the form where these are its values. A hidden field is, though nobody sees it."""
        there: dict[str, JSON] = {}
        shown = []
        for item in self.items:
            if item.visible_when is not None and not conditions.holds(item.visible_when, there):
                continue
            shown.append(item)
            if isinstance(item, Field):
                there[item.name] = value_of(item, values)
        return shown

    def validate(self, values: Mapping[str, Any]) -> dict[str, JSON]:
        """The values that the form yields: those of fields that are not part of it are left out, fixed ones are there.

        An optional field that was left empty is left out too, unless it was emptied of its default. Whether a value
        is among a data provider's options is not looked at here. Raises ValidationError with one entry for each bad
        field.
        """
        if not isinstance(values, Mapping):
            raise invalid([("", "The values must be a JSON object")])
        problems = [(str(name), "is not a field of this form") for name in values if name not in self._by_name]
        found: dict[str, JSON] = {}
        for item in self.visible(values):
            if isinstance(item, Field):
                wrong = _check(item, value_of(item, values), values, found)
                problems += [(item.name + place, message) for place, message in wrong]
        if problems:
            raise invalid(problems)
        return found

    def sent(self, values: Mapping[str, JSON]) -> dict[str, JSON]:
        """Those of the checked values that the workflow gets."""
        sent = {}
        for name, value in values.items():
            field = self._by_name[name]
            if field.sent:
                sent[name] = [Definition(field.fields).sent(row) for row in value] if field.fields else value
        return sent

    def arguments(self, field: Field, values: Mapping[str, JSON]) -> dict[str, JSON]:
        """What the field's data provider is asked with where these are the values: nothing of what is left empty."""
        there = {item.name: value_of(item, values) for item in self.visible(values) if isinstance(item, Field)}
        found = {argument: there.get(name) for argument, name in field.inputs.items()}
        return {argument: value for argument, value in found.items() if value not in (None, "", [], {})}

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema of the values that somebody gives."""
        return object_schema(self.fields)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name: field for field in self.fields}


def value_of(field: Field, values: Mapping[str, JSON]) -> JSON:
    """What the field is worth: what was given, else its default where it has one. Nothing is None, or not ticked."""
    nothing = False if field.kind in TICKED else None
    default = nothing if field.default is MISSING else field.default
    if field.mode != "asked":
        return default
    return values.get(field.name, default)


def invalid(problems: list[tuple[str, str]]) -> ValidationError:
    """The error of these fields and what is wrong with each."""
    return _Form(())._invalid(problems)


class _Form(Fields):
    word = "Field"
    surplus = "is not a field of this form"


def _item(said: Any, before: set[str]) -> Field | Note:
    if not isinstance(said, Mapping):
        raise DeclarationError("is not an object")
    kind = said.get("type", "field")
    if kind == "field":
        return Field.read(said, before)
    if kind not in ("section", "text"):
        raise DeclarationError(f"has the unknown type {kind!r}; types are field, section, text")
    if unknown := sorted(set(said) - {"type", "title", "text", "visibleWhen"}):
        raise DeclarationError(f"has no {unknown[0]!r}")
    if (condition := said.get("visibleWhen")) is not None:
        conditions.check(condition, before)
    title, text = said.get("title", ""), said.get("text", "")
    if not isinstance(title, str) or not isinstance(text, str):
        raise DeclarationError("has a title or a text that is not text")
    return Note(kind, title, text, condition)


def _check_default(item: Field | Note) -> None:
    """Raises DeclarationError where the field would refuse the value that it begins with."""
    if not isinstance(item, Field) or not item.has_default:
        return
    if wrong := _check(replace(item, required=False), item.default, {}, {}):
        place, message = wrong[0]
        raise DeclarationError(f"has a default that {message}" + (f" (at {place.strip('.')})" if place else ""))


def _check(field: Field, value: JSON, given: Mapping[str, Any], found: dict[str, JSON]) -> list[tuple[str, str]]:
    """What is wrong, as places below the field and messages; where nothing is, the value goes into `found`."""
    if field.mode != "asked" and field.name in given and not same(given[field.name], value):
        return [("", _("cannot be changed"))]
    if any(same(value, nothing) for nothing in _NOTHING):
        if field.required:
            return [("", _("must be filled in"))]
        # Left out, a value that was emptied would come back as the workflow's own default.
        if value is None or not field.has_default:
            return []
    if field.kind == "group":
        return _check_group(field, value, found)
    try:
        checked = _Form((field.parameter,)).validate({field.name: value})
    except ValidationError as error:
        return [(str(each["field"] or "")[len(field.name) :], each["message"]) for each in error.details["errors"]]
    if (problem := field.problem(value)) is None:
        found[field.name] = checked[field.name]
    return [] if problem is None else [("", problem)]


def _check_group(group: Field, rows: JSON, found: dict[str, JSON]) -> list[tuple[str, str]]:
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        return [("", "must be a list of objects")]
    least, most = group.rules.get("min_length", 0), group.rules.get("max_length", 100)
    if not least <= len(rows) <= most:
        return [("", f"must have {least} to {most} entries")]
    problems = []
    checked = []
    for number, row in enumerate(rows):
        try:
            checked.append(Definition(group.fields).validate(row))
        except ValidationError as error:
            problems += [(f".{number}.{each['field']}", each["message"]) for each in error.details["errors"]]
    if not problems:
        found[group.name] = checked
    return problems
