"""Any JSON value as something to read: pairs of words, tables, texts; never braces where that can be helped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from bifrost.sdk.sanitizing import REDACTED
from forms_app.portal.runs.words import named, written
from workflows_app.timeline import compact

MOST_ROWS = 100
MOST_COLUMNS = 12
DEEPEST = 3
_LINK = re.compile(r"https?://[^\s<>\"']{1,2000}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Readable:
    """`kind` says which of the others a template shows: text, link, file, hidden, list, pairs, table or nothing."""

    kind: str
    text: str = ""
    entries: tuple[Readable, ...] = ()
    pairs: tuple[tuple[str, Readable], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Readable, ...], ...] = ()
    more: int = 0
    file: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labelled(self) -> list[list[tuple[str, Readable]]]:
        """The rows of a table, each cell with its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


NOTHING = Readable("nothing")
HIDDEN = Readable("hidden")


def readable(value: Any, depth: int = 0) -> Readable:
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return Readable("text", _("Yes") if value else _("No"))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return _object(value, depth)
    if isinstance(value, Sequence):
        return _list(value, depth)
    return Readable("text", str(value))


def _text(value: str) -> Readable:
    if value == REDACTED:
        return HIDDEN
    if _LINK.fullmatch(value):
        return Readable("link", value)
    return Readable("text", written(value) or value)


def _is_file(value: Mapping[str, Any]) -> bool:
    return "name" in value and _ID.fullmatch(str(value.get("fileId", ""))) is not None


def _object(value: Mapping[str, Any], depth: int) -> Readable:
    if _is_file(value):
        return Readable("file", str(value["name"]), file=value)
    if depth >= DEEPEST:
        return Readable("text", str(compact(value)))
    kept = list(value.items())[:MOST_ROWS]
    pairs = tuple((named(str(name)), readable(each, depth + 1)) for name, each in kept)
    return Readable("pairs", pairs=pairs, more=len(value) - len(kept))


def _list(value: Sequence[Any], depth: int) -> Readable:
    kept, more = value[:MOST_ROWS], max(0, len(value) - MOST_ROWS)
    if depth >= DEEPEST:
        return Readable("text", str(compact(list(kept))), more=more)
    names = list(dict.fromkeys(name for each in kept if isinstance(each, Mapping) for name in each))
    flat = all(isinstance(each, Mapping) and not _is_file(each) for each in kept)
    if flat and 0 < len(names) <= MOST_COLUMNS:
        rows = tuple(tuple(readable(each.get(name), DEEPEST) for name in names) for each in kept)
        return Readable("table", columns=tuple(named(str(name)) for name in names), rows=rows, more=more)
    return Readable("list", entries=tuple(readable(each, depth + 1) for each in kept), more=more)
