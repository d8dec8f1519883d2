"""The staff's pages about one organization's schedules."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST
from unfold.decorators import display

from orgs.permissions import MANAGE_SCHEDULES, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, actor_of, organization_site
from workflows_app.dispatch.models import Schedule
from workflows_app.inputs.amending import Page
from workflows_app.inputs.pieces import options_piece
from workflows_app.schedules import queries, settling
from workflows_app.schedules.forms import ScheduleForm, WorkflowForm
from workflows_app.schedules.given import ZONE, Given

LABELS = {"on": "success", "off": "warning", "paused": "warning", "waits": "info", "problem": "danger"}


def organization_of(request: HttpRequest) -> OrganizationRecord:
    """The organization whose page this is; organization_site lets nobody in without one."""
    organization = resolve(request).organization
    assert organization is not None
    return organization


def state_of(schedule: Schedule) -> str:
    """In one word."""
    if not schedule.enabled:
        return "off"
    if schedule.paused_until and schedule.paused_until > timezone.now():
        return "paused"
    if schedule.waiting:
        return "waits"
    return "problem" if schedule.problem else "on"


@admin.register(Schedule, site=organization_site)
class OrganizationScheduleAdmin(OrganizationModelAdmin):
    """The table is shared: every query here is narrowed to the page's organization. Writes through `settling`."""

    view_permission = VIEW_EXECUTIONS
    change_permission = MANAGE_SCHEDULES
    form = ScheduleForm
    fields: ClassVar = ["workflow", *ScheduleForm.Meta.fields]
    readonly_fields: ClassVar = ["workflow"]
    list_display: ClassVar = ["workflow", "state", "shown_cron", "shown_zone", "next_run", "last_run", "problem"]
    ordering: ClassVar = ["workflow"]
    sortable_by: ClassVar[list[str]] = []
    change_form_template = "workflows_app/schedule.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        rows: QuerySet[Schedule] = super().get_queryset(request)
        return rows.filter(organization=organization_of(request).id)

    def get_urls(self) -> list[URLPattern]:
        options = self.admin_site.admin_view(require_POST(self.options_view))
        mine = path("options/<str:workflow>/<str:place>", options, name="dispatch_schedule_options")
        return [mine, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        facts = {
            "organization": organization_of(request),
            "actor": actor_of(request),
            "given": self._given(request, obj.workflow if obj else request.GET["workflow"]),
            "may_change": self.has_change_permission(request, obj),
        }
        return type("ScheduleForm", (made,), facts)

    def _given(self, request: HttpRequest, workflow: str) -> Given:
        organization, route = organization_of(request), "admin:dispatch_schedule_options"
        options_url = reverse(route, args=[workflow, "-"], current_app=self.admin_site.name).removesuffix("-")
        page = Page(organization, actor_of(request), ZONE, options_url)
        return Given(page, workflow, queries.get_parameters(organization, workflow))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj) and not (obj is not None and obj.by_audience)

    def save_model(self, request: HttpRequest, obj: Schedule, form: ScheduleForm, change: bool) -> None:
        organization = organization_of(request)
        settling.settle(organization, obj.workflow, form.wish(), actor_of(request))
        saved = Schedule.objects.filter(organization=organization.id, workflow=obj.workflow)
        obj.id, obj._state.adding = saved.values_list("id", flat=True).get(), False

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        settling.remove(organization_of(request), obj.workflow, actor_of(request))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First the workflow, then what it asks. One that has a schedule already leads to that."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        named = request.GET if "workflow" in request.GET else None
        choice = WorkflowForm(organization_of(request), actor_of(request), named)
        if not choice.is_valid():
            return self._choose(request, choice)
        there = self.get_queryset(request).filter(workflow=choice.cleaned_data["workflow"]).first()
        if there is None or request.method == "POST":
            answer: HttpResponse = super().add_view(request, form_url, extra_context)
            return answer
        self.message_user(request, f"{there} has a schedule already: this one.", messages.INFO)
        return HttpResponseRedirect(
            reverse("admin:dispatch_schedule_change", args=[there.id], current_app=self.admin_site.name)
        )

    def response_add(self, request: HttpRequest, obj: Schedule, post_url_continue: str | None = None) -> HttpResponse:
        """Leads on without what only this page's address says: the workflow."""
        answer: HttpResponseRedirect = super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(answer.url.partition("?")[0])

    def _choose(self, request: HttpRequest, choice: WorkflowForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Add schedule",
            "opts": self.opts,
            "model_admin": self,
            "form": choice,
        }
        return TemplateResponse(request, "workflows_app/schedule_new.html", context)

    def options_view(self, request: HttpRequest, workflow: str, place: str) -> HttpResponse:
        """The options of one parameter for what was filled in so far."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        changes = self._given(request, workflow).changes
        url = changes.page.options_url
        return options_piece(request, changes.definition, place, changes.offer, zone=ZONE, options_url=url)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = self._shown(request, object_id)
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})
        return answer

    def _shown(self, request: HttpRequest, object_id: str) -> dict[str, Any]:
        """The next runs and the history, in the schedule's own time."""
        try:
            row = self.get_queryset(request).filter(id=UUID(object_id)).first()
        except ValueError:
            row = None
        if row is None or not self.has_view_permission(request):
            return {}
        schedule = queries.get_schedule(organization_of(request), row.workflow)
        runs = [{**run, "planned": _local(run["plannedAt"], schedule["timezone"])} for run in schedule["history"]]
        coming = [parse_datetime(time["local"]) for time in schedule["preview"]]
        return {"schedule": schedule, "coming": [f"{at:%a %Y-%m-%d %H:%M %z}" for at in coming if at], "runs": runs}

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, schedule: Schedule) -> str:
        return state_of(schedule)

    @admin.display(description="Cron")
    def shown_cron(self, schedule: Schedule) -> str:
        return schedule.cron or schedule.effective.rpartition("|")[0]

    @admin.display(description="Time zone")
    def shown_zone(self, schedule: Schedule) -> str:
        return schedule.timezone or schedule.effective.rpartition("|")[2]


def _local(text: str, zone: str) -> str:
    moment = parse_datetime(text)
    try:
        return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %z}" if moment else ""
    except (KeyError, ValueError, OSError):
        return text
