"""/api/schema, the OpenAPI document, and /api/docs, which shows it. Neither holds anything of an organization."""

from __future__ import annotations

import json
from functools import cache

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request

from forms_app.openapi import SHAPES as FORM_SHAPES
from workflows_app.alerts.openapi import SHAPES as ALERT_SHAPES
from workflows_app.approvals.openapi import SHAPES as APPROVAL_SHAPES
from workflows_app.audit.openapi import SHAPES as AUDIT_SHAPES
from workflows_app.configuration.openapi import SHAPES as CONFIGURATION_SHAPES
from workflows_app.connections.openapi import SHAPES as CONNECTION_SHAPES
from workflows_app.files.openapi import SHAPES as FILE_SHAPES
from workflows_app.providers.openapi import SHAPES as PROVIDER_SHAPES
from workflows_app.schedules.openapi import SHAPES as SCHEDULE_SHAPES
from workflows_app.shapes import SHAPES
from workflows_app.views import ApiView
from workflows_app.webhooks.openapi import SHAPES as WEBHOOK_SHAPES

ALL_SHAPES = (
    SHAPES,
    ALERT_SHAPES,
    APPROVAL_SHAPES,
    AUDIT_SHAPES,
    CONFIGURATION_SHAPES,
    CONNECTION_SHAPES,
    PROVIDER_SHAPES,
    FILE_SHAPES,
    FORM_SHAPES,
    SCHEDULE_SHAPES,
    WEBHOOK_SHAPES,
)


@cache
def document() -> bytes:
    """The OpenAPI document as JSON, made on first use: it depends on code alone."""
    with patched_settings({"OAS_VERSION": "3.1.0"}):
        generator = SchemaGenerator()  # type: ignore[no-untyped-call]
        found = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    schemas = found["components"].setdefault("schemas", {})
    for shapes in ALL_SHAPES:
        schemas.update(shapes)
    return json.dumps(found, ensure_ascii=False, default=str).encode()


class SchemaView(ApiView):
    authentication_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(document(), content_type="application/json")


class DocsView(SpectacularSwaggerView):
    """Swagger UI, its files served by us."""

    authentication_classes = ()
    http_method_names = ["get", "head"]
    url_name = "api-schema"
    title = "Bifrost API"
