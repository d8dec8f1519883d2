"""ConnectWise's conditions, as far as its documentation describes them, against records."""

from __future__ import annotations

import fnmatch
import operator as operators
import re
from typing import Any

# A value: text in either kind of quotation marks, a time in brackets, a list in parentheses, or a bare word.
_VALUE = r"\"[^\"]*\"|'[^']*'|\[[^\]]*\]|\([^)]*\)|[\w.+-]+"
_CONDITION = re.compile(
    rf"\s*([A-Za-z_][\w/]*)\s*(<=|>=|!=|=|<|>|not contains|contains|not like|like|not in|in)\s*({_VALUE})\s*",
    re.IGNORECASE,
)
_COMPARISONS = {"<": operators.lt, "<=": operators.le, ">": operators.gt, ">=": operators.ge}
_AND = re.compile(r"and\b", re.IGNORECASE)


class Unreadable(Exception):
    pass


def fits(record: dict[str, Any], text: str) -> bool:
    """Raises Unreadable for what ConnectWise would not understand."""
    verdicts, position = [], 0
    while True:
        match = _CONDITION.match(text, position)
        if match is None:
            raise Unreadable(text)
        verdicts.append(_holds(_field(record, match[1]), match[2].lower(), match[3]))
        position = match.end()
        if position == len(text):
            return all(verdicts)
        joined = _AND.match(text, position)
        if joined is None:
            raise Unreadable(text)
        position = joined.end()


def _field(record: dict[str, Any], path: str) -> Any:
    found: Any = record
    for part in path.split("/"):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _holds(found: Any, operator: str, written: str) -> bool:
    if operator.startswith("not "):
        return not _holds(found, operator.removeprefix("not "), written)
    if operator == "in":
        return any(found == _value(each.strip()) for each in written[1:-1].split(","))
    value = _value(written)
    if operator in {"like", "contains"}:
        wanted = str(value).lower().replace("%", "*")
        return fnmatch.fnmatchcase(str(found or "").lower(), wanted if operator == "like" else f"*{wanted}*")
    if operator in {"=", "!="}:
        return (found == value) is (operator == "=")
    return found is not None and _COMPARISONS[operator](found, value)


def _value(written: str) -> Any:
    if written[0] in "\"'":
        return written[1:-1].replace("[[]", "[")
    if written[0] == "[":
        if not re.fullmatch(r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\]", written):
            raise Unreadable(written)
        return written[1:-1]
    words = {"true": True, "false": False, "null": None}
    if written.lower() in words:
        return words[written.lower()]
    try:
        return float(written) if "." in written else int(written)
    except ValueError as error:
        raise Unreadable(written) from error
