"""The sidebars of the two admin sites. Each person finds there what that person may open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse

from orgs.permissions import VIEW_CONFIG, VIEW_ORGANIZATIONS
from orgs.sites import access_of, organization_site, staff_site

PEOPLE = (
    ("orgs.Organization", "Organizations", "domain"),
    ("orgs.User", "People", "person"),
    ("orgs.Membership", "Memberships", "badge"),
    ("orgs.ApiToken", "Tokens", "key"),
    ("orgs.AuditEvent", "Audit log", "policy"),
)
EXECUTIONS = (
    ("dispatch.Fleet", "Fleet", "history"),
    ("dispatch.Dispatch", "Run queue", "pending_actions"),
    ("dispatch.Worker", "Workers", "memory"),
    ("dispatch.Schedule", "Schedules", "schedule"),
    ("dispatch.ScheduleAudience", "Schedule audiences", "groups"),
    ("dispatch.WorkflowSetting", "Workflow settings", "speed"),
    ("fleet.FleetConnection", "Connections", "link"),
)
OF_AN_ORGANIZATION = (
    ("workflows_app.Execution", "Executions", "history"),
    ("forms_app.Form", "Forms", "dynamic_form"),
    ("workflows_app.Approval", "Approvals", "approval"),
    ("workflows_app.Alert", "Alerts", "notifications"),
    ("dispatch.Schedule", "Schedules", "schedule"),
    ("workflows_app.Webhook", "Webhooks", "webhook"),
    ("workflows_app.WebhookDelivery", "Deliveries", "move_to_inbox"),
    ("dispatch.WorkflowSetting", "Workflow settings", "speed"),
    ("integrations.Config", "Configs", "tune"),
    ("integrations.Connection", "Connections", "link"),
    ("integrations.CircuitBreaker", "Circuits", "electrical_services"),
    ("orgs.AuditEvent", "Audit log", "policy"),
)

Item = dict[str, Any]


def of_staff(request: HttpRequest) -> list[Item]:
    """unfold's SIDEBAR navigation of the staff's site."""
    access = access_of(request)
    workflows = [_item("Workflows", "conversion_path", reverse("staff-workflows"))]
    return [
        {"items": [_item("Overview", "dashboard", reverse("admin:index")), *_lists(request, staff_site, PEOPLE)]},
        {"title": "Executions", "items": _lists(request, staff_site, EXECUTIONS)},
        {"title": "Workspace", "items": workflows if access and access.actor.can(VIEW_ORGANIZATIONS) else []},
    ]


def of_organization(request: HttpRequest) -> list[Item]:
    """The same of an organization's site; under `/o/<org_id>/` its last line leads back to the staff's."""
    access, items = access_of(request), _lists(request, organization_site, OF_AN_ORGANIZATION)
    if access and access.actor.can(VIEW_CONFIG):
        items.append(_item("Secrets", "key", reverse("organization-secrets")))
        items.append(_item("Data providers", "list_alt", reverse("organization-data-providers")))
    groups: list[Item] = [{"items": items}]
    if getattr(request, "path_org_id", ""):
        back = {**_item("All organizations", "arrow_back", "/admin/"), "active": False}
        groups.append({"separator": True, "items": [back]})
    return groups


def organization_label(request: HttpRequest) -> list[str] | None:
    """unfold's ENVIRONMENT: the organization's name at the top of its pages, also where the sidebar is hidden."""
    access = access_of(request)
    return [access.organization.name, "info"] if access and access.organization else None


def _lists(request: HttpRequest, site: AdminSite, lists: Iterable[tuple[str, str, str]]) -> list[Item]:
    """Those of the lists that the person may see. Their addresses are under the organization that the request names."""
    shown = []
    for label, title, icon in lists:
        model = apps.get_model(label)
        if site.get_model_admin(model).has_view_permission(request):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            shown.append(_item(title, icon, reverse(name, current_app=site.name)))
    return shown


def _item(title: str, icon: str, link: str) -> Item:
    return {"title": title, "icon": icon, "link": link}
