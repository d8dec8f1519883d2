"""The staff's pages about one organization's schedules."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from unfold.decorators import display

from orgs import directory
from orgs.permissions import MANAGE_SCHEDULES, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, actor_of, organization_site
from workflows_app.dispatch.models import Schedule
from workflows_app.schedules import queries, settling
from workflows_app.schedules.forms import ScheduleForm
from workflows_app.timeline import pretty

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
    fields: ClassVar = [*settling.FIELDS]
    list_display: ClassVar = ["workflow", "state", "shown_cron", "shown_zone", "next_run", "last_run", "problem"]
    ordering: ClassVar = ["workflow"]
    sortable_by: ClassVar[list[str]] = []
    change_form_after_template = "workflows_app/schedule.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Schedule]:
        rows: QuerySet[Schedule] = super().get_queryset(request)
        return rows.filter(organization=organization_of(request).id)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["workflow", *self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["workflow"] if obj else []

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        shown = queries.get_schedule(organization_of(request), obj.workflow)["parameters"] if obj else {}
        facts = {"organization": organization_of(request), "actor": actor_of(request), "shown": shown}
        return type("ScheduleForm", (made,), facts)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj) and not (obj is not None and obj.by_audience)

    def save_model(self, request: HttpRequest, obj: Schedule, form: ScheduleForm, change: bool) -> None:
        organization = organization_of(request)
        settling.settle(organization, obj.workflow, form.wish(), actor_of(request))
        saved = Schedule.objects.filter(organization=organization.id, workflow=obj.workflow)
        obj.id, obj._state.adding = saved.values_list("id", flat=True).get(), False

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        settling.remove(organization_of(request), obj.workflow, actor_of(request))

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

    @admin.display(description="Parameters")
    def parameters(self, schedule: Schedule) -> str:
        """For those who only look."""
        organization = directory.organization_by_id(schedule.organization)
        return pretty(queries.get_schedule(organization, schedule.workflow)["parameters"]) if organization else ""


def _local(text: str, zone: str) -> str:
    moment = parse_datetime(text)
    try:
        return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M %z}" if moment else ""
    except (KeyError, ValueError, OSError):
        return text
