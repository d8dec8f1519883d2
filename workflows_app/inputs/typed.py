"""Typed texts and the JSON values that they mean, both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from bifrost.sdk.shapes import Shape
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.fields import Field

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?")
MOST_LINES = 10_000


class Unreadable(ValueError):
    """What was typed means nothing; `shown` is what the page shows of it again."""

    def __init__(self, message: str, shown: JSON) -> None:
        super().__init__(message)
        self.shown = shown


def number(text: str, *, whole: bool) -> int | float:
    """In the one notation that no two countries read differently; of ASCII digits."""
    if whole:
        if _WHOLE.fullmatch(text) is None:
            raise Unreadable(_("must be a whole number such as 1250"), text)
        return int(text)
    read = float(text) if _NUMBER.fullmatch(text) else float("inf")
    if read - read != 0:
        raise Unreadable(_("must be a number such as 1250 or 0.5, with a point and no other sign"), text)
    return int(text) if _WHOLE.fullmatch(text) else read


def moment(text: str, zone: ZoneInfo) -> str:
    """The moment of a clock in that time zone, in UTC. Of two that the clock shows in autumn it is the first.

    What is no such text, one with a time zone of its own for example, stays as it is.
    """
    if _LOCAL.fullmatch(text) is None:
        return text
    try:
        clock = datetime.fromisoformat(text)
        found = clock.replace(tzinfo=zone).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) != clock:
            place = zone.key.replace("_", " ")
            raise Unreadable(_("does not exist: the clocks of {place} go forward then").format(place=place), text)
    except OverflowError:
        return text
    except Unreadable:
        raise
    except ValueError:
        return text
    return found.isoformat().replace("+00:00", "Z")


def clock(value: JSON, zone: ZoneInfo) -> str:
    """What the clock of that time zone shows at that moment, as a page's input takes it; else the value as text."""
    text = value if isinstance(value, str) else ""
    try:
        found = datetime.fromisoformat(text)
        there = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(zone)
        return there.replace(tzinfo=None).isoformat(timespec="minutes")
    except (ValueError, OverflowError):
        return text


def lines(asked: Field, text: str) -> list[JSON]:
    """One entry on each line; of numbers where the field says so."""
    written = [line.strip() for line in text.splitlines()]
    written = [line for line in written if line]
    if len(written) > MOST_LINES:
        raise Unreadable(_("must be at most {most} lines").format(most=MOST_LINES), written[:MOST_LINES])
    items = asked.rules.get("items", "text")
    if items == "text":
        return list(written)
    try:
        return [number(line, whole=items == "whole") for line in written]
    except Unreadable as unreadable:
        raise Unreadable(
            _("has {line}, which {problem}").format(line=unreadable.shown[:40], problem=unreadable), written
        ) from None


def document(text: str) -> JSON:
    """JSON; a bare word means a text."""
    if not text.strip():
        return None
    try:
        return Shape("json").read(text)
    except ValueError:
        raise Unreadable(_("must be JSON"), text) from None


def document_text(value: JSON) -> str:
    """A document as one types it."""
    if isinstance(value, str):
        try:
            if document(value) == value:
                return value
        except Unreadable:
            return value
    return json.dumps(value, indent=2, ensure_ascii=False)


def pairs(typed: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Keys and values; what was left empty altogether is left out."""
    rows = [(key.strip(), value.strip()) for key, value in typed]
    rows = [row for row in rows if any(row)]
    keys = [key for key, _value in rows]
    if "" in keys:
        raise Unreadable(_("has a value without a name"), [list(row) for row in rows])
    if twice := next((key for number, key in enumerate(keys) if key in keys[:number]), ""):
        raise Unreadable(_("has {name} twice").format(name=twice[:60]), [list(row) for row in rows])
    return dict(rows)
