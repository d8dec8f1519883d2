"""The staff's pages about schedules of all organizations, and about audiences."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from orgs import directory
from orgs.audited_admin import AuditedAdmin
from orgs.models import Organization
from orgs.permissions import MANAGE_ORGANIZATIONS, VIEW_ORGANIZATIONS
from orgs.sites import PermissionAdmin, organization_page, staff_site
from orgs.staff import has_all_organizations
from workflows_app.dispatch.admin import OrganizationRowsAdmin
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.schedules.admin import LABELS, state_of
from workflows_app.schedules.enabling import sync_audiences
from workflows_app.schedules.forms import AudienceForm


class ProblemFilter(admin.SimpleListFilter):
    title = "problem"
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "with a problem"), ("no", "without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.exclude(problem="")
        return queryset.filter(problem="") if self.value() == "no" else queryset


@admin.register(Schedule, site=staff_site)
class ScheduleAdmin(OrganizationRowsAdmin):
    """Each row leads to the organization's own page, where it is changed."""

    list_display: ClassVar = [
        "organization_name",
        "linked_schedule",
        "state",
        "shown_cron",
        "next_run",
        "last_run",
        "by_audience",
        "problem",
    ]
    list_filter: ClassVar = ["enabled", "by_audience", ProblemFilter]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = ["workflow", "id"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="Workflow")
    def linked_schedule(self, schedule: Schedule) -> str:
        found = directory.organization_by_id(schedule.organization)
        if found is None or found.status != Organization.Status.ACTIVE:
            return schedule.workflow
        address = organization_page(found.org_id, "admin:dispatch_schedule_change", schedule.id)
        return format_html('<a class="bifrost-link" href="{}">{}</a>', address, schedule.workflow)

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, schedule: Schedule) -> str:
        return state_of(schedule)

    @admin.display(description="Cron and zone")
    def shown_cron(self, schedule: Schedule) -> str:
        return schedule.effective.replace("|", " in ")


@admin.register(ScheduleAudience, site=staff_site)
class ScheduleAudienceAdmin(AuditedAdmin, PermissionAdmin):
    """An audience may name any organization, so it is for those alone who have them all."""

    view_permission = VIEW_ORGANIZATIONS
    change_permission = MANAGE_ORGANIZATIONS
    audited_kind = "audience"
    form = AudienceForm
    fields: ClassVar = [
        "workflow",
        "all_organizations",
        "tags",
        "organizations",
        "cron",
        "timezone",
        "overlap",
        "missed",
    ]
    list_display: ClassVar = ["workflow", "who", "cron", "timezone", "overlap", "missed"]
    ordering: ClassVar = ["workflow"]

    def may(self, request: HttpRequest, permission: str) -> bool:
        return super().may(request, permission) and has_all_organizations(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["workflow"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def audited_id(self, obj: Any) -> str:
        return str(obj.workflow)

    @admin.display(description="Enabled for")
    def who(self, audience: ScheduleAudience) -> str:
        if audience.all_organizations:
            return "all customers"
        named = (directory.organization_by_id(chosen) for chosen in audience.organizations)
        return ", ".join([*audience.tags, *(found.name for found in named if found)])

    def save_model(self, request: HttpRequest, obj: ScheduleAudience, form: AudienceForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        sync_audiences()

    def delete_model(self, request: HttpRequest, obj: ScheduleAudience) -> None:
        super().delete_model(request, obj)
        sync_audiences()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ScheduleAudience]) -> None:
        super().delete_queryset(request, queryset)
        sync_audiences()
