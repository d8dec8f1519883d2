"""The options of a start: query arguments, since the body is the parameters."""

from __future__ import annotations

from dataclasses import dataclass

from rest_framework.request import Request

from bifrost.sdk.errors import PermissionError
from orgs.permissions import RAISE_PRIORITY
from orgs.records import Actor
from workflows_app.dispatch.models import Priority
from workflows_app.engine.start import usual_priority
from workflows_app.parsers import query_arguments, refuse

OPTIONS = frozenset({"dryRun", "priority", "wait"})
LONGEST_WAIT_SECONDS = 30
PRIORITIES = {priority.name.lower(): priority for priority in Priority}


@dataclass(frozen=True, slots=True)
class StartOptions:
    """`priority`: None as usual for who asks. `wait_seconds`: for the end of a background run. `dry_run`: it only
    reads."""

    priority: int | None = None
    wait_seconds: float = 0.0
    dry_run: bool = False


def start_options(request: Request, actor: Actor) -> StartOptions:
    """What the request asks for.

    Raises ValidationError for an unknown option or value, PermissionError for a priority above the usual one without
    the right to raise it.
    """
    given = query_arguments(request, OPTIONS)
    priority = _priority(given["priority"], actor) if "priority" in given else None
    seconds = _seconds(given["wait"]) if "wait" in given else 0.0
    return StartOptions(priority, seconds, _truth("dryRun", given.get("dryRun", "false")))


def _truth(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        refuse(name, f"{name} has to be true or false.")
    return text == "true"


def _priority(text: str, actor: Actor) -> Priority:
    if text not in PRIORITIES:
        refuse("priority", f"priority has to be one of {', '.join(PRIORITIES)}.")
    priority = PRIORITIES[text]
    if priority > usual_priority(actor) and not actor.can(RAISE_PRIORITY):
        raise PermissionError(
            f"Starting with priority {text} needs the permission {RAISE_PRIORITY}.", required_permission=RAISE_PRIORITY
        )
    return priority


def _seconds(text: str) -> float:
    if not (text.isascii() and text.isdigit()) or int(text) > LONGEST_WAIT_SECONDS:
        refuse("wait", f"wait has to be a whole number of seconds from 0 to {LONGEST_WAIT_SECONDS}.")
    return float(text)
