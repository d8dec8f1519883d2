"""The staff's list of one organization's alerts. A page shows; only its POST form changes something."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from orgs.permissions import MANAGE_EXECUTIONS, VIEW_EXECUTIONS
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, organization_site
from workflows_app.alerts import handling, queries
from workflows_app.alerts.models import Alert, Severity
from workflows_app.errors import AlreadyHandled, UnknownAlert
from workflows_app.permissions import require_organization
from workflows_app.timeline import pretty

State = Alert.State
STATES: dict[str, str] = {State.OPEN: "danger", State.ACKNOWLEDGED: "warning", State.RESOLVED: "success"}
SEVERITIES: dict[str, str] = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "danger",
    Severity.CRITICAL: "danger",
}
OPEN_FIRST = Case(
    When(state=State.OPEN, then=Value(0)), When(state=State.ACKNOWLEDGED, then=Value(1)), default=Value(2)
)
HANDLING = {
    "acknowledge": (handling.acknowledge, "Acknowledged: it is raised again without a word until it is resolved."),
    "resolve": (handling.resolve, "Resolved."),
}


@admin.register(Alert, site=organization_site)
class AlertAdmin(OrganizationModelAdmin):
    """What is open stands first."""

    view_permission = VIEW_EXECUTIONS
    list_display: ClassVar = ["title", "shown_severity", "shown_state", "kind", "count", "last_raised_at"]
    list_filter: ClassVar = ["state", "severity"]
    search_fields: ClassVar = ["workflow__startswith"]
    search_help_text = "The beginning of a workflow's name."
    ordering: ClassVar = [OPEN_FIRST.asc(), "-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        columns = ("id", "title", "severity", "state", "kind", "count", "last_raised_at")
        rows: QuerySet[Alert] = super().get_queryset(request).only(*columns)
        return rows

    def get_urls(self) -> list[URLPattern]:
        handled = self.admin_site.admin_view(require_POST(self.handling_view))
        mine = path("<uuid:alert_id>/handle/", handled, name="workflows_app_alert_handle")
        return [mine, *super().get_urls()]

    @display(description="Severity", label=SEVERITIES)  # type: ignore[untyped-decorator]
    def shown_severity(self, alert: Alert) -> str:
        return alert.severity

    @display(description="State", label=STATES)  # type: ignore[untyped-decorator]
    def shown_state(self, alert: Alert) -> str:
        return alert.state

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            alert = queries.get_alert(require_organization(resolve(request)), UUID(object_id))
        except (ValueError, UnknownAlert) as missing:
            raise Http404(handling.NO_ALERT) from missing
        names = ("firstRaisedAt", "lastRaisedAt", "acknowledgedAt", "resolvedAt")
        times = {name: parse_datetime(alert[name] or "") for name in names}
        context = {
            **self.admin_site.each_context(request),
            "title": alert["title"],
            "model_admin": self,
            "alert": {**alert, **times},
            "label": STATES[alert["state"]],
            "severity": SEVERITIES[alert["severity"]],
            "details": pretty(alert["details"]) if alert["details"] else "",
            "may_handle": self.may(request, MANAGE_EXECUTIONS) and alert["state"] != State.RESOLVED,
        }
        return TemplateResponse(request, "workflows_app/alert.html", context)

    def handling_view(self, request: HttpRequest, alert_id: UUID) -> HttpResponse:
        """Takes the form of `change_view`, and leads back to it."""
        if not self.may(request, MANAGE_EXECUTIONS):
            raise PermissionDenied
        access = resolve(request)
        handle, said = HANDLING.get(request.POST.get("handling", ""), (None, ""))
        if handle is None:
            self.message_user(request, "Nothing was chosen.", messages.ERROR)
        else:
            try:
                handle(require_organization(access), alert_id, access.actor)
                self.message_user(request, said)
            except UnknownAlert as missing:
                raise Http404(missing.message) from missing
            except AlreadyHandled as refused:
                self.message_user(request, refused.message, messages.ERROR)
        page = reverse("admin:workflows_app_alert_change", args=[alert_id], current_app=self.admin_site.name)
        return HttpResponseRedirect(page)
