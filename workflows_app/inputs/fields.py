"""One field: what is asked, how it is shown, and which JSON value it yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import encode
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.shapes import Shape
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs import declaring, judging
from workflows_app.inputs.declaring import EXTRA_RULES, MODES
from workflows_app.inputs.judging import CHOOSING, TICKED

__all__ = ["CHOOSING", "EXTRA_RULES", "KINDS", "MODES", "TICKED", "Choice", "Field"]

# The type of a parameter whose values each kind of field yields.
KINDS: Mapping[str, str] = {
    "text": "string",
    "long_text": "string",
    "number": "float",
    "email": "email",
    "phone": "string",
    "date": "date",
    "datetime": "datetime",
    "timezone": "string",
    "choice": "json",
    "radio": "json",
    "multiple_choice": "list",
    "checkbox": "bool",
    "switch": "bool",
    "json": "json",
    "secret": "secret",
    "file": "json",
    "list": "list",
    "key_value": "dict",
    "group": "list",
}
MOST_CHOICES = 1_000
_ITEMS = {"text": Shape("string"), "number": Shape("float"), "whole": Shape("int")}


@dataclass(frozen=True)
class Choice:
    value: JSON
    label: str


@dataclass(frozen=True)
class Field:
    """Immutable; made by `read`, which checks it.

    `mode`: asked of the person; fixed, which shows its default and lets nobody change it; hidden, which is its default
    and not shown. `provider` is the data provider of its options, and `inputs` say which field each of the provider's
    arguments is taken from. `fields` are those of a repeating group. `sent` is false where the workflow does not get
    the value: it only decides about other fields.
    """

    name: str
    kind: str = "text"
    label: str = ""
    help: str = ""
    placeholder: str = ""
    required: bool = False
    default: JSON = MISSING
    mode: str = "asked"
    rules: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    provider: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    visible_when: Mapping[str, Any] | None = None
    fields: tuple[Field, ...] = ()
    width: str = "full"
    sent: bool = True

    @classmethod
    def read(cls, said: Any, before: set[str]) -> Self:
        """The field that a definition's JSON means. `before`: the fields that it may refer to.

        Raises DeclarationError as the end of a sentence that begins with the field.
        """
        if not isinstance(said, Mapping):
            raise DeclarationError("is not an object")
        if unknown := sorted(set(said) - {*_WORDS, "type"}):
            raise DeclarationError(f"has no {unknown[0]!r}; a field has {', '.join(_WORDS)}")
        parts = {_WORDS[word]: value for word, value in said.items() if word != "type"}
        parts["choices"] = _choices(said.get("choices", []))
        parts["fields"] = cls._inner(said.get("fields", []))
        made = cls(**{"name": "", **parts})
        declaring.check(made, KINDS, before)
        _ = made.parameter
        return replace(made, label=made.label or made.name.replace("_", " ").strip().capitalize())

    @classmethod
    def _inner(cls, said: Any) -> tuple[Self, ...]:
        """The fields of a group; one may refer to those before it in its row."""
        if not isinstance(said, list):
            raise DeclarationError("has fields that are not a list")
        made: dict[str, Self] = {}
        for each in said:
            field = cls.read(each, set(made))
            if field.name in made:
                raise DeclarationError(f"has two fields {field.name!r}")
            declaring.check_inputs(field, made)
            made[field.name] = field
        return tuple(made.values())

    def as_json(self) -> dict[str, Any]:
        """What `read` makes the same field of: only what differs from a plain text field."""
        plain = type(self)(self.name)
        said: dict[str, Any] = {"type": "field", "name": self.name, "kind": self.kind, "label": self.label}
        for word, name in _WORDS.items():
            value = getattr(self, name)
            if word in said or value == getattr(plain, name):
                continue
            match name:
                case "choices":
                    value = [{"value": choice.value, "label": choice.label} for choice in value]
                case "fields":
                    value = [each.as_json() for each in value]
                case "rules" | "inputs" | "visible_when":
                    value = dict(value)
            said[word] = value
        return said

    @property
    def has_default(self) -> bool:
        return self.default is not MISSING and self.default is not None

    @cached_property
    def parameter(self) -> ParameterSpec:
        """What checks and describes its values, but for what only the kind knows."""
        own = EXTRA_RULES.get(self.kind, ())
        return ParameterSpec(
            self.name,
            "int" if self.kind == "number" and self.rules.get("whole") else KINDS[self.kind],
            description=self.help,
            required=self.required,
            default=self.default,
            validation={rule: said for rule, said in self.rules.items() if rule not in own},
            data_provider=self.provider,
            label=self.label,
            shape=self._shape,
        )

    @property
    def _shape(self) -> Shape | None:
        if self.kind == "key_value":
            return Shape("dict", item=Shape("string"))
        if self.kind == "list" and "items" in self.rules:
            return Shape("list", item=_ITEMS[self.rules["items"]])
        return None

    def problem(self, value: JSON) -> str | None:
        """What only the kind of the field knows to be wrong with a value that its parameter accepts."""
        return judging.problem(self, value)

    def json_schema(self) -> dict[str, Any]:
        schema = self.parameter.json_schema()
        if self.choices:
            values = [choice.value for choice in self.choices]
            nothing = [] if self.required or self.has_default else [None]
            several = self.kind == "multiple_choice"
            schema |= {"items": {"enum": values}} if several else {"enum": [*values, *nothing]}
        if self.required and self.kind in TICKED:
            schema["const"] = True
        if self.kind == "group":
            schema["items"] = object_schema(self.fields)
        if self.kind == "file":
            schema["x-file"] = dict(self.rules)
        return schema


def object_schema(of: tuple[Field, ...]) -> dict[str, Any]:
    """JSON Schema of the values that somebody gives for these. What is asked only sometimes is never required."""
    asked = [field for field in of if field.mode == "asked"]
    return {
        "type": "object",
        "properties": {field.name: field.json_schema() for field in asked},
        "required": [field.name for field in asked if field.required and field.visible_when is None],
        "additionalProperties": False,
    }


def _choices(said: Any) -> tuple[Choice, ...]:
    if not isinstance(said, list) or len(said) > MOST_CHOICES:
        raise DeclarationError(f"has choices that are not a list of at most {MOST_CHOICES:,}")
    made = []
    for each in said:
        choice = each if isinstance(each, Mapping) else {"value": each}
        if set(choice) - {"value", "label"} or isinstance(choice.get("value"), (dict, list, type(None))):
            raise DeclarationError("has a choice that is neither a value nor an object with a value and a label")
        value = choice["value"]
        if not isinstance(label := choice.get("label", value if isinstance(value, str) else encode(value)), str):
            raise DeclarationError("has a choice whose label is not text")
        made.append(Choice(value, label))
    return tuple(made)


# In JSON the names are camelCase where they are two words.
_WORDS: Mapping[str, str] = {
    {"visible_when": "visibleWhen"}.get(each.name, each.name): each.name for each in fields(Field)
}
