"""Which type hints an input may have, and what values each means."""

from __future__ import annotations

import types
from collections import abc
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.files import File
from bifrost.sdk.shapes import Shape

_PLAIN: dict[Any, Shape] = {
    str: Shape("string"),
    int: Shape("int"),
    float: Shape("float"),
    bool: Shape("bool"),
    dict: Shape("dict"),
    list: Shape("list"),
    abc.Mapping: Shape("dict"),
    abc.Sequence: Shape("list"),
    date: Shape("date"),
    datetime: Shape("datetime"),
    File: Shape("file"),
    Any: Shape("json"),
    object: Shape("json"),
}
_LITERAL_KINDS: dict[type, str] = {str: "string", int: "int", bool: "bool"}


def shape_of(hint: Any) -> Shape:
    """The values that a hint allows; DeclarationError for a hint that has no JSON values."""
    origin = get_origin(hint)
    try:
        plain = _PLAIN.get(origin if origin is not None and not get_args(hint) else hint)
    except TypeError:
        raise _unknown(hint) from None
    if plain is not None:
        return plain
    if isinstance(hint, NewType):
        return shape_of(hint.__supertype__)
    if origin is Annotated:
        return shape_of(get_args(hint)[0])
    return _composed(hint, origin)


def _composed(hint: Any, origin: Any) -> Shape:
    inner = get_args(hint)
    if origin is Literal:
        return _literal(hint)
    if origin is Union or origin is types.UnionType:
        return _union(inner)
    if origin in (list, abc.Sequence):
        return Shape("list", item=_item(inner[0]))
    if origin in (dict, abc.Mapping) and inner[0] is str:
        return Shape("dict", item=_item(inner[1]))
    raise _unknown(hint)


def _item(hint: Any) -> Shape | None:
    shape = shape_of(hint)
    return None if shape == Shape("json") else shape


def _literal(hint: Any) -> Shape:
    choices = tuple(choice for choice in get_args(hint) if choice is not None)
    kinds = {_LITERAL_KINDS.get(type(choice)) for choice in choices}
    if not choices or None in kinds:
        raise _unknown(hint)
    kind = kinds.pop() if len(kinds) == 1 else "json"
    return Shape(kind or "json", nullable=None in get_args(hint), choices=choices)


def _union(hints: tuple[Any, ...]) -> Shape:
    shapes = [shape_of(hint) for hint in hints if hint is not types.NoneType]
    nullable = types.NoneType in hints
    if len(shapes) == 1:
        return replace(shapes[0], nullable=nullable or shapes[0].nullable)
    return Shape("json", nullable=nullable, options=tuple(shapes))


def _unknown(hint: Any) -> DeclarationError:
    name = hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else str(hint)
    return DeclarationError(
        f"has the type hint {name}, which no input can have; use str, int, float, bool, dict, list, date,"
        " datetime, Literal, Optional or Any, or declare it with @param"
    )
