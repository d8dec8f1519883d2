"""What only the kind of a field knows to be wrong with a value that its parameter accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import available_timezones

from django.utils.translation import gettext as _

from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.conditions import same
from workflows_app.inputs.uploads import fits

if TYPE_CHECKING:
    from workflows_app.inputs.fields import Field

TICKED = frozenset({"checkbox", "switch"})
CHOOSING = frozenset({"choice", "radio", "multiple_choice"})
MOST_FILES = 10
_PHONE = re.compile(r"\+?[0-9 ()/.\-]{3,30}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?")
_LEAST_DIGITS = 3


def problem(field: Field, value: JSON) -> str | None:
    """A sentence to stand behind the field's name, or None."""
    judge = _JUDGES.get(field.kind)
    return judge(field, value) if judge is not None else None


@cache
def time_zones() -> tuple[str, ...]:
    """Their names in order: looking for them reads a directory."""
    return tuple(sorted(available_timezones() - {"localtime"}))


def _ticked(field: Field, value: JSON) -> str | None:
    return _("must be ticked") if field.required and value is not True else None


def _phone(_field: Field, value: JSON) -> str | None:
    if _PHONE.fullmatch(value) and sum(letter.isdigit() for letter in value) >= _LEAST_DIGITS:
        return None
    return _("must be a telephone number such as +44 20 7946 0018")


def _time_zone(_field: Field, value: JSON) -> str | None:
    return None if value in time_zones() else _("must be a time zone such as Europe/London")


def _number(field: Field, value: JSON) -> str | None:
    step = field.rules.get("step")
    if step is None:
        return None
    # As one reads them: 0.3 is three steps of 0.1.
    above = Decimal(str(value)) - Decimal(str(field.rules.get("min") or 0))
    if abs(above / Decimal(str(step))) < 10**20 and above % Decimal(str(step)) == 0:
        return None
    return _("must go in steps of {step}").format(step=step)


def _choice(field: Field, value: JSON) -> str | None:
    chosen = value if field.kind == "multiple_choice" else [value]
    if field.provider is None and not all(any(same(each, known.value) for known in field.choices) for each in chosen):
        return _("is not among the options")
    return None


def _file(field: Field, value: JSON) -> str | None:
    given = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not field.rules.get("many"):
        return _("must be one file")
    if len(given) > MOST_FILES:
        return _("must be at most {most} files").format(most=MOST_FILES)
    for each in given:
        if not _is_file(each):
            return _("must be a file that was uploaded")
        if (wrong := fits(field.rules, each["name"], each["size"])) is not None:
            return wrong
    return None


def _is_file(value: Any) -> bool:
    if not isinstance(value, Mapping) or set(value) != {"fileId", "name", "contentType", "size"}:
        return False
    texts = all(isinstance(value[part], str) for part in ("fileId", "name", "contentType"))
    if not texts or not isinstance(value["size"], int) or isinstance(value["size"], bool):
        return False
    try:
        UUID(value["fileId"])
    except ValueError:
        return False
    return True


_JUDGES: Mapping[str, Callable[[Field, JSON], str | None]] = {
    **dict.fromkeys(TICKED, _ticked),
    **dict.fromkeys(CHOOSING, _choice),
    "phone": _phone,
    "timezone": _time_zone,
    "number": _number,
    "file": _file,
}
