"""What is wrong with an input, in words that fit behind its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails
from pydantic_core import ValidationError as Invalid

_SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not known here",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}


def messages(invalid: Invalid, surplus: str = "") -> list[tuple[str, str]]:
    """Each error as the place's first part (a parameter's name, or "") and a sentence. `surplus`: that of a name which
    is not known.
    """
    found = invalid.errors(include_url=False, include_input=False)
    return [
        (
            str(error["loc"][0]) if error["loc"] else "",
            surplus if surplus and error["type"] == "extra_forbidden" else sentence(error),
        )
        for error in found
    ]


def sentence(error: ErrorDetails) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"][1:])
    return at(place, _words(error["type"], error["msg"], error.get("ctx") or {}))


def at(place: str, words: str) -> str:
    return f"at {place}: {words}" if place else words


def _words(kind: str, message: str, context: Mapping[str, Any]) -> str:
    words = _SENTENCES.get(kind)
    return message if words is None else words.format(**context)
