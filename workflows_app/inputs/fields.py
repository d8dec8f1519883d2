"""One field: what is asked, how it is shown, and which JSON value it yields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self
from zoneinfo import available_timezones

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.forms import MAX_NAME
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.shapes import Shape
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs import conditions

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
CHOOSING = frozenset({"choice", "radio", "multiple_choice"})
TICKED = frozenset({"checkbox", "switch"})
MODES = ("asked", "fixed", "hidden")
# What a field's rules may say beside those of its parameter's type.
EXTRA_RULES: Mapping[str, tuple[str, ...]] = {
    "number": ("whole", "step"),
    "file": ("max_bytes", "types", "many"),
    "group": ("min_length", "max_length"),
}
MOST_CHOICES = 1_000
_PHONE = re.compile(r"\+?[0-9 ()/.\-]{3,30}")


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
        inner = said.get("fields", [])
        parts["fields"] = tuple(cls.read(each, set()) for each in inner) if isinstance(inner, list) else ()
        made = cls(**{"name": "", **parts})
        made._check(before)
        return replace(made, label=made.label or made.name.replace("_", " ").strip().capitalize())

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

    @cached_property
    def parameter(self) -> ParameterSpec:
        """What checks and describes its values, but for what only the kind knows."""
        own = EXTRA_RULES.get(self.kind, ())
        rules = {rule: said for rule, said in self.rules.items() if rule not in own or self.kind == "group"}
        return ParameterSpec(
            self.name,
            "int" if self.kind == "number" and self.rules.get("whole") else KINDS[self.kind],
            description=self.help,
            required=self.required,
            default=self.default,
            validation=rules,
            data_provider=self.provider,
            label=self.label,
            shape=Shape("dict", item=Shape("string")) if self.kind == "key_value" else None,
        )

    def problem(self, value: JSON) -> str | None:
        """What only the kind of the field knows to be wrong with a value that its parameter accepts."""
        if self.required and self.kind in TICKED and value is not True:
            return "must be ticked"
        if self.kind == "phone" and _PHONE.fullmatch(value) is None:
            return "must be a telephone number such as +44 20 7946 0018"
        if self.kind == "timezone" and value not in available_timezones():
            return "must be a time zone such as Europe/London"
        if self.kind in CHOOSING and self.choices:
            chosen = value if self.kind == "multiple_choice" else [value]
            if not all(any(_same(each, choice.value) for choice in self.choices) for each in chosen):
                return "is not among the options"
        return None

    def json_schema(self) -> dict[str, Any]:
        schema = self.parameter.json_schema()
        if self.choices:
            values = {"enum": [choice.value for choice in self.choices]}
            schema |= {"items": values} if self.kind == "multiple_choice" else values
        if self.kind == "group":
            schema["items"] = {
                "type": "object",
                "properties": {each.name: each.json_schema() for each in self.fields},
                "required": [each.name for each in self.fields if each.required],
                "additionalProperties": False,
            }
        if self.kind == "file":
            schema["x-file"] = dict(self.rules)
        return schema

    def _check(self, before: set[str]) -> None:
        if not isinstance(self.name, str) or not 0 < len(self.name) <= MAX_NAME or not self.name.isidentifier():
            raise DeclarationError(f"needs a name of letters, digits and underscores, not {self.name!r}")
        if self.kind not in KINDS:
            raise DeclarationError(f"has the unknown kind {self.kind!r}; kinds are {', '.join(KINDS)}")
        if self.mode not in MODES:
            raise DeclarationError(f"has the unknown mode {self.mode!r}; modes are {', '.join(MODES)}")
        if self.mode != "asked" and self.default is MISSING:
            raise DeclarationError(f"is {self.mode} and needs the value that it always has, as its default")
        for name in ("label", "help", "placeholder"):
            if not isinstance(getattr(self, name), str):
                raise DeclarationError(f"has a {name} that is not text")
        if self.width not in ("full", "half"):
            raise DeclarationError("is neither full nor half wide")
        self._check_references(before)
        if bool(self.fields) != (self.kind == "group"):
            raise DeclarationError(
                "is a group without fields" if self.kind == "group" else "has fields and is no group"
            )
        if any(each.kind in ("group", "file") for each in self.fields):
            raise DeclarationError("is a group that holds a group or a file")
        _ = self.parameter

    def _check_references(self, before: set[str]) -> None:
        if self.kind in CHOOSING and bool(self.choices) == bool(self.provider):
            raise DeclarationError("needs either choices or a data provider")
        if self.choices and self.kind not in CHOOSING:
            raise DeclarationError("has choices and is nothing to choose from")
        for argument, name in self.inputs.items():
            if name not in before:
                raise DeclarationError(f"takes {argument!r} from {name!r}, which is no field before it")
        if self.visible_when is not None:
            conditions.check(self.visible_when, before)


def _same(left: JSON, right: JSON) -> bool:
    return left == right and isinstance(left, bool) is isinstance(right, bool)


def _choices(said: Any) -> tuple[Choice, ...]:
    if not isinstance(said, list) or len(said) > MOST_CHOICES:
        raise DeclarationError(f"has choices that are not a list of at most {MOST_CHOICES:,}")
    made = []
    for each in said:
        choice = each if isinstance(each, Mapping) else {"value": each}
        if "value" not in choice or isinstance(choice["value"], (dict, list)):
            raise DeclarationError("has a choice that is neither a value nor an object with a value and a label")
        made.append(Choice(choice["value"], str(choice.get("label", choice["value"]))))
    return tuple(made)


# In JSON the names are camelCase where they are two words.
_WORDS: Mapping[str, str] = {
    {"visible_when": "visibleWhen"}.get(each.name, each.name): each.name for each in fields(Field)
}
