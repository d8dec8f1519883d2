"""The staff's pages about one organization's executions. `execution_actions` has those that change something."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orgs.permissions import VIEW_EXECUTIONS
from orgs.resolver import resolve
from orgs.sites import organization_site
from workflows_app import limit_admin as _limit_admin  # noqa: F401  registers its pages
from workflows_app import queries
from workflows_app.alerts import admin as _alerts  # noqa: F401  registers its pages
from workflows_app.approvals import admin as _approvals  # noqa: F401  registers its pages
from workflows_app.connections import staff_admin as _all_connections  # noqa: F401  the same
from workflows_app.dispatch.admin import LABELS, as_word
from workflows_app.errors import UnknownExecution
from workflows_app.execution_actions import ExecutionActions
from workflows_app.models import Execution, Status
from workflows_app.permissions import may_see_tracebacks, require_organization
from workflows_app.progress import in_words
from workflows_app.schedules import admin as _schedules  # noqa: F401  registers its pages
from workflows_app.schedules import staff_admin as _all_schedules  # noqa: F401  the same
from workflows_app.timeline import duration, entry, pretty
from workflows_app.webhooks import admin as _webhooks  # noqa: F401  registers its pages

LINES = 200
NUMBER = re.compile(r"[0-9]{1,9}")
VALUES = (
    ("Input", "inputData"),
    ("Input as approved", "approvedInput"),
    ("Result", "result"),
    ("Variables", "variables"),
)
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class StatusFilter(admin.SimpleListFilter):
    """By the words that the API uses as well."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in Status.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        return queryset.filter(status=self.value()) if self.value() in Status.values else queryset


class CreatedFilter(admin.SimpleListFilter):
    """How long ago. Ids begin with their time, so the primary key finds the place."""

    title = "created"
    parameter_name = "created"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, f"in the last {name}") for name in SPANS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        span = SPANS.get(self.value() or "")
        return queryset if span is None else queries.created_since(queryset, timezone.now() - span)


@admin.register(Execution, site=organization_site)
class ExecutionAdmin(ExecutionActions):
    """A list without a count, and a page of its own in place of Django's form."""

    view_permission = VIEW_EXECUTIONS
    list_display: ClassVar = [
        "shown_workflow",
        "shown_status",
        "created_at",
        "shown_duration",
        "shown_person",
        "shown_id",
    ]
    list_filter: ClassVar = [StatusFilter, CreatedFilter]
    actions: ClassVar = ["cancel_selected", "start_selected_again"]
    list_disable_select_all = True
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = ["-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        """Only what the list shows: inputs and results may be large."""
        columns = ("id", "workflow", "status", "created_at", "duration_ms", "executed_by", "trigger")
        rows: QuerySet[Execution] = super().get_queryset(request).only(*columns)
        return rows

    @admin.display(description="Workflow")
    def shown_workflow(self, execution: Execution) -> str:
        return f"{execution.workflow} (dry run)" if execution.trigger.get("dryRun") else execution.workflow

    @display(description="Status", label=LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, execution: Execution) -> str:
        return execution.status

    @admin.display(description="Took")
    def shown_duration(self, execution: Execution) -> str:
        return as_word(duration(execution.duration_ms))

    @admin.display(description="Executed by")
    def shown_person(self, execution: Execution) -> str:
        return str(execution.executed_by["name"])

    @admin.display(description="Id")
    def shown_id(self, execution: Execution) -> str:
        return format_html('<code class="bifrost-word">{}</code>', execution.id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            after = after_of(request)
            record, journal = self._read(request, UUID(object_id), after)
        except (ValueError, UnknownExecution) as missing:
            raise Http404(queries.NO_EXECUTION) from missing
        context = {
            **self.admin_site.each_context(request),
            "title": record["workflowName"],
            "model_admin": self,
            "record": record,
            "created": parse_datetime(record["createdAt"]),
            "label": LABELS.get(record["status"], "info"),
            "took": duration(record["durationMs"]),
            "progress": _progress(record),
            "values": [(name, pretty(record[key])) for name, key in VALUES if record[key] not in (None, {})],
            "details": pretty(error["details"]) if (error := record["error"]) and error.get("details") else "",
            "timeline": [entry(line, record["createdAt"]) for line in journal["results"]],
            "after": after,
            "last": journal["results"][-1]["seq"] if journal["results"] else after,
            "next": journal["next"],
            **self.offered(request, record),
        }
        return TemplateResponse(request, "workflows_app/execution.html", context)

    def _read(self, request: HttpRequest, execution_id: UUID, after: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The record and the part of its journal that the page shows."""
        access = resolve(request)
        organization = require_organization(access)
        page = queries.Page(after, LINES)
        record = queries.get_execution(organization, execution_id, exact=False)
        tracebacks = may_see_tracebacks(access.actor)
        return record, queries.list_journal(organization, execution_id, page, tracebacks=tracebacks)


def _progress(record: dict[str, Any]) -> str:
    """How far it is, in words."""
    detail = record["progressDetail"]
    return detail and in_words({"percent": record["progress"], **detail}, detail["remainingSeconds"])


def after_of(request: HttpRequest) -> int:
    """The number of the line behind which the page begins."""
    given = request.GET.get("after", "0")
    return int(given) if NUMBER.fullmatch(given) else 0
