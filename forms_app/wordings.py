"""The words of the notices about approvals and requests. They name the form, and nothing of what runs behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from forms_app.portal.runs.words import named, reference, trouble
from workflows_app.models import Approval, Status

Row = Mapping[str, Any]

_ENDED: Mapping[str, tuple[Any, Any]] = {
    Status.SUCCESS: (gettext_lazy("Done: %s"), gettext_lazy("What you asked for is done.")),
    Status.COMPLETED_WITH_ERRORS: (
        gettext_lazy("Done, with problems: %s"),
        gettext_lazy("What you asked for is done, but not all of it worked."),
    ),
    Status.COMPENSATED: (
        gettext_lazy("Did not work: %s"),
        gettext_lazy("What you asked for did not work, and what had been done was undone."),
    ),
    Status.CANCELLED: (gettext_lazy("Cancelled: %s"), gettext_lazy("What you asked for was cancelled.")),
    Status.REJECTED: (gettext_lazy("Not approved: %s"), gettext_lazy("What you asked for was not approved.")),
}
_FAILED = (gettext_lazy("Did not work: %s"), gettext_lazy("What you asked for did not work."))


@dataclass(frozen=True, slots=True)
class Said:
    subject: str
    message: str


def asked(approval: Row, form: str | None) -> Said:
    """For whoever may decide. `form`: the name of the one that it came by."""
    facts = {"person": _name(approval["requested_by"]), "title": _title(approval, form)}
    lines = [_("%(person)s asks you to approve “%(title)s”.") % facts, _part_of(approval, form)]
    if approval["expires_at"] is not None:
        lines.append(_("It can be decided until %s.") % _moment(approval["expires_at"]))
    lines += ["", approval["message"]] if approval["message"] else []
    return Said(_("To approve: %(title)s, for %(person)s") % facts, _joined(lines))


def decided(approval: Row, form: str | None) -> Said:
    """For whoever asked."""
    facts = {"person": _name(approval["decided_by"]), "title": _title(approval, form)}
    if approval["state"] == Approval.State.APPROVED:
        subject, line = _("Approved: %(title)s") % facts, _("%(person)s has approved “%(title)s”.") % facts
        goes_on = _("It starts now.") if approval["kind"] == Approval.Kind.START else _("It goes on now.")
    else:
        subject, line = _("Not approved: %(title)s") % facts, _("%(person)s has not approved “%(title)s”.") % facts
        goes_on = ""
    lines = [" ".join(part for part in (line, goes_on) if part), _part_of(approval, form)]
    lines += ["", approval["comment"]] if approval["comment"] else []
    return Said(subject, _joined(lines))


def ended(run: Row, form: str) -> Said:
    """For whoever filled in the form."""
    subject, line = _ENDED.get(run["status"], _FAILED)
    why = trouble(run["error"])
    lines = [str(line), *(["", why] if why else []), "", _("Reference: %s") % reference(run["id"])]
    return Said(str(subject) % form, _joined(lines))


def _title(approval: Row, form: str | None) -> str:
    """As the portal's pages call it: a start by its form, a question by its own title."""
    is_start = approval["kind"] == Approval.Kind.START
    return (form or named(approval["workflow"])) if is_start else str(approval["title"])


def _part_of(approval: Row, form: str | None) -> str | None:
    """What a question is a part of; a start is all of it."""
    if approval["kind"] == Approval.Kind.START:
        return None
    return _("It is part of “%s”.") % (form or named(approval["workflow"]))


def _name(by: Row) -> str:
    return str(by.get("name") or by.get("email") or _("Somebody"))


def _moment(at: datetime) -> str:
    """It is read on another day, in another place."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'j F Y, H:i')} ({timezone.get_current_timezone_name()})"


def _joined(lines: list[Any]) -> str:
    return "\n".join(str(line) for line in lines if line is not None)
