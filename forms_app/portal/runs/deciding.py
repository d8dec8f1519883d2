"""What a person gives along with a decision: a comment, and values that were edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from bifrost.sdk.errors import DeclarationError, ValidationError
from forms_app.portal.runs.asked import Filled
from forms_app.portal.runs.words import moment
from forms_app.portal.visits import Visit
from workflows_app.approvals.deciding import LONGEST_COMMENT
from workflows_app.approvals.queries import Found
from workflows_app.errors import AlreadyDecided, PlatformUnavailable
from workflows_app.inputs.amending import Changed, Changes, Page, Uploads
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.rendering import Asked

CHOICES = {"approve": True, "reject": False}


@dataclass
class Decision:
    """The form of an approval's page: empty, or as it was sent. `asked`: what may be changed; None: nothing."""

    changes: Changes | None = None
    asked: Asked | None = None
    comment: str = ""
    choice: bool | None = None
    comment_problem: str = ""
    sent: bool = False
    longest: int = LONGEST_COMMENT

    @classmethod
    def empty(cls, changes: Changes | None) -> Decision:
        return cls(changes, changes.begin() if changes else None)

    @classmethod
    def of(cls, changes: Changes | None, data: QueryDict) -> Decision:
        return cls(changes, comment=data.get("comment", ""), choice=CHOICES.get(data.get("decision", "")), sent=True)

    def pressed(self, data: QueryDict, uploads: Uploads) -> bool:
        """Whether a button was pressed that changes the page and decides nothing."""
        self.asked = self.changes.again(data, uploads) if self.changes else None
        return self.asked is not None

    def read(self, data: QueryDict, uploads: Uploads) -> Changed | None:
        """What was changed; None where nothing can be."""
        changed = self.changes.read(data, uploads) if self.changes else None
        self.asked = changed.asked if changed else None
        return changed

    def refuse(self, invalid: ValidationError) -> None:
        """Shows what is wrong beside the fields, and beside the comment."""
        errors = invalid.details.get("errors", [{"field": None, "message": invalid.message}])
        kept = [error for error in errors if error["field"] != "comment"]
        if len(kept) < len(errors):
            self.comment_problem = _("It is too long, or holds what is no text.")
        if self.changes:
            self.asked = self.asked or self.changes.begin()
        if self.changes and self.asked and kept:
            self.asked = self.changes.refused(self.asked, ValidationError(invalid.message, details={"errors": kept}))


def changes_of(visit: Visit, found: Found, filled: Filled | None) -> Changes | None:
    """What may be edited: what a run asks, or the values of a start as the form asks for them that was filled in."""
    approval = found.document
    if found.definition is None or not approval["canDecide"]:
        return None
    url = reverse("portal-approval-options", args=[approval["approvalId"], "-"]).removesuffix("-")
    page = Page(visit.organization, visit.actor, visit.zone, url)
    known = [field.name for field in found.definition.fields]
    if filled is None or approval["kind"] != "start":
        return Changes.of(page, found.definition, found.values, known)
    return Changes.of(page, _definition(filled) or found.definition, found.values, known, filled.labels)


def _definition(filled: Filled) -> Definition | None:
    """None for an old form that would not be accepted any more."""
    try:
        return Definition.read(list(filled.items))
    except DeclarationError:
        return None


def as_form(approval: Mapping[str, Any]) -> Filled:
    """The form that a run has asked with, for showing what was answered."""
    return Filled("", "", (approval["form"] or {}).get("fields", ()))


def refused_as(refused: Exception) -> str:
    """Why nothing was decided."""
    if isinstance(refused, AlreadyDecided):
        return _already(refused.details)
    if isinstance(refused, PlatformUnavailable):
        return _("It could not be decided at the moment. Please try again in a minute.")
    return str(getattr(refused, "message", refused))


def _already(details: Mapping[str, Any]) -> str:
    at = parse_datetime(str(details.get("decidedAt") or ""))
    facts = {"name": details.get("decidedBy") or "", "time": moment(at) if at else ""}
    match details.get("state"):
        case "approved" if at:
            return _("This was already approved by %(name)s at %(time)s.") % facts
        case "rejected" if at:
            return _("This was already rejected by %(name)s at %(time)s.") % facts
        case "expired" if at:
            return _("The time to decide this was over at %(time)s.") % facts
        case _:
            return _("This waits for no approval any more.")
