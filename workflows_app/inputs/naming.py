"""How fields and their values are called in a page: the names of its inputs, and options as texts."""

from __future__ import annotations

from collections.abc import Iterable

from bifrost.sdk.documents import decode, encode
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.conditions import same

# A field may be called as it likes: behind this no name is mistaken for the page's own, nor for a part of its form.
PREFIX = "v."
# The fields that the page asked: what is missing of these was emptied, and what is not among them was not asked.
ASKED = "-asked"
# Buttons that change the page rather than submit it.
ADD, REMOVE, UPDATE = "-add", "-remove", "-update"
CHANGES = (ADD, REMOVE, UPDATE)
# Files that were stored with an earlier try, as the page was told to remember them.
KEPT = "kept"
MOST_ROWS = 200
_AS_JSON = "json:"


def option_text(value: JSON) -> str:
    """An option's value as the page sends it: a text as it is, so that links can be written by hand."""
    if isinstance(value, str) and not value.startswith(_AS_JSON):
        return value
    return _AS_JSON + encode(value)


def option_value(text: str) -> JSON:
    """The value that `option_text` wrote; ValueError for what it never writes."""
    return decode(text.removeprefix(_AS_JSON)) if text.startswith(_AS_JSON) else text


def among(value: JSON, known: Iterable[JSON]) -> JSON:
    """Which of the known values is meant, or None. A link, written by hand, says 5 and true as one reads them."""
    return next(
        (each for each in known if same(each, value) or (not isinstance(each, str) and encode(each) == value)), None
    )
