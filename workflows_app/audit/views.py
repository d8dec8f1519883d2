"""The API's door to the audit log. It is read there, and nothing else."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from orgs.permissions import MANAGE_MEMBERS
from workflows_app.audit import openapi, queries
from workflows_app.parsers import query_arguments
from workflows_app.permissions import require, require_organization
from workflows_app.responses import answer
from workflows_app.views import ApiView, cursor, number

MOST = 100


class AuditView(ApiView):
    @openapi.list_audit_events
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_MEMBERS)
        given = query_arguments(request, {"operation", "cursor", "limit"})
        limit = number(given, "limit", default=50, least=1, most=MOST)
        return answer(queries.list_events(organization, given.get("operation"), limit, cursor(given)))
