"""Fields that a person fills in or edits: declared by a mapping of names, kept as JSON, validated as parameters are.

form = {
    "amount": 250,                                                    # an initial value; its type is the value's
    "reason": {"type": "string", "label": "Why", "required": True},   # a declaration, with the words of @param
}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.fields import Fields
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.sanitizing import REDACTED
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["Form"]

#: Names of fields are keys of JSON objects and names of inputs in a page.
MAX_NAME = 100
DECLARES = ("type", "label", "description", "default", "required", "validation")
# In this order: a bool is an int too, and a datetime a date.
_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "bool"),
    (int, "int"),
    (float, "float"),
    (str, "string"),
    (datetime, "datetime"),
    (date, "date"),
    ((list, tuple), "list"),
    (type(None), "json"),
)


class Form(Fields):
    """What is asked, with the initial values. Immutable."""

    word = "Field"
    surplus = "is not a field of this form"

    @classmethod
    def declared(cls, form: Mapping[str, Any]) -> Self:
        """Raises DeclarationError that names the field and what is wrong with it."""
        if not isinstance(form, Mapping):
            raise DeclarationError(f"A form is a mapping of field names, not {type(form).__name__}")
        return cls(tuple(_field(name, said) for name, said in form.items()))

    @classmethod
    def from_json(cls, fields: Iterable[Mapping[str, Any]], initial: Mapping[str, JSON] | None = None) -> Self:
        """The form that `as_json` gave; with other initial values where these are given."""
        made = []
        for field in fields:
            said = {part: field[part] for part in ("name", *DECLARES) if part in field}
            value = field.get("initial", MISSING) if initial is None else initial.get(field["name"], MISSING)
            made.append(ParameterSpec(**{**said, "default": value}))
        return cls(tuple(made))

    def as_json(self, initial: Mapping[str, JSON] | None = None) -> list[dict[str, JSON]]:
        """Its fields in their order; with other initial values, redacted ones for example, where these are given."""
        values = self.initial if initial is None else initial
        return [
            {
                "name": field.name,
                "type": field.type,
                "label": field.label,
                "description": field.description,
                "required": field.required,
                "validation": plain(dict(field.validation)),
                **({"initial": values[field.name]} if field.name in values else {}),
            }
            for field in self.parameters
        ]

    @cached_property
    def initial(self) -> dict[str, JSON]:
        """The values of the fields that have one from the beginning."""
        given = (field for field in self.parameters if field.default is not MISSING)
        return {field.name: exact(field.default, "default") for field in given}

    def completed(self, given: Mapping[str, Any]) -> dict[str, JSON]:
        """The values of all fields: what was given, else what was there. Raises ValidationError as `validate` does."""
        return self.validate({**self.initial, **given} if isinstance(given, Mapping) else given)

    def without_secrets(self, values: Mapping[str, JSON]) -> dict[str, JSON]:
        """The values, but those of fields of type secret."""
        secret = {field.name for field in self.parameters if field.type == "secret"}
        return {
            name: REDACTED if name in secret and value not in (None, "") else value for name, value in values.items()
        }

    def secrets_in(self, values: Mapping[str, JSON]) -> list[str]:
        """The values of its fields of type secret."""
        named = (field.name for field in self.parameters if field.type == "secret")
        return [value for name in named if isinstance(value := values.get(name), str) and value]


def _field(name: object, said: Any) -> ParameterSpec:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME or name != name.strip() or not name.isprintable():
        raise DeclarationError(f"The name of a field must be text of 1 to {MAX_NAME} characters, not {name!r}")
    try:
        return ParameterSpec(name, **_declared(said)) if isinstance(said, Mapping) else _of_value(name, said)
    except DeclarationError as error:
        raise DeclarationError(f'The field "{name}" {error}') from None


def _declared(said: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := [str(part) for part in said if part not in DECLARES]:
        raise DeclarationError(
            f'has no "{unknown[0]}": a declaration has {", ".join(DECLARES)}'
            ' (an initial value that is a mapping: {"type": "dict", "default": {...}})'
        )
    return dict(said)


def _of_value(name: str, value: Any) -> ParameterSpec:
    kind = next((kind for types, kind in _TYPES if isinstance(value, types)), None)
    if kind is None:
        raise DeclarationError(f"has an initial value of the type {type(value).__name__}, which is not JSON")
    return ParameterSpec(name, kind, default=value)
