"""What a request says about a schedule, and who may say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from django.utils.dateparse import parse_datetime

from bifrost.sdk.errors import PermissionError, ValidationError
from orgs.permissions import MANAGE_SCHEDULES, VIEW_EXECUTIONS
from orgs.records import Actor
from workflows_app.schedules.settling import Wish

NO_TIME = "It has to be a time with its zone, such as 2026-01-31T09:00:00Z, or null."


def require_view(actor: Actor) -> None:
    """Raises PermissionError."""
    _require(actor, VIEW_EXECUTIONS)


def require_manage(actor: Actor) -> None:
    """Raises PermissionError. What the workflow itself requires beyond this is checked where the schedule is set."""
    _require(actor, MANAGE_SCHEDULES)


def _require(actor: Actor, permission: str) -> None:
    if not actor.can(permission):
        raise PermissionError(f"This needs the permission {permission}.", required_permission=permission)


def read_wish(body: Mapping[str, Any]) -> Wish:
    """The JSON object of a request. What it leaves out stays as it is; null is the default.

    Raises ValidationError that names every bad field.
    """
    wish: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, value in body.items():
        known = FIELDS.get(name)
        if known is None:
            problems.append((name[:100], f"This is unknown. Known here: {', '.join(FIELDS)}."))
            continue
        field, read = known
        try:
            wish[field] = read(value)
        except ValueError as error:
            problems.append((name, str(error)))
    if problems:
        field, message = problems[0]
        errors = [{"field": name, "message": text} for name, text in problems[:100]]
        raise ValidationError(f"{field}: {message}", field=field, details={"errors": errors})
    return cast(Wish, wish)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("It has to be true or false.")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("It has to be a text, or null.")
    return value.strip()


def _word(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("It has to be a text.")
    return value


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(NO_TIME)
    return moment


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("It has to be an object.")
    return value


FIELDS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "enabled": ("enabled", _boolean),
    "cron": ("cron", _text),
    "timezone": ("timezone", _text),
    "overlap": ("overlap", _word),
    "missed": ("missed", _word),
    "pausedUntil": ("paused_until", _time),
    "parameters": ("parameters", _object),
}
