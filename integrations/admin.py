"""An organization's configs, for the MSP's people. Secrets have no page that shows them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from bifrost.sdk.sanitizing import REDACTED, cut
from integrations.config_values import written
from integrations.configs import delete_config, set_config
from integrations.forms import ConfigForm, is_hidden
from integrations.models import Config
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
    fields: ClassVar = ["key", "type", "text"]
    list_display: ClassVar = ["key", "type", "shown", "updated_at"]
    list_filter: ClassVar = ["type"]
    search_fields: ClassVar = ["key"]

    @admin.display(description="Value")
    def shown(self, config: Config) -> str:
        return REDACTED if is_hidden(config) else str(cut(written(config.value, config.type)))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["key"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Config, form: ConfigForm, change: bool) -> None:
        set_config(organization_of(request), obj.key, form.cleaned_data["value"], obj.type, actor_of(request))
        obj.id = Config.objects.values_list("id", flat=True).get(key=obj.key)
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: Config) -> None:
        delete_config(organization_of(request), obj.key, actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Config]) -> None:
        for key in list(queryset.values_list("key", flat=True)):
            delete_config(organization_of(request), key, actor_of(request))
