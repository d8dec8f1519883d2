"""One declaration of an input, from which validation, JSON Schema and form fields are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from pydantic_core import CoreSchema, SchemaValidator
from pydantic_core import ValidationError as Invalid

from bifrost.sdk import rules
from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import DeclarationError, SerializationError
from bifrost.sdk.messages import messages
from bifrost.sdk.shapes import Shape
from bifrost.sdk.tolerant import JSON

__all__ = ["MISSING", "TYPES", "ParameterSpec"]

TYPES = tuple(Shape.kinds)


@dataclass(frozen=True)
class ParameterSpec:
    """An input of a workflow. An omitted optional one is its default, or None where that is MISSING.

    `shape` says more than `type` where a hint does (`list[str]`, unions). Making one checks everything it
    says: DeclarationError tells what is wrong, as the end of a sentence that begins with the parameter.
    """

    name: str
    type: str = "string"
    description: str = ""
    required: bool = False
    default: JSON = field(default=MISSING, hash=False)
    validation: Mapping[str, Any] = field(default_factory=dict, hash=False)
    data_provider: str | None = None
    label: str = ""
    shape: Shape | None = None

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise DeclarationError(f"has the unknown type {self.type!r}; types are {', '.join(TYPES)}")
        for name in ("description", "label"):
            if not isinstance(getattr(self, name), str):
                raise DeclarationError(f"has a {name} that is not text")
        if not isinstance(self.required, bool):
            raise DeclarationError("must be required=True or required=False")
        if not isinstance(self.data_provider, (str, type(None))):
            raise DeclarationError("has a data_provider that is not a name")
        if not isinstance(self.validation, Mapping):
            raise DeclarationError("has a validation that is not a mapping of rules")
        rules.check(self.type, self.validation)
        self._set("label", self.label or self.name.replace("_", " ").strip().capitalize())
        self._set("shape", rules.narrowed(self.shape or Shape(self.type), self.validation))
        self._set("default", self._checked_default())

    @cached_property
    def values(self) -> Shape:
        """What it takes, null included where leaving it out means null."""
        shape = self.shape or Shape(self.type)
        optional = not self.required and self.default in (None, MISSING)
        return replace(shape, nullable=True) if optional else shape

    @cached_property
    def converts(self) -> bool:
        return self.values.converts

    def core_schema(self) -> CoreSchema:
        return self.values.schema(**rules.schema_arguments(self.type, self.validation))

    def json_schema(self) -> dict[str, Any]:
        schema = {
            "title": self.label,
            **self.values.json_schema(),
            **rules.json_schema(self.type, self.validation),
        }
        if self.description:
            schema["description"] = self.description
        if self.default is not MISSING:
            schema["default"] = self.default
        if self.data_provider:
            schema["x-data-provider"] = self.data_provider
        return schema

    def parse_text(self, text: str) -> JSON:
        """What a person means by this text, not validated yet; ValueError says what it must be.

        Nothing written for something that is not text means null.
        """
        shape = self.shape or Shape(self.type)
        if not text.strip() and shape.kind not in ("string", "secret") and not shape.options:
            return None
        return shape.read(text)

    def _checked_default(self) -> JSON:
        if self.default is MISSING or self.default is None:
            return self.default
        try:
            default = exact(_json_form(self.default), "default")
            return SchemaValidator(self.core_schema()).validate_python(default)
        except SerializationError as error:
            raise DeclarationError(f"has a default that is not JSON: {error.place} {error.reason}") from None
        except Invalid as invalid:
            raise DeclarationError(f"has a default that {messages(invalid)[0][1]}") from None

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _json_form(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
