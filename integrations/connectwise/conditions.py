"""Conditions in ConnectWise's language, from Python's values.

conditions({"board/name": "Help Desk", "closedFlag": False, "lastUpdated >": yesterday})
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from bifrost.sdk.errors import ValidationError

OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "contains", "not contains", "like", "not like", "in", "not in"})
_FIELD = re.compile(r"([A-Za-z_][\w/]*)(?:\s+(.+))?")


def conditions(given: str | Mapping[str, Any] | None) -> str | None:
    """All of the mapping's conditions together: its keys are fields, with an operator where it is not "="; text is a
    condition as ConnectWise wants it, and stays as it is.

    Raises ValidationError for what cannot be said safely.
    """
    if given is None or isinstance(given, str):
        return given
    return " and ".join(_condition(field, value) for field, value in given.items()) or None


def _condition(key: str, value: Any) -> str:
    match = _FIELD.fullmatch(key.strip())
    field = match[1] if match else ""
    operator = " ".join((match[2] or "").lower().split()) if match else ""
    if isinstance(value, list | tuple | set | frozenset):
        operator = operator or "in"
    operator = operator or "="
    if not field or operator not in OPERATORS:
        raise ValidationError(f"{key!r} is no field with an operator of ConnectWise's", field=key)
    if operator.endswith("in") and not operator.endswith("contains"):
        return f"{field} {operator} ({', '.join(quoted(each, key) for each in _several(value, key))})"
    return f"{field} {operator} {quoted(value, key, wild=operator.endswith('like'))}"


def _several(value: Any, key: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset) or not value:
        raise ValidationError(f"{key!r} needs a list that is not empty", field=key)
    return list(value)


def quoted(value: Any, field: str, *, wild: bool = False) -> str:
    """A value as ConnectWise reads it. `wild`: `*` and `%` stand for any text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float) and math.isfinite(value):
        return str(value)
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"[{timestamp(moment)}]"
    if isinstance(value, date):
        return f"[{value.isoformat()}T00:00:00Z]"
    if isinstance(value, str):
        return _text(value, field, wild)
    raise ValidationError(f"{field}: ConnectWise has no conditions about {type(value).__name__}", field=field)


def timestamp(moment: datetime) -> str:
    """To the second and in UTC, the only form that ConnectWise takes."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: str, field: str, wild: bool) -> str:
    """ConnectWise knows two kinds of quotation marks and no way to escape one: what would need it is refused, as is
    what would end as an escape in a reading that has them, and a wildcard where none is meant.
    """
    if '"' in value and "'" in value:
        raise ValidationError(f"{field}: ConnectWise has no way to write both kinds of quotation marks", field=field)
    if value.endswith("\\"):
        raise ValidationError(f"{field}: a backslash cannot come last", field=field)
    if "*" in value and not wild:
        raise ValidationError(f'{field}: "*" stands for any text, which only "like" may look for', field=field)
    mark = "'" if '"' in value else '"'
    return mark + value.replace("[", "[[]") + mark
