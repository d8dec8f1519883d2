"""What is asked of a collection: `$filter`, `$select`, `$search`, `$orderby` and how many."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bifrost.sdk.errors import ValidationError
from integrations.msgraph.names import all_of, listed, literal, property_name

Filter = str | Mapping[str, Any]

#: The most that a page of users, groups, members or devices holds.
LARGEST_PAGE = 999
_TEXT = re.compile(r"'(?:[^']|'')*'")
_ADVANCED = re.compile(r"\b(?:ne|not|endswith)\b|\$count", re.IGNORECASE)
_SEARCHED = re.compile(r"(\w+):(.+)", re.DOTALL)


@dataclass(frozen=True)
class Query:
    """`filter` is Graph's own language, or a mapping of what has to be equal. `search` is a text that is looked for in
    the `searched` properties, "property:text", or Graph's own language in double quotes. `top`: no more than that many
    in all. `page`: how many are asked for at once, None where the collection does not let itself be asked. `advanced`:
    whether it is an advanced query, which only the directory knows; None: what it asks for tells.
    """

    filter: Filter | None = None
    select: str | Iterable[str] | None = None
    search: str | None = None
    order_by: str | None = None
    top: int | None = None
    page: int | None = LARGEST_PAGE
    searched: tuple[str, ...] = ("displayName",)
    advanced: bool | None = None

    def __post_init__(self) -> None:
        if self.top is not None and (isinstance(self.top, bool) or not isinstance(self.top, int) or self.top < 1):
            raise ValidationError(f"top must be a number above 0, not {self.top!r}", field="top")

    def parameters(self) -> dict[str, str]:
        wanted = {
            "$filter": filter_of(self.filter),
            "$select": ",".join(map(property_name, listed(self.select))) if self.select else None,
            "$search": self.search and search_of(self.search, self.searched),
            "$orderby": self.order_by,
            "$top": self.page and str(min(self.page, self.top or self.page)),
            "$count": "true" if self.is_advanced else None,
        }
        return {name: value for name, value in wanted.items() if value}

    def headers(self) -> dict[str, str]:
        """Graph does not answer an advanced query unless it is told that somewhat old data will do."""
        return {"ConsistencyLevel": "eventual"} if self.is_advanced else {}

    @property
    def is_advanced(self) -> bool:
        if self.advanced is not None:
            return self.advanced
        condition = filter_of(self.filter) or ""
        sorted_too = bool(condition and self.order_by)
        return bool(self.search) or sorted_too or bool(_ADVANCED.search(_TEXT.sub("", condition)))


def filter_of(given: Filter | None) -> str | None:
    if not isinstance(given, Mapping):
        return given or None
    return all_of(*(_equal(property_name(name), value) for name, value in given.items()))


def _equal(name: str, value: Any) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return f"{name} in ({', '.join(map(literal, value))})"
    return f"{name} eq {literal(value)}"


def search_of(text: str, properties: Iterable[str]) -> str:
    """Raises ValidationError for nothing."""
    if text.strip().startswith('"'):
        return text
    if not text.strip():
        raise ValidationError("There is nothing to search for", field="search")
    if named := _SEARCHED.fullmatch(text):
        properties, text = [property_name(named[1])], named[2]
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return " OR ".join(f'"{name}:{escaped}"' for name in properties)
