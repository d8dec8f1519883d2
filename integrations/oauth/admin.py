"""An organization's connections, for the MSP's people. No page shows what is secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Model, OuterRef, QuerySet
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from bifrost.sdk.errors import ValidationError, WorkflowException
from integrations.fleet.models import ConnectionUse
from integrations.oauth import connections, fleet, signing_in
from integrations.oauth.asking import CODE
from integrations.oauth.forms import ConnectionForm, provider_of
from integrations.oauth.models import Connection
from integrations.oauth.providers import PROVIDERS, Provider, label_of
from integrations.oauth.words import LIVING, Grant, Status
from orgs.permissions import MANAGE_CONNECTIONS, VIEW_CONFIG
from orgs.records import OrganizationRecord
from orgs.resolver import organization_of_host, resolve
from orgs.sites import OrganizationModelAdmin, actor_of, organization_site

LABELS = {
    str(Status.NEW.label): "info",
    str(Status.CONNECTED.label): "success",
    str(Status.EXPIRED.label): "danger",
    str(Status.FAILED.label): "warning",
    str(Status.DISCONNECTED.label): "info",
}
CALLBACK = "/oauth/callback"


def organization_of(request: HttpRequest) -> OrganizationRecord:
    """The organization whose page this is; organization_site lets nobody in without one."""
    organization = resolve(request).organization
    assert organization is not None
    return organization


def callback_address(request: HttpRequest) -> str:
    """The one for all organizations: what is registered at providers."""
    origin: str = settings.ALERTS["public_url"] or f"{request.scheme}://{request.get_host()}"
    return origin.rstrip("/") + CALLBACK


@admin.register(Connection, site=organization_site)
class ConnectionAdmin(OrganizationModelAdmin):
    """Writes through `connections`. A connection has a page that says how it is; its settings have another."""

    view_permission = VIEW_CONFIG
    change_permission = MANAGE_CONNECTIONS
    change_form_before_template = "integrations/connection_form_before.html"
    list_display: ClassVar = ["name", "provider_name", "state", "expires_at", "used_by", "last_error"]
    sortable_by: ClassVar[list[str]] = []
    search_fields: ClassVar = ["name"]

    # --- the list ----------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """With the names of the workflows that have used it lately; of a shared one, whosever they are."""
        organization = organization_of(request)
        uses = ConnectionUse.objects.filter(
            connection=OuterRef("id"), last_used_at__gt=Now() - timedelta(days=fleet.USED_DAYS)
        )
        if not organization.is_msp:
            uses = uses.filter(organization=organization.id)
        rows: QuerySet[Connection] = super().get_queryset(request)
        return rows.annotate(workflows=ArraySubquery(uses.order_by("workflow").values("workflow").distinct()))

    @admin.display(description="Provider")
    def provider_name(self, connection: Connection) -> str:
        return label_of(connection.provider)

    @display(description="Status", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, connection: Connection) -> str:
        return str(Status(connection.status).label)

    @admin.display(description="Used by")
    def used_by(self, connection: Any) -> str:
        return ", ".join(connection.workflows)

    # --- the forms ---------------------------------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        named = {"organization": organization_of(request), "provider": self._provider(request, obj)}
        kwargs["form"] = type("ConnectionForm", (ConnectionForm,), named)
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        follow = obj is None and self._provider(request, obj).asks_for_base
        addresses = ["base"] if follow else ["authorize_url", "token_url", "client_authentication"]
        shared = ["shared"] if organization_of(request).is_msp else []
        return ["name", "grant", "client_id", "secret", *addresses, "scopes", "more", *shared]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the provider, then its fields."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.GET.get("provider") not in PROVIDERS:
            return self._page(
                request, "integrations/connection_providers.html", "Add a connection", {"providers": PROVIDERS.values()}
            )
        return self._saved(
            request, lambda: super(ConnectionAdmin, self).add_view(request, form_url, self._told(request, None))
        )

    def settings_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        found = self._found(request, connection_id, self.change_permission)
        return self._saved(
            request,
            lambda: super(ConnectionAdmin, self).change_view(request, str(found.id), "", self._told(request, found)),
        )

    def save_model(self, request: HttpRequest, obj: Connection, form: ConnectionForm, change: bool) -> None:
        organization, actor, cleaned = organization_of(request), actor_of(request), form.cleaned_data
        values = {name: cleaned[name] for name in connections.SETTABLE if name in cleaned}
        if change:
            connections.change(organization, obj.id, values, cleaned["secret"], actor)
        else:
            obj.id = connections.create(organization, values, cleaned["secret"], actor)
            obj._state.adding = False

    def response_post_save_add(self, request: HttpRequest, obj: Connection) -> HttpResponse:
        return self._to(obj.id)

    def response_post_save_change(self, request: HttpRequest, obj: Connection) -> HttpResponse:
        return self._to(obj.id)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_change_permission(request, obj)

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        connections.delete(organization_of(request), obj.id, actor_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for id_ in list(queryset.values_list("id", flat=True)):
            connections.delete(organization_of(request), id_, actor_of(request))

    # --- one connection ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, view: Callable[..., HttpResponse], name: str) -> URLPattern:
            one: URLPattern = path(address, self.admin_site.admin_view(view), name=f"integrations_connection_{name}")
            return one

        return [
            page("callback/", self.callback_view, "callback"),
            page("<uuid:connection_id>/settings/", self.settings_view, "settings"),
            page("<uuid:connection_id>/connect/", require_POST(self.connect_view), "connect"),
            page("<uuid:connection_id>/test/", require_POST(self.test_view), "test"),
            page("<uuid:connection_id>/disconnect/", require_POST(self.disconnect_view), "disconnect"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How it is, and what can be done about it."""
        try:
            found: Any = self._found(request, UUID(object_id), "")
        except ValueError as bad:
            raise Http404(connections.NO_CONNECTION) from bad
        return self._page(
            request,
            "integrations/connection.html",
            found.name,
            {
                "connection": found,
                "provider": label_of(found.provider),
                "status": Status(found.status),
                "label": LABELS[Status(found.status).label],
                "grant": Grant(found.grant).label,
                "signs_in": found.grant == Grant.CODE,
                "lives": found.status in LIVING,
                "was_connected": found.connected_at is not None,
                "callback": callback_address(request),
                "may_change": self.has_change_permission(request),
            },
        )

    def connect_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        """Sends a person to the provider's page, or signs the application in."""
        found = self._found(request, connection_id, self.change_permission)
        organization, actor = organization_of(request), actor_of(request)
        if found.grant == Grant.CLIENT:
            return self._tried(request, found.id, lambda: connections.connect_client(organization, found.id, actor))
        if organization_of_host(request) is not None:
            elsewhere = ValidationError("The provider leads back to the platform's own address. Open this page there.")
            return self._tried(request, found.id, lambda: _raised(elsewhere))
        address: list[str] = []

        def begin() -> str:
            session, back = _session(request), callback_address(request)
            address.append(signing_in.begin(organization, found.id, actor, session, back))
            return ""

        answer = self._tried(request, found.id, begin)
        return HttpResponseRedirect(address[0]) if address else answer

    def callback_view(self, request: HttpRequest) -> HttpResponse:
        """A person is back from the provider's page."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        organization, actor, session = organization_of(request), actor_of(request), _session(request)
        state, code = request.GET.get("state", ""), request.GET.get("code", "")
        try:
            if not code:
                error = request.GET.get("error", "")
                connection = signing_in.give_up(organization, state, error, actor, session)
                self.message_user(request, _not_given(request.GET), messages.ERROR)
                return self._to(connection)
            connection = signing_in.finish(organization, state, code, actor, session)
        except WorkflowException as refused:
            self.message_user(request, f"It was not connected. {refused.message}", messages.ERROR)
            return HttpResponseRedirect(self._address("changelist"))
        self.message_user(request, "Connected.")
        return self._to(connection)

    def test_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        found = self._found(request, connection_id, self.change_permission)
        return self._tried(request, found.id, lambda: connections.test(organization_of(request), found.id))

    def disconnect_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        found = self._found(request, connection_id, self.change_permission)

        def disconnect() -> str:
            connections.disconnect(organization_of(request), found.id, actor_of(request))
            return "Disconnected. Its tokens and its client secret are deleted here; revoke them at the provider, too."

        return self._tried(request, found.id, disconnect)

    def _tried(self, request: HttpRequest, connection: UUID, act: Callable[[], str]) -> HttpResponse:
        """Does it, says what came of it, and leads back to the connection's page."""
        try:
            if said := act():
                self.message_user(request, said)
        except WorkflowException as refused:
            self.message_user(request, refused.message, messages.ERROR)
        return self._to(connection)

    def _saved(self, request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
        try:
            return view()
        except WorkflowException as refused:
            self.message_user(request, f"Nothing was changed. {refused.message}", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def _found(self, request: HttpRequest, connection: UUID, permission: str) -> Connection:
        """Raises PermissionDenied, Http404."""
        if not (self.may(request, permission) if permission else self.has_view_permission(request)):
            raise PermissionDenied
        found: Connection | None = self.get_queryset(request).filter(id=connection).first()
        if found is None:
            raise Http404(connections.NO_CONNECTION)
        return found

    def _provider(self, request: HttpRequest, obj: Model | None) -> Provider:
        return provider_of(obj.provider if isinstance(obj, Connection) else request.GET.get("provider", ""))

    def _told(self, request: HttpRequest, obj: Connection | None) -> dict[str, Any]:
        """What stands above the form."""
        return {"provider": self._provider(request, obj), "callback": callback_address(request)}

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        shown = {**self.admin_site.each_context(request), "title": title, "model_admin": self, **context}
        return TemplateResponse(request, template, shown)

    def _to(self, connection: UUID) -> HttpResponse:
        return HttpResponseRedirect(self._address("change", connection))

    def _address(self, name: str, *arguments: object) -> str:
        return reverse(f"admin:integrations_connection_{name}", args=arguments, current_app=self.admin_site.name)


def _session(request: HttpRequest) -> str:
    """The browser's, which outlives no sign-out."""
    return request.session.session_key or ""


def _raised(error: Exception) -> str:
    raise error


def _not_given(answer: Any) -> str:
    """The provider's own word for why, if it is one."""
    word = answer.get("error", "")
    known = word if CODE.fullmatch(word) else "no reason given"
    return f"The provider did not connect it ({known}). Nothing was changed."
