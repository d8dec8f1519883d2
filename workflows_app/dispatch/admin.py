"""The run queue and its processes, for the MSP's staff to look at. The engine alone changes them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator

from orgs import directory
from orgs.models import User
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.sites import PermissionAdmin, actor_of, staff_site
from orgs.staff import StaffScope
from workflows_app.dispatch.models import Dispatch, Fleet, Worker


class LookAdmin(PermissionAdmin):
    """Everything is read-only; lists are not counted."""

    view_permission = VIEW_ORGANIZATIONS
    sortable_by: ClassVar[list[str]] = []
    list_display_links = None
    paginator = InfinitePaginator
    show_full_result_count = False
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


@admin.register(Dispatch, site=staff_site)
class DispatchAdmin(OrganizationRowsAdmin):
    list_display: ClassVar = ["organization_name", "workflow", "status", "priority", "run_at", "worker", "reason"]
    list_filter: ClassVar = ["status"]
    ordering: ClassVar = ["-execution"]


@admin.register(Fleet, site=staff_site)
class FleetAdmin(OrganizationRowsAdmin):
    list_display: ClassVar = ["organization_name", "workflow", "status", "finished_at", "duration_ms"]
    list_filter: ClassVar = ["status"]
    ordering: ClassVar = ["-finished_at"]


@admin.register(Worker, site=staff_site)
class WorkerAdmin(LookAdmin):
    list_display: ClassVar = ["kind", "host", "pid", "started_at", "beat_at", "capacity", "code_version"]
    ordering: ClassVar = ["-started_at"]
