"""What becomes of a schedule that is due: a pure function of its row, the time and what stands in its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from orgs.models import Organization
from workflows_app.dispatch.cron_times import Stretch, next_after, stretch
from workflows_app.dispatch.models import Missed, Overlap
from workflows_app.dispatch.schedules import Due
from workflows_app.models import ScheduleRun

STARTED, SKIPPED = str(ScheduleRun.Outcome.STARTED), str(ScheduleRun.Outcome.SKIPPED)
# A file of the workspace that is being written or deployed is there again by then.
PATIENCE = timedelta(minutes=5)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A planned time and what becomes of it."""

    planned_at: datetime
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The rows of the history, at most one of them a start, and when the schedule is looked at next.

    `waiting`: it stays due, since its run before has not ended or its workflow is not there just now.
    """

    runs: tuple[Run, ...]
    next_run: datetime | None
    problem: str = ""
    waiting: bool = False

    @property
    def latest(self) -> datetime | None:
        return max((run.planned_at for run in self.runs), default=None)


def decide(due: Due, now: datetime, late: timedelta, obstacle: str = "") -> Decision:
    """`late`: how old a time may be before it counts as missed. `obstacle`: why the workflow cannot be started."""
    try:
        return _decide(due, now, late, obstacle)
    except ValueError as error:  # a time zone that the machine no longer knows
        return Decision((), None, str(error))


def _decide(due: Due, now: datetime, late: timedelta, obstacle: str) -> Decision:
    following = next_after(due.cron, due.zone, now)
    paused, first = _paused(due, now)
    if first is None:
        return Decision(paused, following)
    times = stretch(due.cron, due.zone, first, now)
    former = _former(due, times)
    if due.organization.status == Organization.Status.SUSPENDED:
        decision = Decision((_skip(due, times, "The organization is suspended."),), following)
    elif obstacle and now - first < PATIENCE:
        decision = Decision((), first, obstacle, waiting=True)
    elif obstacle:
        decision = Decision((_skip(due, times, obstacle),), following, obstacle)
    elif former and due.overlap == Overlap.QUEUE:
        decision = Decision((), first, f"Waits until the run of {former} has ended.", waiting=True)
    elif former:
        decision = Decision((_skip(due, times, f"The run of {former} has not ended."),), following)
    elif due.missed == Missed.SKIP and not due.waiting and now - times.latest > late:
        reason = f"Missed: nothing looked until {clock(now, due.zone, times.latest)}."
        decision = Decision((_skip(due, times, reason),), following)
    else:
        decision = Decision(_start(due, times), following)
    return replace(decision, runs=(*paused, *decision.runs))


def _former(due: Due, times: Stretch) -> str:
    """The time of the run that stands in the way; empty where none does."""
    if not due.unfinished or due.overlap == Overlap.PARALLEL:
        return ""
    return clock(max(due.unfinished.values()), due.zone, times.latest)


def _paused(due: Due, now: datetime) -> tuple[tuple[Run, ...], datetime | None]:
    """What falls into a pause, and the first time behind it that is due."""
    until, first = due.paused_until, due.planned_at
    if until is None or first >= until:
        return (), first
    times = stretch(due.cron, due.zone, first, min(now, until - _MOMENT))
    skipped = (_skip(due, times, f"Paused until {clock(until, due.zone)}."),)
    behind = next_after(due.cron, due.zone, until - _MOMENT)
    return skipped, behind if behind is not None and behind <= now else None


def _skip(due: Due, times: Stretch, reason: str) -> Run:
    """One row for all of them: it stands at the latest and counts the others."""
    if times.count > 1:
        since = clock(due.planned_at, due.zone, times.latest)
        reason = f"{reason} The same for {times.earlier}, from {since} on."
    return Run(times.latest, SKIPPED, reason[:500])


def _start(due: Due, times: Stretch) -> tuple[Run, ...]:
    start = Run(times.latest, STARTED)
    if times.before is None:
        return (start,)
    latest, since = clock(times.latest, due.zone, times.before), clock(due.planned_at, due.zone, times.before)
    if due.waiting:
        reason = f"{times.earlier} waited, from {since} on; {latest} runs in their place."
    else:
        reason = f"Nothing looked at {times.earlier}, from {since} on; {latest} runs in their place."
    return (Run(times.before, SKIPPED, reason[0].upper() + reason[1:]), start)


def clock(moment: datetime, zone: str, beside: datetime | None = None) -> str:
    """The time as the schedule's clock shows it; without the date where that is the same as `beside`."""
    shown = moment.astimezone(ZoneInfo(zone) if zone else UTC)
    same_day = beside is not None and beside.astimezone(shown.tzinfo).date() == shown.date()
    return f"{shown:%H:%M}" if same_day else f"{shown:%Y-%m-%d %H:%M}"
