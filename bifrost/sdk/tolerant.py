"""Any Python value as JSON: for logs, checkpoints and variables, which never fail a run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

#: Any JSON value. Not spelt out as a recursive type: readers would have to cast at every look inside.
JSON = Any

MAX_DEPTH = 50
#: Nothing that may be stored has more; a structure that shares its parts may, and would take minutes.
MAX_VALUES = 200_000
#: json.loads refuses integers of more than 4,300 digits, and printing them takes quadratic time.
MAX_INTEGER_BITS = 10_000
REPR_LENGTH = 1_000
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ELLIPSIS = "..."


def plain(value: object) -> JSON:
    """A JSON copy of any value; never raises.

    Unknown objects become their repr, NUL and lone surrogates U+FFFD, NaN and the infinities their names;
    what is nested too deep, contains itself or has too many parts becomes "...".
    """
    if value is None or value is True or value is False:
        return value
    if type(value) is str and value.isascii() and "\x00" not in value:
        return value
    return _Copy().of(value, MAX_DEPTH)


class _Copy:
    """One copying of one document: what is open above the current place, and how much may still come."""

    def __init__(self) -> None:
        self.left = MAX_VALUES
        self.open: set[int] = set()

    def of(self, value: object, depth: int) -> JSON:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, (int, float)):
            return _number(value)
        # Asking whether something is a Mapping is slow: the common kinds come first.
        if isinstance(value, (dict, list, tuple, set, frozenset, Mapping)):
            return self._container(value, depth)
        return _other(value)

    def _container(self, value: Mapping[Any, Any] | Iterable[Any], depth: int) -> JSON:
        if depth <= 0 or self.left <= 0 or id(value) in self.open:
            return _ELLIPSIS
        self.open.add(id(value))
        try:
            if isinstance(value, (dict, Mapping)):
                return self._mapping(value, depth)
            return self._items(value, depth)
        except Exception:  # noqa: BLE001 - an author's container may raise anything while it is read
            return _shown(value)
        finally:
            self.open.discard(id(value))

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, JSON]:
        self.left -= len(value)
        return {
            _text(key) if isinstance(key, str) else _text(_shown(key)): self.of(item, depth - 1)
            for key, item in value.items()
        }

    def _items(self, value: Iterable[Any], depth: int) -> list[JSON]:
        items = list(value)
        self.left -= len(items)
        return [self.of(item, depth - 1) for item in items]


def _text(value: str) -> str:
    text = value if type(value) is str else str.__str__(value)
    if text.isascii() and "\x00" not in text:
        return text
    return UNSTORABLE.sub("\ufffd", text)


def name_of(number: float) -> str:
    """What JavaScript calls a float that is no number."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _number(value: int | float) -> JSON:
    if isinstance(value, float):
        number = float.__float__(value)
        return number if number - number == 0 else name_of(number)
    if int.bit_length(value) > MAX_INTEGER_BITS:
        return f"an integer of {int.bit_length(value)} bits"
    return int.__int__(value)


def _other(value: object) -> JSON:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (UUID, Decimal, PurePath)):
        return _text(str(value))
    return _shown(value)


def _shown(value: object) -> str:
    try:
        shown = str(value) if value is None or isinstance(value, (bool, int, float, date)) else repr(value)
    except Exception:  # noqa: BLE001 - a repr is an author's code
        shown = f"<{type(value).__name__} that cannot be shown>"
    return _text(shown if len(shown) <= REPR_LENGTH else shown[:REPR_LENGTH] + _ELLIPSIS)
