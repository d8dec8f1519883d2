"""Several inputs together: checked, described, read from what a person typed."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from pydantic_core import SchemaValidator
from pydantic_core import ValidationError as Invalid
from pydantic_core import core_schema as core

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import SerializationError, ValidationError
from bifrost.sdk.messages import at, messages
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.tolerant import JSON, plain

#: A request may be wrong in a hundred thousand places; an answer names this many.
MAX_ERRORS = 100
_SHOWN_NAME = 100


@dataclass(frozen=True, eq=False)
class Fields:
    """The inputs of a workflow or of a form, in the order in which they are shown."""

    word: ClassVar[str] = "Parameter"
    surplus: ClassVar[str] = "is not a parameter of this workflow"

    parameters: tuple[ParameterSpec, ...]

    def parameters_schema(self) -> dict[str, Any]:
        """JSON Schema of an object with the parameters."""
        return {
            "type": "object",
            "properties": {parameter.name: parameter.json_schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if parameter.required],
            "additionalProperties": False,
        }

    def validate(self, values: Mapping[str, Any]) -> dict[str, JSON]:
        """The JSON values that are stored: a copy, with defaults for what was left out.

        ValidationError names the first bad field and has all of them in `details["errors"]`, missing and
        surplus ones too.
        """
        if not isinstance(values, Mapping):
            raise self._invalid([("", f"The {self.word.lower()}s must be a JSON object")])
        copied, problems = self._copied(values)
        try:
            valid: dict[str, JSON] = self._validator.validate_python(copied)
        except Invalid as invalid:
            # What is not JSON was left out of the copy: that it is missing there is no second error.
            known = {name for name, _ in problems}
            problems += [problem for problem in messages(invalid, self.surplus) if problem[0] not in known]
        if problems:
            raise self._invalid(problems)
        for name, default in self._defaults:
            if name not in valid:
                valid[name] = default if default is None or isinstance(default, str) else deepcopy(default)
        return valid

    def parse_text(self, pairs: Mapping[str, str]) -> dict[str, JSON]:
        """JSON values from what a person typed, ready for `validate`; ValidationError as there.

        Nothing typed for something that is not text counts as left out.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        values: dict[str, JSON] = {}
        problems: list[tuple[str, str]] = []
        for name, text in pairs.items():
            try:
                value = known[name].parse_text(text) if name in known else text
            except ValueError as error:
                problems.append((name, str(error)))
                continue
            if value is not None:
                values[name] = value
        if problems:
            raise self._invalid(problems)
        return values

    def arguments(self, values: Mapping[str, JSON]) -> dict[str, Any]:
        """What the function gets for valid values: its own copy, dates and times as such."""
        arguments: dict[str, Any] = exact(dict(values), "parameters")
        for parameter in self._converting:
            if parameter.name in arguments:
                arguments[parameter.name] = parameter.values.converted(arguments[parameter.name])
        return arguments

    @cached_property
    def _converting(self) -> tuple[ParameterSpec, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.converts)

    @cached_property
    def _validator(self) -> SchemaValidator:
        fields = {
            parameter.name: core.typed_dict_field(parameter.core_schema(), required=parameter.required)
            for parameter in self.parameters
        }
        return SchemaValidator(core.typed_dict_schema(fields, extra_behavior="forbid"))

    @cached_property
    def _defaults(self) -> tuple[tuple[str, JSON], ...]:
        return tuple(
            (parameter.name, None if parameter.default is MISSING else parameter.default)
            for parameter in self.parameters
            if not parameter.required
        )

    def _copied(self, values: Mapping[str, Any]) -> tuple[dict[str, JSON], list[tuple[str, str]]]:
        copied: dict[str, JSON] = {}
        problems: list[tuple[str, str]] = []
        for name, value in values.items():
            try:
                copied[name if isinstance(name, str) else str(plain(name))] = exact(value, "")
            except SerializationError as error:
                problems.append((str(plain(name)), at(error.place or "", error.reason or "")))
        return copied, problems

    def _invalid(self, problems: list[tuple[str, str]]) -> ValidationError:
        named = [(str(plain(name))[:_SHOWN_NAME], message) for name, message in problems[:MAX_ERRORS]]
        field, message = named[0]
        text = f'{self.word} "{field}" {message}' if field else message
        if len(problems) > 1:
            text += f" ({len(problems) - 1:,} more)"
        errors = [{"field": name or None, "message": message} for name, message in named]
        return ValidationError(text, field=field or None, details={"errors": errors})
