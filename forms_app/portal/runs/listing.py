"""Requests as lists show them: one execution each, not its children, under the name of the form that started it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast, Right
from django.utils.translation import gettext_lazy as _

from forms_app.models import Submission
from forms_app.portal.runs.words import REFERENCE, badge_of, named, reference
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Approval, Execution, Status

AT_ONCE = 25
LONGEST_TEXT = 100
_REFERENCE = re.compile(rf"[0-9a-fA-F]{{{REFERENCE}}}")
_COLUMNS = (
    "id",
    "workflow",
    "status",
    "progress",
    "executed_by",
    "trigger",
    "created_at",
    "completed_at",
    "retry_of",
    "asks",
)
#: What one may narrow a list to: its name in the address, and the word for it.
GROUPS: Mapping[str, Any] = {
    "open": _("In progress"),
    "approval": _("Waiting for approval"),
    "done": _("Done"),
    "failed": _("Did not work"),
    "stopped": _("Cancelled or not approved"),
}
_STATUSES: Mapping[str, tuple[str, ...]] = {
    "done": (Status.SUCCESS, Status.COMPLETED_WITH_ERRORS),
    "failed": (Status.FAILED, Status.COMPENSATED),
    "stopped": (Status.CANCELLED, Status.REJECTED),
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`owner`: whose requests alone. `group`: one of GROUPS, or "". `text`: of a form's name, or a reference."""

    owner: str | None = None
    group: str = ""
    text: str = ""


def list_requests(
    organization: OrganizationRecord, narrowed: Narrowed, cursor: UUID | None = None, limit: int = AT_ONCE
) -> dict[str, Any]:
    """A page, newest first, and the cursor of the next. Two queries."""
    with org_context(organization):
        rows = list(_rows(narrowed, cursor).values(*_COLUMNS)[: limit + 1])
        names = names_of(row["id"] for row in rows)
    page = rows[:limit]
    following = str(page[-1]["id"]) if len(rows) > limit else None
    return {"results": [_document(row, names.get(row["id"])) for row in page], "next": following}


def names_of(executions: Iterable[UUID]) -> dict[UUID, str]:
    """The names of the forms that these were started with. Call inside `org_context`. One query."""
    found = Submission.objects.filter(execution__in=list(executions))
    return {execution: name for execution, name in found.values_list("execution", "name") if execution}


def _document(row: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": name or named(row["workflow"]),
        "badge": badge_of(row["status"], asks=row["asks"]),
        "progress": row["progress"] if row["status"] == Status.RUNNING else None,
        "by": str((row["executed_by"] or {}).get("name", "")),
        "created": row["created_at"],
        "completed": row["completed_at"],
        "dry": bool(row["trigger"].get("dryRun")),
        "again": row["retry_of"] is not None,
        "reference": reference(row["id"]),
    }


def _rows(narrowed: Narrowed, cursor: UUID | None) -> QuerySet[Execution]:
    asks = Exists(Approval.objects.filter(execution=OuterRef("id"), state=Approval.State.PENDING))
    # Of those that went on one after the other, the last.
    rows = Execution.objects.filter(parent=None, continued_as=None).annotate(asks=asks).order_by("-id")
    if cursor is not None:
        rows = rows.filter(id__lt=cursor)
    if narrowed.owner is not None:
        rows = rows.filter(actor=narrowed.owner)
    if narrowed.group:
        rows = rows.filter(_in_group(narrowed.group))
    if text := narrowed.text.strip()[:LONGEST_TEXT].replace("\0", ""):
        rows = rows.filter(_with_text(text))
    return rows


def _in_group(group: str) -> Q:
    match group:
        case "open":
            going = Q(status__in=(Status.QUEUED, Status.RUNNING))
            return going | Q(status=Status.SUSPENDED, asks=False)
        case "approval":
            return Q(status=Status.PENDING_APPROVAL) | Q(status=Status.SUSPENDED, asks=True)
        case _:
            return Q(status__in=_STATUSES.get(group, ()))


def _with_text(text: str) -> Q:
    """By the names that the list shows, and by the reference that it shows."""
    named_so = Submission.objects.filter(name__icontains=text, execution__isnull=False)
    formless = ~Exists(Submission.objects.filter(execution=OuterRef("id")))
    found = Q(id__in=named_so.values("execution")) | (Q(workflow__icontains=text.replace(" ", "_")) & Q(formless))
    if _REFERENCE.fullmatch(text):
        ending = Right(Cast("id", CharField()), REFERENCE)
        found |= Q(id__in=Execution.objects.alias(ending=ending).filter(ending=text.lower()).values("id"))
    return found
