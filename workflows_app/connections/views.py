"""The API's door to an organization's connections. They are read there, and nothing else."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from orgs.permissions import VIEW_CONFIG
from workflows_app.connections import openapi, queries
from workflows_app.parsers import query_arguments
from workflows_app.permissions import require, require_organization
from workflows_app.responses import answer
from workflows_app.views import ApiView


class ConnectionsView(ApiView):
    @openapi.list_connections
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_CONFIG)
        query_arguments(request, ())
        return answer({"results": queries.list_connections(organization), "next": None})
