"""Options as a data provider gives them, and the one shape that they have from here on."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bifrost.sdk.documents import encode, exact, size
from bifrost.sdk.errors import SerializationError
from bifrost.sdk.tolerant import JSON

MOST_OPTIONS = 10_000
_PARTS = ("label", "value", "metadata")

#: Equal for values that are equal in JSON, where true is not 1.
Identity = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    value: JSON
    label: str
    metadata: dict[str, JSON]

    def as_json(self) -> dict[str, JSON]:
        return {"label": self.label, "value": self.value, "metadata": self.metadata}


@dataclass(frozen=True, slots=True)
class Options:
    """Not to be changed: all who ask share them. `cached`: they were computed for somebody who asked before."""

    options: tuple[Option, ...]
    cached: bool
    computed_at: datetime

    def identities(self) -> Set[Identity]:
        return {identity(option.value) for option in self.options}

    def as_json(self) -> dict[str, JSON]:
        return {"options": [option.as_json() for option in self.options], "cached": self.cached}


class WrongShape(Exception):
    """What a data provider returned is no list of options. Says why, as the end of a sentence."""


def read_options(given: object, most_bytes: int) -> tuple[tuple[Option, ...], int]:
    """The options, and how many bytes they take. Raises WrongShape."""
    if not isinstance(given, list | tuple):
        raise WrongShape(f"returned {type(given).__name__}, not a list of options")
    if len(given) > MOST_OPTIONS:
        raise WrongShape(f"returned {len(given):,} options; {MOST_OPTIONS:,} are the most")
    try:
        copied = exact(list(given), "options")
    except SerializationError as error:
        raise WrongShape(f"returned what is not JSON: {error.place} {error.reason}") from None
    if (bytes_ := size(copied)) > most_bytes:
        raise WrongShape(f"returned {bytes_:,} bytes; {most_bytes:,} are the most")
    return tuple(_option(number, each) for number, each in enumerate(copied, 1)), bytes_


def identity(value: JSON) -> Identity:
    """What two equal values have in common."""
    if isinstance(value, str | bool) or value is None:
        return type(value).__name__, value
    if isinstance(value, int | float):
        return "number", value
    if isinstance(value, list):
        return "list", tuple(identity(each) for each in value)
    return "object", encode({name: value[name] for name in sorted(value)})


def _option(number: int, said: JSON) -> Option:
    if not isinstance(said, Mapping):
        raise WrongShape(f'has as option {number} no object with "label" and "value"')
    for part in ("label", "value"):
        if said.get(part) is None:
            raise WrongShape(f'has no "{part}" in option {number}')
    if surplus := sorted(set(said) - set(_PARTS)):
        raise WrongShape(f'has "{surplus[0]}" in option {number}: what else there is to say belongs into "metadata"')
    metadata = said.get("metadata")
    if not isinstance(said["label"], str) or not isinstance(metadata, Mapping | None):
        raise WrongShape(f"has a label that is no text, or metadata that are no object, in option {number}")
    return Option(said["value"], said["label"], dict(metadata or {}))
