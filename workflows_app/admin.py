"""The staff's pages about one organization's executions. They read; what changes an execution has a door of its own."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_datetime
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orgs.permissions import VIEW_EXECUTIONS
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, organization_site
from workflows_app import queries
from workflows_app.errors import UnknownExecution
from workflows_app.models import Execution, Status
from workflows_app.permissions import may_see_tracebacks, require_organization

LINES = 200
NUMBER = re.compile(r"[0-9]{1,9}")
VALUES = (("Input", "inputData"), ("Result", "result"), ("Variables", "variables"))
LABELS = {
    Status.SUCCESS: "success",
    Status.COMPLETED_WITH_ERRORS: "warning",
    Status.FAILED: "danger",
    Status.COMPENSATED: "danger",
    Status.REJECTED: "danger",
    Status.CANCELLED: "warning",
    Status.RUNNING: "info",
    Status.QUEUED: "info",
    Status.SUSPENDED: "info",
    Status.PENDING_APPROVAL: "info",
}


@admin.register(Execution, site=organization_site)
class ExecutionAdmin(OrganizationModelAdmin):
    """A list without a count, and a page of its own in place of Django's form."""

    view_permission = VIEW_EXECUTIONS
    list_display: ClassVar = ["workflow", "shown_status", "created_at", "shown_duration", "shown_person", "id"]
    list_filter: ClassVar = ["status"]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = ["-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """Only what the list shows: inputs and results may be large."""
        columns = ("id", "workflow", "status", "created_at", "duration_ms", "executed_by")
        rows: QuerySet[Execution] = super().get_queryset(request).only(*columns)
        return rows

    @display(description="Status", label=LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, execution: Execution) -> str:
        return execution.status

    @admin.display(description="Took")
    def shown_duration(self, execution: Execution) -> str:
        return duration(execution.duration_ms)

    @admin.display(description="Executed by")
    def shown_person(self, execution: Execution) -> str:
        return str(execution.executed_by["name"])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            record, journal = self._read(request, UUID(object_id))
        except (ValueError, UnknownExecution) as missing:
            raise Http404(queries.NO_EXECUTION) from missing
        context = {
            **self.admin_site.each_context(request),
            "title": record["workflowName"],
            "opts": self.opts,
            "record": record,
            "label": LABELS.get(record["status"], "info"),
            "took": duration(record["durationMs"]),
            "values": [(name, pretty(record[key])) for name, key in VALUES if record[key] not in (None, {})],
            "timeline": [entry(line, record["createdAt"]) for line in journal["results"]],
            "next": journal["next"],
        }
        return TemplateResponse(request, "workflows_app/execution.html", context)

    def _read(self, request: HttpRequest, execution_id: UUID) -> tuple[dict[str, Any], dict[str, Any]]:
        """The record and the part of its journal that the page shows."""
        access = resolve(request)
        organization = require_organization(access)
        after = request.GET.get("after", "0")
        page = queries.Page(int(after) if NUMBER.fullmatch(after) else 0, LINES)
        record = queries.get_execution(organization, execution_id, exact=False)
        tracebacks = may_see_tracebacks(access.actor)
        return record, queries.list_journal(organization, execution_id, page, tracebacks=tracebacks)


def duration(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:.1f} s"


def pretty(value: Any) -> str:
    """A text as it is, anything else as readable JSON."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def entry(line: dict[str, Any], began: str) -> dict[str, Any]:
    """A journal line as the timeline shows it: when, what, and the data below it."""
    at, start = parse_datetime(line["timestamp"]), parse_datetime(began)
    title, detail = told(line["kind"], line["name"], line["data"])
    return {
        "seq": line["seq"],
        "offset": f"+{max(0.0, (at - start).total_seconds()):.3f} s" if at and start else "",
        "kind": line["kind"].replace("_", " "),
        "alarming": line["kind"] == "error" or (line["kind"], line["name"]) in {("status", "Failed"), ("log", "error")},
        "title": title,
        "detail": pretty(detail) if detail not in (None, {}, "") else "",
    }


def told(kind: str, name: str, data: Any) -> tuple[str, Any]:
    """A line's title, and what is shown below it. Every kind that is not named here is its name and its data."""
    facts = data if isinstance(data, dict) else {}
    match kind:
        case "log":
            return f"{name}: {facts.get('message', '')}", facts.get("data")
        case "variable":
            return f"{name} = {pretty(facts.get('value'))}"[:200], None
        case "integration_call":
            answer = facts.get("status_code") or facts.get("error") or "no answer"
            title = f"{name}: {facts.get('method')} {facts.get('endpoint')} → {answer}"
            return title, {"duration_ms": facts.get("duration_ms"), "error": facts.get("error")}
        case "error":
            return f"{name}: {facts.get('message', '')}", facts.get("traceback") or facts.get("details")
        case _:
            return name, data
