"""One request in people's words: how it stands, how far it is, what it has done and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from forms_app.portal.runs.asked import Filled, filled_with, given_values
from forms_app.portal.runs.readable import NOTHING, readable
from forms_app.portal.runs.steps import steps_of
from forms_app.portal.runs.words import badge_of, left, moment, named, people, reference, took, trouble
from forms_app.portal.visits import Visit
from orgs.permissions import VIEW_EXECUTIONS
from orgs.permitted import how_many_may
from workflows_app import cards, queries
from workflows_app.approvals.inbox import approvals_of
from workflows_app.milestones import Milestone, milestones_of
from workflows_app.models import TERMINAL, Status
from workflows_app.usual_durations import usual_seconds

Document = Mapping[str, Any]

LINES = 300
NEARLY = 95.0  # an estimate says no more than this
WAITS = frozenset({"approval", "signal", "timer", "child"})


@dataclass(frozen=True, slots=True)
class Progress:
    """`estimated`: from how long such a run usually takes; the run itself has not said."""

    percent: float
    words: str
    estimated: bool = False


def tell(visit: Visit, execution: UUID, after: int = 0) -> dict[str, Any]:
    """All that the page of one request shows. `after`: the number of the last log line that it has already.

    Raises UnknownExecution, also for what this person may not see. The number of queries is bounded.
    """
    owner = visit.owner
    record = queries.get_execution(visit.organization, execution, owner, exact=False)
    approvals = approvals_of(visit.organization, [execution], visit.actor)
    milestones = milestones_of(visit.organization, execution)
    filled = filled_with(visit.organization, execution)
    pending = [approval for approval in approvals if approval["state"] == "pending"]
    ended = record["status"] in TERMINAL
    made = cards.cards_of(visit.organization, execution)
    sees_logs = visit.actor.can(VIEW_EXECUTIONS)
    return {
        "record": record,
        "name": filled.name if filled else named(record["workflowName"]),
        "filled": filled,
        "ended": ended,
        "badge": badge_of(record["status"], asks=bool(pending)),
        "created": parse_datetime(record["createdAt"]),
        "by": record["executedBy"],
        "sentence": sentence(visit, record, pending, milestones),
        "progress": progress(visit, record, milestones),
        "trouble": trouble(record["error"]) if ended else "",
        "reference": reference(execution),
        "to_decide": [approval for approval in pending if approval["canDecide"]],
        "steps": steps_of(milestones, approvals, ended=ended),
        "given": _given(filled, record),
        "cards": made,
        "result": NOTHING if made or not ended else readable(record["result"]),
        "sees_logs": sees_logs,
        "logs": _lines(visit, execution, after, owner) if sees_logs else [],
    }


def _lines(visit: Visit, execution: UUID, after: int, owner: str | None) -> list[dict[str, Any]]:
    lines = queries.last_logs(visit.organization, execution, after, LINES, owner)
    return [{**line, "time": _to_the_second(line["timestamp"])} for line in lines]


def _to_the_second(text: str) -> str:
    at = parse_datetime(text)
    return date_format(timezone.localtime(at), "H:i:s") if at else ""


def sentence(visit: Visit, record: Document, pending: Sequence[Document], milestones: Sequence[Milestone]) -> str:
    """How it stands: waiting for approval since 09:12, asked of 2 people."""
    status = record["status"]
    if status in TERMINAL:
        return _ended(status, parse_datetime(record["completedAt"] or ""))
    if pending:
        return _asked(visit, record, pending)
    if status == Status.PENDING_APPROVAL:
        return _("Waiting for approval.")
    if status == Status.SUSPENDED:
        return _waiting(record, [milestone for milestone in milestones if not milestone.ended])
    return _going(status, parse_datetime(record["createdAt"]), parse_datetime(record["startedAt"] or ""))


def _going(status: str, created: datetime | None, started: datetime | None) -> str:
    if status == Status.RUNNING and started:
        return _("In progress since %s.") % moment(started)
    if started:
        return _("About to go on.")
    return _("Waiting to start since %s.") % moment(created) if created else _("Waiting to start.")


def progress(visit: Visit, record: Document, milestones: Sequence[Milestone]) -> Progress | None:
    """How far it is: what the run has said, else by how long such a run usually takes."""
    if record["status"] in TERMINAL:
        return None
    if record["progress"] is not None:
        return Progress(record["progress"], _said(record["progressDetail"], steady=_is_steady(record, milestones)))
    started = parse_datetime(record["startedAt"] or "")
    if started is None or not _is_steady(record, milestones):
        return None
    usual = usual_seconds(visit.organization, record["workflowName"])
    return None if usual is None else _estimated(usual, (timezone.now() - started).total_seconds())


def _is_steady(record: Document, milestones: Sequence[Milestone]) -> bool:
    """Whether its time so far says something of the rest: it runs, and nothing in it waits for people or for time."""
    return record["status"] == Status.RUNNING and not any(each.kind in WAITS for each in milestones)


def _said(detail: Document | None, *, steady: bool) -> str:
    if detail is None:
        return ""
    parts = [_("%(done)g of %(total)g") % {"done": detail["done"], "total": detail["total"]}, detail["message"]]
    if steady and detail["remainingSeconds"]:
        parts.append(left(detail["remainingSeconds"]))
    return ", ".join(part for part in parts if part)


def _estimated(usual: float, elapsed: float) -> Progress:
    if elapsed > usual:
        return Progress(NEARLY, _("It usually takes %s; this time it takes longer.") % took(usual), estimated=True)
    percent = min(NEARLY, 100 * elapsed / usual) if usual else NEARLY
    return Progress(percent, _("It usually takes %s.") % took(usual), estimated=True)


def _ended(status: str, at: datetime | None) -> str:
    time = moment(at) if at else ""
    match status:
        case Status.SUCCESS:
            return _("Done at %s.") % time
        case Status.COMPLETED_WITH_ERRORS:
            return _("Done at %s, but not all of it worked.") % time
        case Status.CANCELLED:
            return _("Cancelled at %s.") % time
        case Status.REJECTED:
            return _("Not approved. It ended at %s.") % time
        case Status.COMPENSATED:
            return _("It did not work, and what it had done was undone. It ended at %s.") % time
        case _:
            return _("It did not work. It ended at %s.") % time


def _asked(visit: Visit, record: Document, pending: Sequence[Document]) -> str:
    first = pending[0]
    since = parse_datetime(first["createdAt"])
    if first["approvers"] is not None:
        number = len(first["approvers"])
    else:
        number = how_many_may(visit.organization, first["permission"] or "", without=_person(record["executedBy"]))
    facts = {"time": moment(since) if since else "", "people": people(number)}
    return _("Waiting for approval since %(time)s, asked of %(people)s.") % facts


def _person(executed_by: Document) -> UUID | None:
    try:
        return UUID(executed_by["id"]) if executed_by.get("kind") == "user" else None
    except ValueError:
        return None


def _waiting(record: Document, going: Sequence[Milestone]) -> str:
    if record["error"]:
        return _("It did not work yet, and is tried again.")
    for milestone in reversed(going):
        facts = {"name": named(milestone.name), "time": moment(milestone.due or milestone.began)}
        if milestone.state == "retrying":
            return _("“%(name)s” did not work yet, and is tried again.") % facts
        if milestone.state == "undoing":
            return _("“%(name)s” is being undone.") % facts
        if milestone.kind == "timer" and milestone.due:
            return _("Paused until %(time)s.") % facts
        if milestone.kind in {"signal", "child"}:
            return _("Waiting for “%(name)s” since %(time)s.") % {**facts, "time": moment(milestone.began)}
    return _("Waiting for something that it needs in order to go on.")


def _given(filled: Filled | None, record: Document) -> list[Any]:
    return given_values(filled, record["inputData"] or {}, record["approvedInput"])
