"""The staff's pages about one organization's forms: a list, and the builder in place of Django's own form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from forms_app.builder.new_pages import new_page
from forms_app.builder.pages import build_page
from forms_app.builder.preview import preview_page
from forms_app.builder.settings_page import settings_page
from forms_app.builder.version_pages import export_page, versions_page
from forms_app.models import Form
from orgs.permissions import MANAGE_FORMS
from orgs.sites import OrganizationModelAdmin, organization_site

Page = Callable[[HttpRequest, UUID], HttpResponse]
STATES = {"published": "success", "draft": "warning"}


@admin.register(Form, site=organization_site)
class FormAdmin(OrganizationModelAdmin):
    change_permission = MANAGE_FORMS
    list_display: ClassVar = ["name", "category", "workflow", "state", "shown_to", "version", "changed_at"]
    list_filter: ClassVar = ["published"]
    search_fields: ClassVar = ["name", "slug", "workflow"]
    ordering: ClassVar = ["category", "name"]

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "preview": preview_page,
            "settings": settings_page,
            "versions": versions_page,
            "export": export_page,
        }
        own = [
            path(f"<uuid:form_id>/{name}/", self._view(page), name=f"forms_app_form_{name}")
            for name, page in pages.items()
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Form]:
        rows: QuerySet[Form] = super().get_queryset(request)
        return rows.defer("description")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._require(request)
        return new_page(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._require(request)
        try:
            form_id = UUID(object_id)
        except ValueError:
            raise Http404(object_id) from None
        return build_page(request, form_id)

    @display(description=_("State"), label=STATES)  # type: ignore[untyped-decorator]
    def state(self, form: Form) -> str:
        return "published" if form.published else "draft"

    @admin.display(description=_("For"))
    def shown_to(self, form: Form) -> str:
        """Whom it is for, in a few words."""
        shared = form.shared_all or form.shared_tags or form.shared_organizations
        words = [*form.roles, *([_("groups")] if form.groups else []), *([_("customers")] if shared else [])]
        return ", ".join(map(str, words)) or str(_("everybody"))

    def _view(self, page: Page) -> Callable[..., HttpResponse]:
        def view(request: HttpRequest, form_id: UUID) -> HttpResponse:
            self._require(request)
            return page(request, form_id)

        wrapped: Callable[..., HttpResponse] = self.admin_site.admin_view(view)
        return wrapped

    def _require(self, request: HttpRequest) -> None:
        if not self.has_change_permission(request):
            raise PermissionDenied
