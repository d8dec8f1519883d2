"""What a person gives along with a decision: a comment, and values that were edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from bifrost.sdk.errors import ValidationError
from forms_app.portal.runs.asked import Filled
from forms_app.portal.runs.words import moment
from workflows_app.approvals.deciding import LONGEST_COMMENT
from workflows_app.approvals.forms import PLAIN, ValuesForm
from workflows_app.errors import AlreadyDecided, PlatformUnavailable

CHOICES = {"approve": True, "reject": False}


class Decision:
    """The form of an approval's page: empty, or as it was sent."""

    def __init__(self, fields: Sequence[dict[str, Any]], data: QueryDict | None = None) -> None:
        given = QueryDict() if data is None else data
        self.form = ValuesForm(fields, data, widgets=PLAIN)
        self.comment = given.get("comment", "")
        self.choice = CHOICES.get(given.get("decision", ""))
        self.comment_problem = ""
        self.longest = LONGEST_COMMENT
        for field in self.form:
            _describe(field)

    def values(self) -> dict[str, Any]:
        """What was changed. Raises ValidationError."""
        return self.form.values()

    def refuse(self, invalid: ValidationError) -> None:
        """Shows what is wrong beside the fields, and beside the comment."""
        errors = invalid.details.get("errors", [{"field": None, "message": invalid.message}])
        for error in errors:
            if error["field"] == "comment":
                self.comment_problem = _("It is too long, or holds what is no text.")
        kept = [error for error in errors if error["field"] != "comment"]
        self.form.refuse(ValidationError(invalid.message, details={"errors": kept}))
        for field in self.form:
            _describe(field)

    @property
    def problems(self) -> list[tuple[str, str, str]]:
        """The id of each input that is wrong, its label, and what is wrong with it; "" for what has no input."""
        if not self.form.is_bound:
            return []
        found = [
            (field.id_for_label, str(field.label), str(message)) for field in self.form for message in field.errors
        ]
        found += [("", "", str(message)) for message in self.form.non_field_errors()]
        if self.comment_problem:
            found.append(("id_comment", _("Comment"), self.comment_problem))
        return found


def fields_of(approval: Mapping[str, Any], filled: Filled | None) -> list[dict[str, Any]]:
    """What may be edited, under the labels of the form that was filled in."""
    if approval["form"] is None or not approval["canDecide"]:
        return []
    fields = [dict(field) for field in approval["form"]["fields"]]
    if filled is not None and approval["kind"] == "start":
        for field in fields:
            field["label"] = str(filled.fields.get(field["name"], {}).get("label") or field["label"])
            if filled.hides(field["name"]):
                field |= {"type": "secret", "validation": {}}
    return fields


def as_form(approval: Mapping[str, Any]) -> Filled:
    """The form that a run has asked with, for showing what was answered."""
    fields = (approval["form"] or {}).get("fields", ())
    return Filled("", "", {field["name"]: field for field in fields})


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


def _describe(field: Any) -> None:
    """Ties help and errors to the input, for those who hear the page."""
    attributes = field.field.widget.attrs
    ids = [f"{field.auto_id}_help"] if field.help_text else []
    if field.form.is_bound and field.errors:
        attributes["aria-invalid"] = "true"
        ids.append(f"{field.auto_id}_problem")
    if ids:
        attributes["aria-describedby"] = " ".join(ids)
