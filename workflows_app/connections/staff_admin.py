"""The staff's board: the connections of all organizations of a person's scope, and what breaks with each."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from integrations.fleet.models import FleetConnection
from integrations.oauth.admin import LABELS
from integrations.oauth.providers import label_of
from integrations.oauth.words import Status
from orgs.models import Organization, User
from orgs.sites import actor_of, organization_page, staff_site
from orgs.staff import StaffScope
from workflows_app.connections.breaking import with_what_breaks
from workflows_app.dispatch.admin import OrganizationRowsAdmin

_WORST_FIRST = Case(
    When(status=Status.EXPIRED, then=Value(0)),
    When(status=Status.FAILED, then=Value(1)),
    When(status=Status.CONNECTED, then=Value(2)),
    default=Value(3),
    output_field=IntegerField(),
)


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, str(status.label)) for status in Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(status=self.value()) if self.value() in Status.values else queryset


@admin.register(FleetConnection, site=staff_site)
class FleetConnectionAdmin(OrganizationRowsAdmin):
    """One query for the page's rows with all that is told of them. Each leads to the organization's own page."""

    list_display: ClassVar = [
        "organization_name",
        "linked_connection",
        "provider_name",
        "state",
        "ends",
        "problem",
        "breaks",
        "schedules",
    ]
    list_filter: ClassVar = [StatusFilter]
    search_fields: ClassVar = ["name__istartswith"]
    search_help_text = "The beginning of a connection's name."
    ordering: ClassVar[list[str]] = []

    def get_queryset(self, request: HttpRequest) -> QuerySet[FleetConnection]:
        assert isinstance(request.user, User)
        covered = StaffScope.of(request.user, actor_of(request)).organizations()
        rows: QuerySet[FleetConnection] = with_what_breaks(super().get_queryset(request), covered)
        whose: QuerySet[Organization] = QuerySet(Organization).filter(pk=OuterRef("organization"))
        told = {f"of_{name}": Subquery(whose.values(name)) for name in ("name", "org_id", "status")}
        return rows.annotate(**told).order_by(
            _WORST_FIRST, "refreshable", F("expires_at").asc(nulls_last=True), "connection"
        )

    @admin.display(description="Organization")
    def organization_name(self, row: Any) -> str:
        return str(row.of_name)

    @admin.display(description="Connection")
    def linked_connection(self, row: Any) -> str:
        """A closed organization has no pages."""
        if row.of_status != Organization.Status.ACTIVE:
            return str(row.name)
        address = organization_page(row.of_org_id, "admin:integrations_connection_change", row.connection)
        return format_html('<a class="bifrost-link" href="{}">{}</a>', address, row.name)

    @admin.display(description="Provider")
    def provider_name(self, row: FleetConnection) -> str:
        return label_of(row.provider)

    @display(description="Status", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, row: FleetConnection) -> str:
        return str(Status(row.status).label)

    @admin.display(description="Ends")
    def ends(self, row: FleetConnection) -> Any:
        """One that is refreshed by itself has no end that a person has to know."""
        return "renewed by itself" if row.refreshable and row.status == Status.CONNECTED else row.expires_at

    @admin.display(description="Breaks")
    def breaks(self, row: Any) -> str:
        return ", ".join(row.workflows)

    @admin.display(description="By schedule")
    def schedules(self, row: Any) -> str:
        return ", ".join(row.scheduled)
