"""The staff's pages about one organization's webhooks: their secrets' state, and what was delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST
from unfold.paginator import InfinitePaginator

from bifrost.sdk.errors import WorkflowException
from integrations.errors import VaultUnavailable
from orgs.errors import Denied
from orgs.permissions import MANAGE_EXECUTIONS, MANAGE_SECRETS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.resolver import resolve
from orgs.sites import OrganizationModelAdmin, actor_of, organization_site
from workflows_app.errors import UnknownDelivery, UnknownWebhook, UnknownWorkflow
from workflows_app.models import Webhook, WebhookDelivery
from workflows_app.permissions import require_organization
from workflows_app.timeline import pretty
from workflows_app.webhooks import queries
from workflows_app.webhooks.credentials import LONGEST_OVERLAP, OVERLAP, rotate
from workflows_app.webhooks.redelivering import redeliver


class RotationForm(forms.Form):
    workflow = forms.CharField(max_length=100)
    hours = forms.FloatField(min_value=0, max_value=LONGEST_OVERLAP / timedelta(hours=1))


def organization_of(request: HttpRequest) -> OrganizationRecord:
    return require_organization(resolve(request))


@admin.register(Webhook, site=organization_site)
class WebhookAdmin(OrganizationModelAdmin):
    """One page with all webhooks that the workspace offers, in place of a list of rows."""

    view_permission = VIEW_EXECUTIONS
    rotate_permission = MANAGE_SECRETS

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.rotate_view))
        return [path("rotate/", view, name="workflows_app_webhook_rotate"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        webhooks = queries.list_webhooks(organization_of(request))
        context = {
            **self.admin_site.each_context(request),
            "title": "Webhooks",
            "origin": request.build_absolute_uri("/").rstrip("/"),
            "webhooks": [{**webhook, **_times(webhook, "rotatedAt", "previousUntil")} for webhook in webhooks],
            "may_rotate": self.may(request, self.rotate_permission),
            "hours": int(OVERLAP / timedelta(hours=1)),
            "most_hours": int(LONGEST_OVERLAP / timedelta(hours=1)),
        }
        return TemplateResponse(request, "workflows_app/webhooks.html", context)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A row has no page of its own."""
        return HttpResponseRedirect(_address(self.admin_site.name, "webhook_changelist"))

    def rotate_view(self, request: HttpRequest) -> HttpResponse:
        """Shows the new secret, once; like every page of the site, no cache keeps it."""
        if not self.may(request, self.rotate_permission):
            raise PermissionDenied
        form = RotationForm(request.POST)
        if not form.is_valid():
            self.message_user(request, "Say for how many hours the former secret goes on working.", messages.ERROR)
            return HttpResponseRedirect(_address(self.admin_site.name, "webhook_changelist"))
        organization = organization_of(request)
        try:
            loaded = queries.webhook_of(form.cleaned_data["workflow"])
            hours = timedelta(hours=form.cleaned_data["hours"])
            made = rotate(organization, loaded.spec.name, hours, actor_of(request))
        except (UnknownWebhook, UnknownWorkflow) as missing:
            raise Http404(missing.message) from missing
        except VaultUnavailable as away:
            self.message_user(request, f"Nothing was changed. {away.message}", messages.ERROR)
            return HttpResponseRedirect(_address(self.admin_site.name, "webhook_changelist"))
        origin = request.build_absolute_uri("/").rstrip("/")
        context = {
            **self.admin_site.each_context(request),
            "title": "The new secret",
            "workflow": loaded.spec.name,
            "address": f"{origin}{queries.address(organization, loaded.spec.name)}",
            "rotation": made,
        }
        return TemplateResponse(request, "workflows_app/webhook_secret.html", context)


@admin.register(WebhookDelivery, site=organization_site)
class WebhookDeliveryAdmin(OrganizationModelAdmin):
    """A list without a count, and a page of its own in place of Django's form."""

    view_permission = VIEW_EXECUTIONS
    redeliver_permission = MANAGE_EXECUTIONS
    list_display: ClassVar = ["workflow", "delivery_id", "received_at", "started", "problem"]
    search_fields: ClassVar = ["workflow__startswith", "delivery_id__exact"]
    search_help_text = "The beginning of a workflow's name, or a delivery id."
    ordering: ClassVar = ["-id"]
    sortable_by: ClassVar[list[str]] = []
    list_per_page = 50
    paginator = InfinitePaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        columns = ("id", "workflow", "delivery_id", "received_at", "execution", "problem")
        rows: QuerySet[WebhookDelivery] = super().get_queryset(request).only(*columns)
        return rows

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.redeliver_view))
        name = "workflows_app_webhookdelivery_redeliver"
        return [path("<uuid:delivery_id>/redeliver/", view, name=name), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description="Started", boolean=True)
    def started(self, delivery: WebhookDelivery) -> bool:
        return delivery.execution is not None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            delivery = queries.get_delivery(organization_of(request), UUID(object_id))
        except (ValueError, UnknownDelivery) as missing:
            raise Http404("There is no such delivery.") from missing
        context = {
            **self.admin_site.each_context(request),
            "title": delivery["workflowName"],
            "model_admin": self,
            "delivery": {**delivery, **_times(delivery, "receivedAt")},
            "values": [("Headers", pretty(delivery["headers"])), ("Body", pretty(delivery["body"]))],
            "may_redeliver": delivery["canRedeliver"] and self.may(request, self.redeliver_permission),
        }
        return TemplateResponse(request, "workflows_app/webhook_delivery.html", context)

    def redeliver_view(self, request: HttpRequest, delivery_id: UUID) -> HttpResponse:
        """Delivers once more and leads to the new delivery; where that fails, back to this one."""
        if not self.may(request, self.redeliver_permission):
            raise PermissionDenied
        shown = delivery_id
        try:
            shown = redeliver(organization_of(request), delivery_id, actor_of(request)).delivery_id
            self.message_user(request, "Delivered once more.")
        except UnknownDelivery as missing:
            raise Http404(missing.message) from missing
        except (WorkflowException, Denied) as refused:
            self.message_user(request, refused.message, messages.ERROR)
        return HttpResponseRedirect(_address(self.admin_site.name, "webhookdelivery_change", shown))


def _address(site: str, name: str, *arguments: object) -> str:
    return reverse(f"admin:workflows_app_{name}", args=arguments, current_app=site)


def _times(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: parse_datetime(document[name] or "") for name in names}
