"""The run queue and its processes, for the MSP's staff to look at. The engine alone changes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import (
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Coalesce, Now, NullIf
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orgs import directory
from orgs.models import User
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.sites import PermissionAdmin, actor_of, organization_page, staff_site
from orgs.staff import StaffScope
from workflows_app.dispatch.durations import in_words
from workflows_app.dispatch.models import Dispatch, Fleet, Lane, Priority, Worker
from workflows_app.dispatch.workers import ALIVE

WAITING = ("Queued", "Running", "Suspended", "PendingApproval")
ENDED = ("Success", "CompletedWithErrors", "Failed", "Compensated", "Cancelled", "Rejected")
LABELS = {
    "Success": "success",
    "CompletedWithErrors": "warning",
    "Cancelled": "warning",
    "Failed": "danger",
    "Compensated": "danger",
    "Rejected": "danger",
    "Queued": "info",
    "Running": "info",
    "Suspended": "info",
    "PendingApproval": "info",
}
PRIORITIES = {priority.value: str(priority.label) for priority in reversed(Priority)}
LANES = {lane.value: lane.name.lower() for lane in Lane}


class StatusFilter(admin.SimpleListFilter):
    """By the words that there can be: to ask the table which there are would read all of it."""

    title = "status"
    parameter_name = "status"
    words: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in self.words else queryset


class WaitingFilter(StatusFilter):
    words = WAITING


class EndedFilter(StatusFilter):
    words = ENDED


class NumberFilter(admin.SimpleListFilter):
    """By one of a few numbers, each with a word of its own."""

    words: Mapping[int, str] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(number), word) for number, word in self.words.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = next((number for number in self.words if str(number) == self.value()), None)
        return queryset if chosen is None else queryset.filter(**{str(self.parameter_name): chosen})


class PriorityFilter(NumberFilter):
    title = "priority"
    parameter_name = "priority"
    words = PRIORITIES


class LaneFilter(NumberFilter):
    title = "lane"
    parameter_name = "lane"
    words = LANES


class LookAdmin(PermissionAdmin):
    """Everything is read-only; lists are not counted."""

    view_permission = VIEW_ORGANIZATIONS
    sortable_by: ClassVar[list[str]] = []
    list_display_links: ClassVar[list[str] | None] = None
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50


class OrganizationRowsAdmin(LookAdmin):
    """Rows that belong to an organization: only those of the person's scope."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        assert isinstance(request.user, User)
        covered = StaffScope.of(request.user, actor_of(request)).organizations()
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(organization__in=covered.values("id"))

    @admin.display(description="Organization")
    def organization_name(self, row: Dispatch | Fleet) -> str:
        found = directory.organization_by_id(row.organization)
        return found.name if found else str(row.organization)

    @admin.display(description="Workflow")
    def linked_workflow(self, row: Dispatch | Fleet) -> str:
        """Leads to the execution's own page; a closed organization has none."""
        found = directory.organization_by_id(row.organization)
        if found is None or found.status != "active":
            return row.workflow
        address = organization_page(found.org_id, "admin:workflows_app_execution_change", row.execution)
        return format_html('<a class="bifrost-link" href="{}">{}</a>', address, row.workflow)

    @display(description="Status", label=LABELS)  # type: ignore[untyped-decorator]
    def shown_status(self, row: Dispatch | Fleet) -> str:
        return row.status


@admin.register(Dispatch, site=staff_site)
class DispatchAdmin(OrganizationRowsAdmin):
    list_display: ClassVar = [
        "organization_name",
        "linked_workflow",
        "shown_status",
        "priority_word",
        "lane_word",
        "waits",
        "until",
        "holder",
        "epoch",
        "reason",
    ]
    list_filter: ClassVar = [WaitingFilter, PriorityFilter, LaneFilter]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = ["-execution"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispatch]:
        """All by the database's clock. `run_at` may be infinity, which Python's times cannot be."""
        never = Cast(Value("infinity"), DateTimeField())
        kind = Worker.objects.filter(id=OuterRef("worker")).values("kind")
        rows: QuerySet[Dispatch] = super().get_queryset(request).defer("run_at")
        return rows.annotate(
            age=ExpressionWrapper(Now() - F("queued_at"), DurationField()),
            left=ExpressionWrapper(NullIf("run_at", never) - Now(), DurationField()),
            kind=Subquery(kind[:1]),
        )

    @admin.display(description="Priority")
    def priority_word(self, row: Dispatch) -> str:
        return PRIORITIES[row.priority]

    @admin.display(description="Lane")
    def lane_word(self, row: Dispatch) -> str:
        return LANES[row.lane]

    @admin.display(description="Waiting")
    def waits(self, row: Any) -> str | None:
        """How long already, since it was queued or put aside last."""
        return None if row.status == "Running" else as_word(in_words(row.age))

    @admin.display(description="Until")
    def until(self, row: Any) -> str | None:
        """When what is put aside goes on, or what waits for an approval ends."""
        if row.left is None or row.status not in {"Suspended", "PendingApproval"}:
            return None
        return as_word(f"in {in_words(row.left)}")

    @admin.display(description="Worker")
    def holder(self, row: Any) -> str | None:
        """As journals name it; of one that is gone, the end of its name."""
        return as_word(named(row.kind, row.worker)) if row.worker else None


@admin.register(Fleet, site=staff_site)
class FleetAdmin(OrganizationRowsAdmin):
    list_display: ClassVar = ["organization_name", "linked_workflow", "shown_status", "finished_at", "took"]
    list_filter: ClassVar = [EndedFilter]
    ordering: ClassVar = ["-finished_at"]

    @admin.display(description="Took")
    def took(self, row: Fleet) -> str:
        return "" if row.duration_ms is None else f"{row.duration_ms:,} ms"


@admin.register(Worker, site=staff_site)
class WorkerAdmin(LookAdmin):
    list_display: ClassVar = ["label", "kind", "host", "pid", "last_beat", "runs", "capacity", "started_at", "code"]
    list_filter: ClassVar = ["kind"]
    ordering: ClassVar = ["-started_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        held = Dispatch.objects.filter(worker=OuterRef("id"), status="Running").order_by().values("worker")
        rows: QuerySet[Worker] = super().get_queryset(request)
        return rows.annotate(
            silent=ExpressionWrapper(Now() - F("beat_at"), DurationField()),
            holds=Coalesce(Subquery(held.annotate(number=Count("execution")).values("number")), 0),
        )

    @admin.display(description="Worker")
    def label(self, worker: Worker) -> str:
        """As journals name it."""
        return as_word(named(worker.kind, worker.id))

    @display(description="Last beat", label={"alive": "success", "silent": "danger"})  # type: ignore[untyped-decorator]
    def last_beat(self, worker: Any) -> tuple[str, str]:
        return "alive" if worker.silent < ALIVE else "silent", f"{in_words(worker.silent)} ago"

    @admin.display(description="Runs")
    def runs(self, worker: Any) -> int:
        return int(worker.holds)

    @admin.display(description="Code")
    def code(self, worker: Worker) -> str:
        return worker.code_version[:8]


def as_word(text: str) -> str:
    """A text that a list keeps on one line."""
    return format_html('<span class="bifrost-word">{}</span>', text) if text else ""


def named(kind: str | None, worker: UUID) -> str:
    """A worker's name in journals; without its kind, which only the row of a living one tells, its end."""
    return f"{kind}-{worker.hex[-8:]}" if kind else worker.hex[-8:]
