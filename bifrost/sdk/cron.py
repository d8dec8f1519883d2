"""Cron expressions of five fields, and the names that stand for some of them (`@daily`)."""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import croniter
from croniter.croniter import CroniterError

from bifrost.sdk.errors import DeclarationError

_NAMES = frozenset({"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"})
# "h" and "r" stand for a hash or a random number in croniter: the same line would mean other times each time.
_CHARACTERS = frozenset("0123456789*/,-?#lL")


def check(expression: object) -> None:
    """DeclarationError for what is no cron expression or never comes due."""
    if not isinstance(expression, str) or not _well_formed(expression):
        raise DeclarationError(f"schedule {expression!r} is not a cron expression of five fields")
    try:
        croniter(expression, datetime(2024, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterError as error:
        raise DeclarationError(f"schedule {expression!r} is not a cron expression: {error}") from error


def _well_formed(expression: str) -> bool:
    fields = expression.split()
    if len(fields) != 5:
        return expression.strip() in _NAMES
    # Months and days of the week may have names.
    return all(set(field) <= _CHARACTERS for field in fields[:3])
