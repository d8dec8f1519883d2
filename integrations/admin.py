"""An organization's configs and circuits, for the MSP's people. Secrets have no page that shows them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.decorators import action, display

from bifrost.sdk.sanitizing import REDACTED, cut
from integrations import breakers
from integrations.config_values import written
from integrations.configs import delete_config, set_config, snapshot
from integrations.forms import ConfigForm, is_hidden
from integrations.holding import rows
from integrations.models import CircuitBreaker, Config
from integrations.oauth import admin as connections_admin  # noqa: F401  registers the pages of connections
from orgs.permissions import MANAGE_CONFIG, VIEW_CONFIG
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, actor_of, organization_site


def organization_of(request: HttpRequest) -> OrganizationRecord:
    """The organization whose page this is; organization_site lets nobody in without one."""
    organization = resolve(request).organization
    assert organization is not None
    return organization


@admin.register(Config, site=organization_site)
class ConfigAdmin(OrganizationModelAdmin):
    """Writes through `configs`, which raises the version that runs go by."""

    view_permission = VIEW_CONFIG
    change_permission = MANAGE_CONFIG
    form = ConfigForm
    list_display: ClassVar = ["__str__", "type", "shown", "updated_at"]
    list_filter: ClassVar = ["type"]
    search_fields: ClassVar = ["key", "tag"]
    actions_list: ClassVar = ["what_holds"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Whoever could compare values would find out those that are not shown."""
        return not lookup.startswith("value") and super().lookup_allowed(lookup, value, request)

    @admin.display(description="Value")
    def shown(self, config: Config) -> str:
        return REDACTED if is_hidden(config) else str(cut(written(config.value, config.type)))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Only the MSP's organization has defaults for tags."""
        return ["key", *(["tag"] if organization_of(request).is_msp else []), "type", "text"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["key", "tag"] if obj else []

    @action(description="What holds, and why", url_path="values")  # type: ignore[untyped-decorator]
    def what_holds(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        organization = organization_of(request)
        context = {
            **self.admin_site.each_context(request),
            "title": "Configs",
            "tags": organization.tags,
            "values": rows(snapshot(organization)),
        }
        return TemplateResponse(request, "integrations/config_values.html", context)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Config, form: ConfigForm, change: bool) -> None:
        value = form.cleaned_data["value"]
        set_config(organization_of(request), obj.key, value, obj.type, actor_of(request), obj.tag)
        obj.id = Config.objects.values_list("id", flat=True).get(key=obj.key, tag=obj.tag)
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: Config) -> None:
        delete_config(organization_of(request), obj.key, actor_of(request), obj.tag)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        for key, tag in list(queryset.values_list("key", "tag")):
            delete_config(organization_of(request), key, actor_of(request), tag)


STATE_LABELS = {
    CircuitBreaker.State.CLOSED: "success",
    CircuitBreaker.State.OPEN: "danger",
    CircuitBreaker.State.HALF_OPEN: "warning",
}


@admin.register(CircuitBreaker, site=organization_site)
class CircuitBreakerAdmin(OrganizationModelAdmin):
    """Which outside services have failed, and are not asked for a while. A person may close a circuit, nothing else."""

    view_permission = VIEW_CONFIG
    change_permission = MANAGE_CONFIG
    fields: ClassVar = ["service", "state", "until", "reason", "changed_at"]
    list_display: ClassVar = ["service", "shown_state", "until", "reason", "changed_at"]
    list_display_links: ClassVar[list[str] | None] = None
    list_filter: ClassVar = ["state"]
    sortable_by: ClassVar[list[str]] = []
    actions: ClassVar = ["close_circuit"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, self.view_permission)

    @display(description="State", label=STATE_LABELS)  # type: ignore[untyped-decorator]
    def shown_state(self, breaker: CircuitBreaker) -> str:
        return breaker.state

    @admin.action(description="Close the circuit: the service is asked again", permissions=["change"])
    def close_circuit(self, request: HttpRequest, queryset: QuerySet[CircuitBreaker]) -> None:
        closed = breakers.close(
            organization_of(request), *queryset.values_list("service", flat=True), actor=actor_of(request)
        )
        self.message_user(request, f"{closed} closed.")
