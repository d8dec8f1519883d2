"""Forms and submissions as plain values, for the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q

from forms_app.catalog import FormRecord, FormSummary
from forms_app.models import Submission
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.inputs.definition import Definition
from workflows_app.models import Execution
from workflows_app.parsers import refuse
from workflows_app.serializers import timestamp

_COLUMNS = ("id", "form", "slug", "name", "version__number", "submitted_by", "execution", "submitted_at")


def summary_document(form: FormSummary) -> dict[str, Any]:
    """A form as a list shows it."""
    return {
        "formId": str(form.id),
        "slug": form.slug,
        "name": form.name,
        "description": form.description,
        "category": form.category,
        "linkedWorkflow": form.workflow,
        "version": form.version,
        "shared": form.shared,
    }


def form_document(form: FormRecord) -> dict[str, Any]:
    """A form with all that it asks."""
    return {
        **summary_document(form),
        "submitLabel": form.submit_label,
        "confirmation": form.confirmation,
        "schema": form.definition.json_schema(),
        "items": shown_items(form.definition),
    }


def shown_items(definition: Definition) -> list[dict[str, Any]]:
    """The items as whoever fills in the form may see them: not what hidden fields and secrets hold."""
    return [_shown(item) for item in definition.as_json()]


def list_submissions(
    organization: OrganizationRecord, owner: str | None, form: UUID | None, limit: int, cursor: UUID | None
) -> dict[str, Any]:
    """A page, newest first, of the owner's or everybody's, and the cursor of the next. At most three queries.

    Raises ValidationError for a cursor that is none.
    """
    narrowed = (Q() if owner is None else Q(actor=owner)) & (Q() if form is None else Q(form=form))
    with org_context(organization):
        rows = Submission.objects.filter(narrowed)
        if cursor is not None:
            at = rows.filter(id=cursor).values_list("submitted_at", flat=True).first()
            if at is None:
                refuse("cursor", "cursor has to be the value of next in the page before.")
            rows = rows.filter(Q(submitted_at__lt=at) | Q(submitted_at=at, id__lt=cursor))
        found = list(rows.order_by("-submitted_at", "-id").values(*_COLUMNS)[: limit + 1])
        started = [row["execution"] for row in found[:limit] if row["execution"]]
        statuses = dict(Execution.objects.filter(id__in=started).values_list("id", "status"))
    following = str(found[limit - 1]["id"]) if len(found) > limit else None
    return {"results": [_submission(row, statuses) for row in found[:limit]], "next": following}


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    if item.get("mode") == "hidden" or item.get("kind") == "secret":
        item.pop("default", None)
    for inner in item.get("fields", []):
        _shown(inner)
    return item


def _submission(row: Mapping[str, Any], statuses: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "submissionId": str(row["id"]),
        "formId": str(row["form"]),
        "slug": row["slug"],
        "name": row["name"],
        "version": row["version__number"],
        "submittedBy": row["submitted_by"],
        "submittedAt": timestamp(row["submitted_at"]),
        "executionId": str(row["execution"]) if row["execution"] else None,
        "status": statuses.get(row["execution"]),
    }
