"""Names and values as Graph writes them, from what authors write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from bifrost.sdk.errors import ValidationError

_OR = re.compile(r"\bor\b", re.IGNORECASE)
_NOT_IN_NICKNAMES = frozenset('@()\\[]";:<>, ')


def property_name(name: str) -> str:
    """`job_title` is jobTitle; one with capitals, and one of an extension, is as it should be."""
    if "_" not in name.strip("_") or name != name.lower() or name.startswith("extension_"):
        return name
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def properties(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is to be set, by Graph's names."""
    return {property_name(name): value for name, value in given.items()}


def key_of(given: Any, what: str) -> str:
    """The id or name by which an object is meant: itself, or that of an object that Graph answered with.

    Raises ValidationError for what names nothing.
    """
    if isinstance(given, Mapping):
        given = given.get("id")
    key = str(given) if isinstance(given, str | UUID) else ""
    if not key.strip("./ "):
        raise ValidationError(f"This names no {what}: {given!r}", field=what)
    return key


def path_of(collection: str, key: str) -> str:
    """`/users/ann@acme.example`; the key is no part of the address but text, whatever it holds."""
    if key.startswith("$"):
        return f"/{collection}('{quote(key.replace(chr(39), chr(39) * 2), safe='@')}')"
    return f"/{collection}/{quote(key, safe='@')}"


def nickname_of(name: str) -> str:
    """The mail alias that belongs to a name or address: Graph takes ASCII alone, and not all of it."""
    plain = unicodedata.normalize("NFKD", name.partition("@")[0]).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain if letter not in _NOT_IN_NICKNAMES and letter.isprintable())[:64]


def literal(value: Any) -> str:
    """A value as `$filter` writes it; what is in a text stays in the text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | UUID):
        return str(value)
    if isinstance(value, date):
        return moment(value)
    return "'" + str(value).replace("'", "''") + "'"


def moment(value: date | str) -> str:
    """A time in UTC. One without a zone is in UTC already; a text is taken as it is."""
    if isinstance(value, str):
        return value
    if not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00Z"
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def all_of(*conditions: str | None) -> str | None:
    """The filter of which each of these is a part."""
    given = [condition for condition in conditions if condition]
    if len(given) < 2:
        return given[0] if given else None
    return " and ".join(f"({each})" if _OR.search(each) else each for each in given)


def listed(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
