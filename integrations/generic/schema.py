"""Whether a value is of the type that a schema declares: its own type and choices, and those of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Resolve = Callable[[Any], Any]

_DEEPEST = 20
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}


def problems(schema: Any, value: Any, name: str, resolve: Resolve, depth: int = 0) -> list[str]:
    """What is wrong with the value, in words that begin with its name. `allOf` and its kin are not looked at."""
    declared = resolve(schema)
    if not isinstance(declared, Mapping) or depth > _DEEPEST:
        return []
    if wrong := _own(declared, value, name):
        return [wrong]
    if isinstance(value, Mapping):
        return _of_object(declared, value, name, resolve, depth)
    if isinstance(value, list | tuple) and "items" in declared:
        parts = (
            problems(declared["items"], item, f"{name}[{at}]", resolve, depth + 1) for at, item in enumerate(value)
        )
        return [each for part in parts for each in part]
    return []


def _own(schema: Mapping[str, Any], value: Any, name: str) -> str | None:
    types = _types(schema)
    if value is None and (schema.get("nullable") or "null" in types):
        return None
    if types and not any(_is(value, each) for each in types):
        return f"{name} must be of the type {' or '.join(types)}"
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        return f"{name} must be one of {', '.join(map(str, schema['enum']))}"
    return None


def _types(schema: Mapping[str, Any]) -> list[str]:
    """The declared types that we know; a document may have one, several, or words of its own."""
    given = schema.get("type")
    named = given if isinstance(given, list) else [given]
    return [each for each in named if each in _TYPES] if all(each in _TYPES for each in named) else []


def _is(value: Any, type_name: str) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    return isinstance(value, _TYPES[type_name])


def _of_object(
    schema: Mapping[str, Any], value: Mapping[str, Any], name: str, resolve: Resolve, depth: int
) -> list[str]:
    fields = schema.get("properties") or {}
    found = [f"{name}.{field} is missing" for field in schema.get("required") or () if field not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{name} has no field {field}" for field in value if field not in fields]
    for field, part in value.items():
        if field in fields:
            found += problems(fields[field], part, f"{name}.{field}", resolve, depth + 1)
    return found
