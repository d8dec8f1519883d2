from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from bifrost.health import HealthView
from bifrost.schema import DocsView, SchemaView
from integrations.oauth.views import lead_back
from orgs.sites import staff_site
from workflows_app.metrics.views import MetricsView
from workflows_app.pages import show_workflows
from workflows_app.responses import unknown_route

handler400 = "workflows_app.responses.bad_request"
handler500 = "workflows_app.responses.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/health", HealthView.as_view(), name="api-health"),
    path("api/schema", SchemaView.as_view(), name="api-schema"),
    path("api/docs", DocsView.as_view(), name="api-docs"),
    path("api/", include("workflows_app.urls")),
    path("api/", include("forms_app.urls")),
    re_path(r"^api(?:/|$)", unknown_route),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("webhooks", include("workflows_app.webhooks.urls")),
    path("oauth/callback", lead_back, name="oauth-callback"),
    path("admin/workflows/", staff_site.admin_view(show_workflows), name="staff-workflows"),
    path("admin/", staff_site.urls),
    re_path(r"^(?:admin)?$", RedirectView.as_view(pattern_name="admin:index")),
]
