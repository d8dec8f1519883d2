"""Ids in the paths of URLs."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bifrost.sdk.errors import ValidationError


def segment(value: Any, field: str) -> str:
    """The value as one part of a path, whatever it holds: an id that came from a form leads to no other endpoint.

    Raises ValidationError where it cannot be one.
    """
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    if text in {"", ".", ".."}:
        raise ValidationError(f"{field} must be an id, not {value!r}", field=field)
    return quote(text, safe="")


def number(value: Any) -> Any:
    """An id as a number where it is one in text, as forms give it; services that want numbers refuse text."""
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else value
