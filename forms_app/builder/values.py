"""What a person types in the builder, and the JSON values that it means.

A text that was left as it was shown always means the value that it was made of, whatever it looks like.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import SerializationError
from bifrost.sdk.tolerant import JSON
from forms_app.builder.content import Item
from workflows_app.inputs.fields import CHOOSING, TICKED

# Up to here, floating-point numbers tell whole ones apart.
_EXACT = 2**53


def text_of(value: Any) -> str:
    """As it is shown in a line."""
    if value is MISSING or value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def lines_of(value: Any) -> str:
    """A list or a mapping, one entry a line."""
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {text_of(each)}" for key, each in value.items())
    return "\n".join(text_of(each) for each in value) if isinstance(value, list) else text_of(value)


def number(text: str) -> int | float:
    """Raises ValueError with words for people."""
    try:
        found = float(text)
    except ValueError:
        found = math.inf
    if not math.isfinite(found):
        raise ValueError(_("Write a number."))
    return int(found) if found.is_integer() and abs(found) < _EXACT else found


def default_from(item: Item, text: str) -> Any:
    """The initial value that a person wrote for this field; MISSING for nothing. Raises ValueError."""
    text = text.replace("\r\n", "\n")
    if text == shown_default(item):
        return item.get("default", MISSING)
    return _meant(item, str(item.get("kind", "text")), text) if text.strip() else MISSING


def shown_default(item: Item) -> str:
    value = item.get("default", MISSING)
    kind = item.get("kind", "text")
    if kind in CHOOSING and kind != "multiple_choice" and item.get("choices") and value is not MISSING:
        return json.dumps(value, ensure_ascii=False)
    if kind == "json" and value is not MISSING:
        return json.dumps(value, ensure_ascii=False, indent=2)
    return lines_of(value) if kind in ("list", "multiple_choice", "key_value") else text_of(value)


def choices_text(choices: Any) -> str:
    """One a line; with the label behind the value where it is another."""
    return "\n".join(_choice_line(each) for each in choices) if isinstance(choices, list) else ""


def choices_from(text: str, item: Item, of_numbers: bool) -> list[Any]:
    """The choices that a person wrote. Raises ValueError."""
    text = text.replace("\r\n", "\n")
    if text == choices_text(item.get("choices")):
        return list(item.get("choices", []))
    made = []
    for line in text.splitlines():
        value, _equals, label = line.strip().partition(" = ")
        if value:
            said: JSON = number(value) if of_numbers else value.strip()
            made.append({"value": said, "label": label.strip() or value.strip()})
    return made


def value_beside(field: Item | None, comparison: str, text: str) -> JSON:
    """What a condition compares a field with. Raises ValueError."""
    if comparison in ("in", "not_in"):
        return [value_beside(field, "equals", part) for part in _parts(text)]
    text = text.strip()
    kind = (field or {}).get("kind", "text")
    if kind in TICKED:
        return text != "false"
    if field and field.get("choices"):
        known = {text_of(_value(choice)): _value(choice) for choice in field["choices"]}
        return known.get(text, text)
    return number(text) if kind == "number" and text else text


def text_beside(value: Any) -> str:
    return ", ".join(text_of(each) for each in value) if isinstance(value, list) else text_of(value)


def _meant(item: Item, kind: str, text: str) -> JSON:
    if kind in TICKED:
        return text == "true"
    if kind == "number":
        return number(text)
    if kind in ("list", "multiple_choice"):
        return [_scalar(line, item) for line in text.splitlines() if line.strip()]
    if kind == "key_value":
        return _pairs(text)
    if kind == "json" or (kind in CHOOSING and item.get("choices")):
        return _document(text)
    return text if kind == "long_text" else text.strip()


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _choice_line(choice: Any) -> str:
    value, label = text_of(_value(choice)), str(choice.get("label", "")) if isinstance(choice, Mapping) else ""
    return f"{value} = {label}" if label and label != value else value


def _value(choice: Any) -> Any:
    return choice.get("value") if isinstance(choice, Mapping) else choice


def _scalar(line: str, item: Item) -> JSON:
    known = {text_of(_value(choice)): _value(choice) for choice in item.get("choices", [])}
    return known.get(line.strip(), line.strip())


def _pairs(text: str) -> dict[str, JSON]:
    pairs: dict[str, JSON] = {}
    for line in filter(str.strip, text.splitlines()):
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ValueError(_("Write one “name = value” a line."))
        pairs[key.strip()] = value.strip()
    return pairs


def _document(text: str) -> JSON:
    try:
        found: JSON = exact(json.loads(text), "value")
    except (ValueError, RecursionError, SerializationError):
        raise ValueError(_("This is not JSON.")) from None
    return found
