"""The validation rules of a @param: which types have which, and whether what they say makes sense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from pydantic_core import SchemaError, SchemaValidator
from pydantic_core import ValidationError as Invalid
from pydantic_core import core_schema as core

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.shapes import Shape

_LENGTHS, _RANGE = ("min_length", "max_length"), ("min", "max")
_TEXT = (*_LENGTHS, "pattern", "enum")
RULES: dict[str, tuple[str, ...]] = {
    "string": _TEXT,
    "secret": _TEXT,
    "email": _TEXT,
    "int": (*_RANGE, "enum"),
    "float": (*_RANGE, "enum"),
    "list": (*_LENGTHS, "enum"),
    "date": (*_RANGE, "enum"),
    "datetime": (*_RANGE, "enum"),
}
_JSON_SCHEMA = {"min": "minimum", "max": "maximum", "pattern": "pattern"}


def check(kind: str, rules: Mapping[str, Any]) -> None:
    """DeclarationError names a rule that this type does not have or that cannot be met."""
    known = RULES.get(kind, ())
    for name in rules:
        if name not in known:
            raise DeclarationError(f"has the validation rule {name!r}; type {kind} has {', '.join(known) or 'none'}")
    for name in _LENGTHS:
        _check_length(name, rules.get(name))
    for name in _RANGE:
        _check_bound(kind, name, rules.get(name))
    if rules.get("pattern") is not None:
        regex_engine(rules["pattern"])
    for low, high in (_LENGTHS, _RANGE):
        if rules.get(low) is not None and rules.get(high) is not None and _above(kind, rules[low], rules[high]):
            raise DeclarationError(f"has a {low} above its {high}")


def narrowed(shape: Shape, rules: Mapping[str, Any]) -> Shape:
    """The shape with the enum as its choices; a list's enum is that of its items."""
    if rules.get("enum") is None:
        return shape
    choices = rules["enum"]
    if not isinstance(choices, (list, tuple)) or not choices:
        raise DeclarationError("has an enum that is not a list of values")
    if shape.kind == "list":
        return replace(shape, item=replace(shape.item or Shape("json"), choices=tuple(choices)))
    try:
        validator = SchemaValidator(shape.schema())
        return replace(shape, choices=tuple(validator.validate_python(choice) for choice in choices))
    except Invalid:
        raise DeclarationError(f"has an enum value that is not {shape.words}") from None


def schema_arguments(kind: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    """The rules as arguments of `Shape.schema`."""
    names = {"min": "ge", "max": "le"}
    arguments = {names.get(name, name): value for name, value in rules.items() if name != "enum" and value is not None}
    if "pattern" in arguments:
        arguments["regex_engine"] = regex_engine(arguments["pattern"])
    if kind in ("date", "datetime"):
        return {name: _iso(value) for name, value in arguments.items()}
    return arguments


def json_schema(kind: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    lengths = ("minItems", "maxItems") if kind == "list" else ("minLength", "maxLength")
    if kind in ("date", "datetime"):
        return {f"x-{name}": _iso(rules[name]) for name in _RANGE if rules.get(name) is not None}
    names = {**_JSON_SCHEMA, **dict(zip(_LENGTHS, lengths, strict=True))}
    return {names[name]: value for name, value in rules.items() if name in names and value is not None}


def regex_engine(pattern: object) -> Any:
    """Rust's where it knows the pattern: that one cannot be made to backtrack for hours by an input."""
    for engine in ("rust-regex", "python-re"):
        try:
            SchemaValidator(core.str_schema(pattern=pattern, regex_engine=engine))  # type: ignore[arg-type]
        except SchemaError:
            continue
        return engine
    raise DeclarationError("has a pattern that is not a regular expression")


def _check_length(name: str, value: object) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise DeclarationError(f"has a {name} that is not a whole number of at least 0")


def _check_bound(kind: str, name: str, value: Any) -> None:
    if value is None:
        return
    if kind in ("date", "datetime"):
        try:
            SchemaValidator(Shape(kind).schema()).validate_python(_iso(value))
        except Invalid:
            raise DeclarationError(f"has a {name} that is not {Shape.kinds[kind]}") from None
        return
    kinds = (int,) if kind == "int" else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise DeclarationError(f"has a {name} that is not {Shape.kinds[kind]}")


def _above(kind: str, low: Any, high: Any) -> bool:
    if kind in ("date", "datetime"):
        shape = Shape(kind)
        return bool(shape.converted(_iso(low)) > shape.converted(_iso(high)))
    return bool(low > high)


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
