"""What values an input takes: checked, described as JSON Schema, read from text, handed to the function."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core import core_schema as core

from bifrost.sdk.addresses import is_email
from bifrost.sdk.documents import decode
from bifrost.sdk.files import is_file_id
from bifrost.sdk.tolerant import JSON

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*")
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


@dataclass(frozen=True)
class Shape:
    """`item` is what a list or dict holds, `options` what a union may be; `choices` narrow any kind."""

    kind: str
    nullable: bool = False
    choices: tuple[JSON, ...] = ()
    item: Shape | None = None
    options: tuple[Shape, ...] = ()

    kinds: ClassVar[Mapping[str, str]] = {
        "string": "text",
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "email": "an e-mail address",
        "json": "any JSON value",
        "list": "a list",
        "dict": "an object",
        "date": "a date such as 2026-01-31",
        "datetime": "a date and time such as 2026-01-31T09:30:00Z",
        "secret": "text",
        "file": "a file that was uploaded",
    }

    @property
    def words(self) -> str:
        """What it must be, to end a sentence with."""
        return " or ".join(option.words for option in self.options) if self.options else self.kinds[self.kind]

    @property
    def converts(self) -> bool:
        """Whether the function gets another object than the stored JSON value."""
        inner = [*self.options, *([self.item] if self.item else [])]
        return self.kind in ("date", "datetime") or any(shape.converts for shape in inner)

    def schema(self, **rules: Any) -> CoreSchema:
        """pydantic's schema of the JSON values; the rules are arguments of its schema for this kind."""
        schema = self._union() if self.options else _SCHEMAS[self.kind](self, rules)
        if self.choices:
            schema = core.no_info_after_validator_function(self._chosen, schema)
        return core.nullable_schema(schema) if self.nullable else schema

    def json_schema(self) -> dict[str, Any]:
        described = self._described()
        if not self.nullable or not described:
            return described
        if "type" not in described:
            return {"anyOf": [*described.get("anyOf", [described]), {"type": "null"}]}
        choices = {"enum": [*described["enum"], None]} if "enum" in described else {}
        return {**described, **choices, "type": [described["type"], "null"]}

    def read(self, text: str) -> JSON:
        """The value that a person means by a text, not validated yet; ValueError says what it must be."""
        for choice in self.choices:
            if text == (choice if isinstance(choice, str) else json.dumps(choice)):
                return choice
        if self.options:
            return self._read_any(text)
        reader = _READERS.get(self.kind)
        try:
            return text if reader is None else reader(self, text)
        except ValueError:
            raise ValueError(f"must be {self.words}") from None

    def converted(self, value: JSON) -> Any:
        """What the function gets for a valid value: dates and times as such, times always with a zone."""
        if value is None or not self.converts:
            return value
        if self.options:
            return self._converted_any(value)
        if self.item is not None:
            return self._converted_items(self.item, value)
        return date.fromisoformat(value) if self.kind == "date" else moment(value)

    def _union(self) -> CoreSchema:
        schemas: list[CoreSchema | tuple[CoreSchema, str]] = [option.schema() for option in self.options]
        return core.union_schema(
            schemas,
            custom_error_type="union",
            custom_error_message=f"must be {self.words.replace('{', '{{')}",
        )

    def _chosen(self, value: JSON) -> JSON:
        if any(choice == value and isinstance(choice, bool) is isinstance(value, bool) for choice in self.choices):
            return value
        shown = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in self.choices[:20])
        more = ", ..." if len(self.choices) > 20 else ""
        raise PydanticCustomError("choice", "must be one of {choices}", {"choices": shown + more})

    def _described(self) -> dict[str, Any]:
        if self.options:
            return {"anyOf": [option.json_schema() for option in self.options]}
        described = dict(_DESCRIPTIONS[self.kind])
        if self.item is not None:
            described["items" if self.kind == "list" else "additionalProperties"] = self.item.json_schema()
        if self.choices:
            described["enum"] = list(self.choices)
        return described

    def _read_any(self, text: str) -> JSON:
        # Text can be read as text by any union that has it, so it comes last.
        for option in sorted(self.options, key=lambda shape: shape.kind in ("string", "json")):
            try:
                return option.read(text)
            except ValueError:
                continue
        raise ValueError(f"must be {self.words}")

    @staticmethod
    def _converted_items(item: Shape, value: JSON) -> Any:
        if isinstance(value, dict):
            return {key: item.converted(entry) for key, entry in value.items()}
        return [item.converted(entry) for entry in value]

    def _converted_any(self, value: JSON) -> Any:
        for option in self.options:
            try:
                if option.converts:
                    return option.converted(value)
            except (TypeError, ValueError):
                continue
        return value


def moment(text: str) -> datetime:
    """The moment of an ISO 8601 text; one without a zone is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _text(_shape: Shape, rules: dict[str, Any]) -> CoreSchema:
    return core.str_schema(strict=True, **rules)


def _email(_shape: Shape, rules: dict[str, Any]) -> CoreSchema:
    def check(text: str) -> str:
        if not is_email(text):
            raise PydanticCustomError("email", "must be an e-mail address")
        return text

    return core.no_info_after_validator_function(check, core.str_schema(strict=True, **rules))


def _date(shape: Shape, rules: dict[str, Any]) -> CoreSchema:
    return _temporal(shape, _DATE.fullmatch, date.fromisoformat, rules)


def _datetime(shape: Shape, rules: dict[str, Any]) -> CoreSchema:
    return _temporal(shape, _DATETIME.match, moment, rules)


def _temporal(
    shape: Shape, form: Callable[[str], object], parse: Callable[[str], Any], rules: dict[str, Any]
) -> CoreSchema:
    """A text that stays one: it is stored as it came, and converted for the function alone."""
    least, most = rules.get("ge"), rules.get("le")

    def check(text: str) -> str:
        try:
            value = parse(text) if form(text) else None
        except ValueError:
            value = None
        if value is None:
            raise PydanticCustomError("temporal", f"must be {shape.words}")
        if least is not None and value < parse(least):
            raise PydanticCustomError("too_early", "must not be before {least}", {"least": least})
        if most is not None and value > parse(most):
            raise PydanticCustomError("too_late", "must not be after {most}", {"most": most})
        return text

    return core.no_info_after_validator_function(check, core.str_schema(strict=True))


def _list(shape: Shape, rules: dict[str, Any]) -> CoreSchema:
    return core.list_schema(shape.item.schema() if shape.item else None, strict=True, **rules)


def _dict(shape: Shape, _rules: dict[str, Any]) -> CoreSchema:
    return core.dict_schema(core.str_schema(), shape.item.schema() if shape.item else None, strict=True)


def _file(shape: Shape, _rules: dict[str, Any]) -> CoreSchema:
    """The object that names it; only its id says which one is meant."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        if not is_file_id(value.get("fileId")) or value.keys() - _DESCRIPTIONS["file"]["properties"].keys():
            raise PydanticCustomError("file", "must be {words}", {"words": shape.words})
        return value

    return core.no_info_after_validator_function(check, core.dict_schema(core.str_schema(), strict=True))


_SCHEMAS: dict[str, Callable[[Shape, dict[str, Any]], CoreSchema]] = {
    "string": _text,
    "secret": _text,
    "int": lambda _shape, rules: core.int_schema(strict=True, **rules),
    "float": lambda _shape, rules: core.float_schema(strict=True, allow_inf_nan=False, **rules),
    "bool": lambda _shape, _rules: core.bool_schema(strict=True),
    "email": _email,
    "json": lambda _shape, _rules: core.any_schema(),
    "list": _list,
    "dict": _dict,
    "date": _date,
    "datetime": _datetime,
    "file": _file,
}

_DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "secret": {"type": "string", "format": "password", "writeOnly": True},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "email": {"type": "string", "format": "email"},
    "json": {},
    "list": {"type": "array"},
    "dict": {"type": "object"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "file": {
        "type": "object",
        "properties": {
            "fileId": {"type": "string", "format": "uuid"},
            "name": {"type": "string"},
            "contentType": {"type": "string"},
            "size": {"type": "integer"},
        },
        "required": ["fileId"],
        "additionalProperties": False,
        "x-file": {},
    },
}


def _read_bool(_shape: Shape, text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


def _read_int(_shape: Shape, text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise ValueError(text)
    return int(text)


def _read_json(_shape: Shape, text: str) -> JSON:
    try:
        return decode(text)
    except ValueError:
        # A bare word is meant as text; what begins like JSON and is not is a mistake.
        if text.lstrip()[:1] in ("{", "[", '"'):
            raise
        return text


def _read_dict(_shape: Shape, text: str) -> JSON:
    return decode(text)


def _read_list(shape: Shape, text: str) -> JSON:
    if text.lstrip().startswith("["):
        return decode(text)
    parts = [part.strip() for part in text.split(",")]
    return [shape.item.read(part) if shape.item else part for part in parts if part]


_READERS: dict[str, Callable[[Shape, str], JSON]] = {
    "int": _read_int,
    "float": lambda _shape, text: float(text),
    "bool": _read_bool,
    "json": _read_json,
    "dict": _read_dict,
    "file": _read_dict,
    "list": _read_list,
}
