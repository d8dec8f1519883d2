"""JSON values: made exactly or not at all, measured, encoded and decoded. (`plain`, the tolerant way, is
`tolerant`'s.)
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from bifrost.sdk.errors import SerializationError
from bifrost.sdk.tolerant import JSON, MAX_INTEGER_BITS, UNSTORABLE, name_of, plain

__all__ = ["JSON", "decode", "encode", "exact", "plain", "size"]

MAX_DEPTH = 100
#: No result within its limit of 1 MB has more, and a structure that shares its parts would take minutes.
MAX_VALUES = 600_000
_SHOWN_KEY = 60
_SHOWN_PLACES = 20

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def exact(value: object, what: str) -> JSON:
    """A JSON copy of a value that is JSON already (tuples become lists).

    Raises SerializationError, naming the place below `what`, for everything that would not come back as it
    went: other types, keys that are not text, NaN, NUL, lone surrogates, more than 100 levels, a value that
    contains itself.
    """
    if value is None or value is True or value is False:
        return value
    if type(value) is str and value.isascii() and "\x00" not in value:
        return value
    try:
        return _Copy().of(value, MAX_DEPTH)
    except _Refused as refused:
        place = _place(what, refused.path)
        verb = "are" if what.endswith("s") else "is"
        message = f"The {what} {verb} not JSON: {place} {refused.reason}"
        raise SerializationError(message, place=place, reason=refused.reason) from None


def encode(value: JSON) -> str:
    """The shortest JSON text of a value that `plain` or `exact` made; ValueError for NaN."""
    return _ENCODER.encode(value)


def decode(text: str | bytes) -> JSON:
    """The value of a JSON text; ValueError for anything else, also NaN, bad UTF-8 and nesting beyond all
    reason.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("The JSON text is nested too deep") from None


def size(value: JSON) -> int:
    """How many bytes the value takes as JSON."""
    return len(_ENCODER.encode(value).encode())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Refused(Exception):
    """Raised at the bad value; the levels above add their keys, so that a good document never pays for its
    path.
    """

    def __init__(self, reason: str, culprit: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.culprit = culprit
        self.path: list[str | int] = []

    def rise(self, key: str | int, container: object) -> None:
        self.path.insert(0, key)
        if self.culprit is container:
            self.path, self.reason = [], "contains itself"


class _Copy:
    def __init__(self) -> None:
        self.left = MAX_VALUES

    def of(self, value: object, depth: int) -> JSON:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, (int, float)):
            return _number(value)
        if isinstance(value, dict):
            return self._dict(value, depth)
        if isinstance(value, (list, tuple)):
            return self._list(value, depth)
        raise _Refused(f"is {_with_article(type(value).__name__)}")

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[str, JSON]:
        self._enter(value, depth)
        copy = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise _Refused(f"has a key that is {_with_article(type(key).__name__)}: {_cut(repr(key))}")
            try:
                copy[_text(key)] = self.of(item, depth - 1)
            except _Refused as refused:
                refused.rise(key, value)
                raise
        return copy

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[JSON]:
        self._enter(value, depth)
        copy = []
        for position, item in enumerate(value):
            try:
                copy.append(self.of(item, depth - 1))
            except _Refused as refused:
                refused.rise(position, value)
                raise
        return copy

    def _enter(self, value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> None:
        self.left -= len(value)
        if depth <= 0:
            raise _Refused(f"is nested more than {MAX_DEPTH} levels deep", value)
        if self.left < 0:
            raise _Refused(f"has more than {MAX_VALUES:,} values")


def _text(value: str) -> str:
    text = value if type(value) is str else str.__str__(value)
    if text.isascii() and "\x00" not in text:
        return text
    bad = UNSTORABLE.search(text)
    if bad is not None:
        raise _Refused("holds a NUL character" if bad.group() == "\x00" else "holds half a surrogate pair")
    return text


def _number(value: int | float) -> int | float:
    if isinstance(value, float):
        number = float.__float__(value)
        if number - number != 0:
            raise _Refused(f"is {name_of(number)}, which JSON does not have")
        return number
    if int.bit_length(value) > MAX_INTEGER_BITS:
        raise _Refused(f"is an integer of more than {MAX_INTEGER_BITS:,} bits")
    return int.__int__(value)


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _place(what: str, path: list[str | int]) -> str:
    parts = [f"[{key}]" if isinstance(key, int) else _key(key) for key in path]
    if len(parts) > _SHOWN_PLACES:
        parts[_SHOWN_PLACES // 2 : -_SHOWN_PLACES // 2] = ["..."]
    return what + "".join(parts)


def _key(key: str) -> str:
    return f".{key}" if key.isidentifier() and len(key) <= _SHOWN_KEY else f"[{_cut(ascii(key))}]"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_KEY else text[:_SHOWN_KEY] + "..."
