"""Statuses, times, durations and errors in words that a customer's people understand."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows_app.models import Status

MINUTE, HOUR, DAY = 60, 3600, 86_400
FEW_SECONDS = 10
REFERENCE = 8  # so many characters of an execution's id, from its end

#: The word of each status, and the tone of its badge.
STATUSES: Mapping[str, tuple[Any, str]] = {
    Status.PENDING_APPROVAL: (gettext_lazy("Waiting for approval"), "caution"),
    Status.QUEUED: (gettext_lazy("Waiting to start"), "quiet"),
    Status.RUNNING: (gettext_lazy("In progress"), "quiet"),
    Status.SUSPENDED: (gettext_lazy("Waiting"), "quiet"),
    Status.SUCCESS: (gettext_lazy("Done"), "good"),
    Status.COMPLETED_WITH_ERRORS: (gettext_lazy("Done, with problems"), "caution"),
    Status.FAILED: (gettext_lazy("Did not work"), "alarm"),
    Status.COMPENSATED: (gettext_lazy("Did not work, undone"), "alarm"),
    Status.CANCELLED: (gettext_lazy("Cancelled"), "quiet"),
    Status.REJECTED: (gettext_lazy("Not approved"), "caution"),
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?"
)
_OURS = gettext_lazy("Something went wrong on our side. Nothing that you entered was wrong.")
_SENTENCES: Mapping[str, Any] = {
    "IntegrationError": gettext_lazy("A service that this depends on did not do what was asked of it."),
    "CircuitBreakerOpen": gettext_lazy("A service that this depends on does not answer at the moment."),
    "RateLimited": gettext_lazy("A service that this depends on is too busy at the moment."),
    "ConfigurationError": gettext_lazy("This is not fully set up for your organization yet."),
    "PermissionError": gettext_lazy("This may not be done for you."),
    "TimeoutError": gettext_lazy("It took longer than it may, and was stopped."),
    "ApprovalExpired": gettext_lazy("Nobody approved or rejected it in time."),
    "ApprovalWithdrawn": gettext_lazy("An approval that it waited for was withdrawn."),
    "EscalatedError": gettext_lazy("It needs a person, who was told and will look at it."),
    "WorkerLost": gettext_lazy("It was interrupted, and whether all of it was done is not known."),
    "WorkerStopped": gettext_lazy("It was interrupted, and whether all of it was done is not known."),
}
#: What the platform itself says to those who build and run it. Any other name is an error that an author has made and
#: worded for people.
_INTERNAL = frozenset(
    {
        "ChildDepthExceeded",
        "Conflict",
        "DatabaseError",
        "DryRun",
        "InternalServerError",
        "MaxRetriesExceeded",
        "NoExecution",
        "NonDeterminismError",
        "NotFound",
        "NotRecorded",
        "RecoveryLimitExceeded",
        "SerializationError",
        "ServiceUnavailable",
        "TooLarge",
        "TooManyRequests",
    }
)


@dataclass(frozen=True, slots=True)
class Badge:
    label: str
    tone: str


def badge_of(status: str, *, asks: bool = False) -> Badge:
    """`asks`: it waits for somebody's approval."""
    label, tone = STATUSES[Status.PENDING_APPROVAL if asks and status == Status.SUSPENDED else status]
    return Badge(str(label), tone)


def named(name: str) -> str:
    """What code calls `create_user`, as people write it: Create user. What has blanks was written by people."""
    words = " ".join(name.split()) if " " in name.strip() else name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def reference(execution: object) -> str:
    """What a person quotes to support."""
    return str(execution)[-REFERENCE:]


def trouble(error: Mapping[str, Any] | None) -> str:
    """Why it did not work; nothing of what only its makers understand."""
    if not error:
        return ""
    name = str(error.get("error", ""))
    if name in _INTERNAL:
        return str(_OURS)
    if name in _SENTENCES:
        return str(_SENTENCES[name])
    return str(error.get("message") or _OURS)


def moment(at: datetime) -> str:
    """09:12 of today, 24 November, 09:12 of another day, with the year where that is another one."""
    local, today = timezone.localtime(at), timezone.localdate()
    time = date_format(local, "H:i")
    if local.date() == today:
        return time
    return f"{date_format(local, 'j F' if local.year == today.year else 'j F Y')}, {time}"


def took(time: timedelta | float | None) -> str:
    """In its two largest units: 8 seconds, 3 minutes 20 seconds, 5 hours."""
    if time is None:
        return ""
    seconds = max(0, round(time.total_seconds() if isinstance(time, timedelta) else time))
    if seconds < 1:
        return _("less than a second")
    told: list[str] = []
    for size, word in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            told.append(word(number))
        elif told:
            break
    return " ".join(told[:2])


def left(seconds: float) -> str:
    """An estimate, in one unit: a few seconds left, about 40 seconds left, about 3 minutes left. Empty where hardly
    anything is."""
    if seconds < 1:
        return ""
    if seconds < FEW_SECONDS:
        return _("a few seconds left")
    size, word = next(unit for unit in _UNITS if seconds >= 1.5 * unit[0])
    part = 10 if size == 1 else size
    return _("about %s left") % word(round(seconds / part) * part // size)


def written(text: str) -> str | None:
    """A date or a moment, as JSON has it, as people write it: 3 December 2026, 09:30, of the visitor's clock. None
    for any other text; a moment without a time zone is one of UTC."""
    try:
        if _DATE.fullmatch(text):
            return date_format(date.fromisoformat(text), "j F Y")
        if _MOMENT.fullmatch(text):
            at = datetime.fromisoformat(text)
            return date_format(timezone.localtime(at if at.tzinfo else at.replace(tzinfo=UTC)), "j F Y, H:i")
    except (ValueError, OverflowError):  # no day of the calendar, or beyond its ends
        return None
    return None


def _days(number: int) -> str:
    return ngettext("%d day", "%d days", number) % number


def _hours(number: int) -> str:
    return ngettext("%d hour", "%d hours", number) % number


def _minutes(number: int) -> str:
    return ngettext("%d minute", "%d minutes", number) % number


def _seconds(number: int) -> str:
    return ngettext("%d second", "%d seconds", number) % number


_UNITS: tuple[tuple[int, Callable[[int], str]], ...] = ((DAY, _days), (HOUR, _hours), (MINUTE, _minutes), (1, _seconds))


def people(number: int) -> str:
    """Of whom something was asked."""
    if number == 0:
        return _("your service provider")
    return ngettext("%d person", "%d people", number) % number


def told(facts: Mapping[str, int]) -> str:
    """Who got a notice of an approval: not everybody where very many may decide."""
    number, of = facts["people"], facts["of"]
    if number < of:
        return _("%(number)d of the %(of)d people who may decide") % {"number": number, "of": of}
    return ngettext("%d person", "%d people", number) % number if number else _("nobody")
