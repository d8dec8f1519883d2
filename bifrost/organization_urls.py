"""The pages of one organization, under `/o/<org_id>/` or at a host name of its own."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from integrations.secret_pages import secrets_page
from orgs.sites import organization_site
from workflows_app.live.door import live_execution
from workflows_app.providers.pages import providers_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/secrets/", organization_site.admin_view(secrets_page), name="organization-secrets"),
    path("admin/data-providers/", organization_site.admin_view(providers_page), name="organization-data-providers"),
    path("admin/", organization_site.urls),
    path("live/executions/<str:execution_id>", live_execution, name="live-execution"),
    path("", include("forms_app.portal.urls")),
]
