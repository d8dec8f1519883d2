"""The staff's pages about what is settled for workflows in organizations: enabled or not, and limits."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from orgs.admin import scope_of
from orgs.permissions import MANAGE_EXECUTIONS, MANAGE_ORGANIZATIONS, VIEW_EXECUTIONS
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, PermissionAdmin, actor_of, organization_site, staff_site
from workflows_app.dispatch import limit_settings
from workflows_app.dispatch.admin import OrganizationRowsAdmin
from workflows_app.dispatch.models import WorkflowSetting
from workflows_app.limit_forms import ALL_WORKFLOWS, LimitForm, StaffLimitForm, choices_of
from workflows_app.permissions import require_organization

LIMITS = ("enabled", "max_concurrent", "starts_per_minute")


class LimitAdmin(PermissionAdmin):
    """What the pages of both sites have in common. Writes through `limit_settings`."""

    ordering: ClassVar = ["workflow", "id"]
    sortable_by: ClassVar[list[str]] = []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: WorkflowSetting, form: Any, change: bool) -> None:
        obj.id = limit_settings.settle(obj.organization, obj.workflow, form.limits(), actor_of(request))
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: WorkflowSetting) -> None:
        limit_settings.remove(obj.organization, obj.workflow, actor_of(request))

    @admin.display(description="Workflow")
    def shown_workflow(self, setting: WorkflowSetting) -> str:
        return setting.workflow or ALL_WORKFLOWS

    @admin.display(description="At once", empty_value="no limit")
    def shown_concurrent(self, setting: WorkflowSetting) -> int | None:
        return setting.max_concurrent

    @admin.display(description="Starts a minute", empty_value="no limit")
    def shown_starts(self, setting: WorkflowSetting) -> int | None:
        return setting.starts_per_minute


@admin.register(WorkflowSetting, site=organization_site)
class OrganizationLimitAdmin(LimitAdmin, OrganizationModelAdmin):
    """The table is shared: every query here is narrowed to the page's organization."""

    view_permission = VIEW_EXECUTIONS
    change_permission = MANAGE_EXECUTIONS
    form = LimitForm
    list_display: ClassVar = ["shown_workflow", "enabled", "shown_concurrent", "shown_starts"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowSetting]:
        rows: QuerySet[WorkflowSetting] = super().get_queryset(request).defer("recent_starts")
        return rows.filter(organization=require_organization(resolve(request)).id)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["shown_workflow" if obj else "workflow", *LIMITS]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["shown_workflow"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        return type("LimitForm", (made,), {"organization_id": require_organization(resolve(request)).id})

    def save_model(self, request: HttpRequest, obj: WorkflowSetting, form: Any, change: bool) -> None:
        obj.organization = require_organization(resolve(request)).id
        super().save_model(request, obj, form, change)


@admin.register(WorkflowSetting, site=staff_site)
class StaffLimitAdmin(LimitAdmin, OrganizationRowsAdmin):
    """Those of all organizations of the person's scope."""

    change_permission = MANAGE_ORGANIZATIONS
    form = StaffLimitForm
    list_display: ClassVar = ["organization_name", "shown_workflow", "enabled", "shown_concurrent", "shown_starts"]
    list_display_links: ClassVar[list[str] | None] = ["shown_workflow"]
    list_filter: ClassVar = ["enabled"]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowSetting]:
        return super().get_queryset(request).defer("recent_starts")

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [*(["organization_name", "shown_workflow"] if obj else ["organization", "workflow"]), *LIMITS]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["organization_name", "shown_workflow"] if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        # A field that a form declares is there unless it is taken away.
        facts = {"organization": None} if obj else {"choices": choices_of(scope_of(request).organizations())}
        return type("StaffLimitForm", (made,), facts)
