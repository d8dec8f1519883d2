"""The audit log for the MSP's people: to be read, and by nobody to be changed or deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.paginator import InfinitePaginator

from orgs import directory
from orgs.models import AuditEvent, User
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, PermissionAdmin, actor_of, organization_site, staff_site
from orgs.staff import StaffScope

#: What operations begin with: the kinds of things that people change. What workflows record may be called anything.
AREAS = (
    "approval",
    "audience",
    "config",
    "execution",
    "form",
    "limits",
    "membership",
    "organization",
    "schedule",
    "secret",
    "step",
    "token",
    "user",
    "webhook",
)
ACTORS = ("user", "token", "command", "system", "webhook")
SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}


class WordFilter(admin.SimpleListFilter):
    """By one of a few words: to ask the table which there are would read all of it."""

    words: tuple[str, ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        word = self.value()
        return queryset.filter(self.narrowed(word)) if word in self.words else queryset

    def narrowed(self, word: str) -> Q:
        raise NotImplementedError


class AreaFilter(WordFilter):
    title = "what"
    parameter_name = "what"
    words = AREAS

    def narrowed(self, word: str) -> Q:
        return Q(operation__startswith=f"{word}.")


class ActorFilter(WordFilter):
    title = "kind of actor"
    parameter_name = "actor"
    words = ACTORS

    def narrowed(self, word: str) -> Q:
        return Q(actor_kind=word)


class TimeFilter(WordFilter):
    title = "when"
    parameter_name = "when"
    words = tuple(SPANS)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, f"in the last {word}") for word in self.words]

    def narrowed(self, word: str) -> Q:
        return Q(at__gte=timezone.now() - SPANS[word])


class EventAdmin(PermissionAdmin):
    """Newest first, without a count. It names no permission to change anything, so nobody has one."""

    view_permission = VIEW_ORGANIZATIONS
    list_filter: ClassVar = [AreaFilter, ActorFilter, TimeFilter]
    search_fields: ClassVar = ["operation__startswith", "actor_email__startswith", "object_id__startswith"]
    search_help_text = "The beginning of an operation, of an actor's address, or of the id of what was changed."
    ordering: ClassVar = ["-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["at", "operation", "actor", "actor_kind", "actor_id", "changed", "shown_metadata", "execution"]

    @admin.display(description="Actor")
    def actor(self, event: AuditEvent) -> str:
        return event.actor_email or event.actor_name

    @admin.display(description="Object")
    def changed(self, event: AuditEvent) -> str:
        return f"{event.object_kind} {event.object_id}".strip()

    @admin.display(description="Metadata")
    def shown_metadata(self, event: AuditEvent) -> str:
        text = json.dumps(event.metadata, indent=2, ensure_ascii=False)
        return format_html('<pre class="bifrost-value">{}</pre>', text)


@admin.register(AuditEvent, site=staff_site)
class StaffEventAdmin(EventAdmin):
    """Those of the organizations in the person's scope; of the platform as a whole for those who manage its staff."""

    list_display: ClassVar = ["at", "organization_name", "operation", "actor", "changed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        assert isinstance(request.user, User)
        scope = StaffScope.of(request.user, actor_of(request))
        seen = Q(organization__in=scope.organizations().values("id"))
        if scope.staff_too:
            seen |= Q(organization=None)
        rows: QuerySet[AuditEvent] = super().get_queryset(request)
        return rows.filter(seen)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["organization_name", *super().get_fields(request, obj)]

    @admin.display(description="Organization", empty_value="the platform")
    def organization_name(self, event: AuditEvent) -> str | None:
        found = directory.organization_by_id(event.organization) if event.organization else None
        return found.name if found else None


@admin.register(AuditEvent, site=organization_site)
class OrganizationEventAdmin(EventAdmin, OrganizationModelAdmin):
    """The table is shared: every query here is narrowed to the page's organization."""

    list_display: ClassVar = ["at", "operation", "actor", "changed"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        organization = resolve(request).organization
        assert organization is not None  # organization_site lets nobody in without one
        rows: QuerySet[AuditEvent] = super().get_queryset(request)
        return rows.filter(organization=organization.id)
