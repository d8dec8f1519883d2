"""The run queue and its processes, for the MSP's staff to look at. The engine alone changes them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orgs import directory
from orgs.models import User
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.sites import PermissionAdmin, actor_of, organization_page, staff_site
from orgs.staff import StaffScope
from workflows_app.dispatch.models import Dispatch, Fleet, Worker

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


class LookAdmin(PermissionAdmin):
    """Everything is read-only; lists are not counted."""

    view_permission = VIEW_ORGANIZATIONS
    sortable_by: ClassVar[list[str]] = []
    list_display_links = None
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
        "priority",
        "run_at",
        "holder",
        "reason",
    ]
    list_filter: ClassVar = [WaitingFilter]
    ordering: ClassVar = ["-execution"]

    @admin.display(description="Worker")
    def holder(self, row: Dispatch) -> str:
        """The end of the name that journals and the list of workers give it."""
        return row.worker.hex[-8:] if row.worker else ""


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
    list_display: ClassVar = ["label", "host", "pid", "started_at", "beat_at", "capacity", "code"]
    ordering: ClassVar = ["-started_at"]

    @admin.display(description="Worker")
    def label(self, worker: Worker) -> str:
        """As journals name it."""
        return f"{worker.kind}-{worker.id.hex[-8:]}"

    @admin.display(description="Code")
    def code(self, worker: Worker) -> str:
        return worker.code_version[:8]
