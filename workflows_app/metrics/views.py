"""GET /metrics: all processes' figures, for whoever has the one token that is for this alone."""

from __future__ import annotations

from hmac import compare_digest

from django.conf import settings
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from orgs.errors import Unauthenticated
from workflows_app.metrics.exposition import CONTENT_TYPE, text_of
from workflows_app.metrics.keeping import flush, kept
from workflows_app.metrics.standing import standing
from workflows_app.views import ApiView


class MetricsView(ApiView):
    """Tokens of organizations and of people mean nothing here, and this one means nothing elsewhere."""

    authentication_classes = ()
    http_method_names = ["get", "head"]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        _require_token(request)
        flush()
        return HttpResponse(text_of(kept(), standing()), content_type=CONTENT_TYPE)


def _require_token(request: Request) -> None:
    expected: str = settings.METRICS_TOKEN
    if not expected:
        raise Http404
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), expected.encode()):
        raise Unauthenticated("Give the token of the metrics (Authorization: Bearer <token>).")
