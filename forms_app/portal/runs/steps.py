"""What a run has done, and who has approved it, as a timeline for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from forms_app.portal.runs.words import moment, named, took
from workflows_app.milestones import Milestone

MOST_SHOWN = 100
WORTH_TELLING = 1.0  # seconds
#: The word for each state, and its tone.
_STATES: Mapping[str, tuple[Any, str]] = {
    "started": (gettext_lazy("In progress"), "going"),
    "waiting": (gettext_lazy("Waiting"), "going"),
    "retrying": (gettext_lazy("Did not work yet, is tried again"), "caution"),
    "done": (gettext_lazy("Done"), "good"),
    "failed": (gettext_lazy("Did not work"), "alarm"),
    "cancelled": (gettext_lazy("Stopped"), "quiet"),
    "timed out": (gettext_lazy("Nothing came in time"), "caution"),
    "approved": (gettext_lazy("Approved"), "good"),
    "rejected": (gettext_lazy("Not approved"), "caution"),
    "undoing": (gettext_lazy("Is being undone"), "caution"),
    "undone": (gettext_lazy("Undone"), "caution"),
    "not undone": (gettext_lazy("Could not be undone"), "alarm"),
    "pending": (gettext_lazy("Waiting for approval"), "going"),
    "expired": (gettext_lazy("Nobody decided in time"), "caution"),
    "withdrawn": (gettext_lazy("Withdrawn"), "quiet"),
}
_UNKNOWN = (gettext_lazy("In progress"), "going")


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    state: str
    tone: str
    at: datetime
    facts: tuple[str, ...] = ()
    comment: str = ""


def steps_of(milestones: Sequence[Milestone], approvals: Iterable[Mapping[str, Any]], *, ended: bool) -> list[Step]:
    """The last of them, in their order. `ended`: what the run left open is not going on."""
    known = {approval["approvalId"]: approval for approval in approvals}
    starts = [_asked_for(approval) for approval in known.values() if approval["kind"] == "start"]
    steps = [_step(milestone, known.get(milestone.about or ""), ended=ended) for milestone in milestones]
    return [*starts, *steps][-MOST_SHOWN:]


def _asked_for(approval: Mapping[str, Any]) -> Step:
    word, tone = _STATES[approval["state"]]
    at = parse_datetime(approval["createdAt"])
    assert at is not None  # it is never empty
    return Step(_("Approval"), str(word), tone, at, _decided(approval), approval["comment"])


def _step(milestone: Milestone, approval: Mapping[str, Any] | None, *, ended: bool) -> Step:
    word, tone = _STATES.get(milestone.state, _UNKNOWN)
    if milestone.kind == "timer" and milestone.state == "timed out":
        word, tone = _STATES["done"]
    elif ended and not milestone.ended:
        word, tone = _STATES["cancelled"]
    elif milestone.kind == "approval" and not milestone.ended:
        word, tone = _STATES["pending"]
    facts = _decided(approval) if approval else _times(milestone, ended=ended)
    comment = approval["comment"] if approval else ""
    return Step(_title(milestone), str(word), tone, milestone.began, facts, comment)


def _title(milestone: Milestone) -> str:
    match milestone.kind:
        case "timer":
            return _("Pause")
        case "signal":
            return _("News: %s") % named(milestone.name)
        case "approval":
            return milestone.name
        case _:
            return named(milestone.name)


def _times(milestone: Milestone, *, ended: bool) -> tuple[str, ...]:
    if not milestone.ended:
        return (_("until %s") % moment(milestone.due),) if milestone.due and not ended else ()
    seconds = (milestone.changed - milestone.began).total_seconds()
    return (took(seconds),) if seconds >= WORTH_TELLING and milestone.kind != "saga" else ()


def _decided(approval: Mapping[str, Any]) -> tuple[str, ...]:
    at, by = parse_datetime(approval["decidedAt"] or ""), approval["decidedBy"]
    if at is None or by is None:
        return ()
    return (_("by %(name)s at %(time)s") % {"name": by["name"], "time": moment(at)},)
