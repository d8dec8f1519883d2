"""The API's doors to an organization's schedules."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from workflows_app.parsers import query_arguments, read_object
from workflows_app.permissions import require_organization
from workflows_app.responses import answer
from workflows_app.schedules import openapi, queries, settling
from workflows_app.schedules.requests import read_wish, require_manage, require_view
from workflows_app.views import ApiView


class SchedulesView(ApiView):
    @openapi.list_schedules
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require_view(self.access.actor)
        query_arguments(request, ())
        return answer({"results": queries.list_schedules(organization), "next": None})


class ScheduleView(ApiView):
    @openapi.get_schedule
    def get(self, request: Request, workflow: str) -> HttpResponse:
        organization = require_organization(self.access)
        require_view(self.access.actor)
        query_arguments(request, ())
        return answer(queries.get_schedule(organization, workflow))

    @openapi.put_schedule
    def put(self, request: Request, workflow: str) -> HttpResponse:
        organization = require_organization(self.access)
        require_manage(self.access.actor)
        query_arguments(request, ())
        settling.settle(organization, workflow, read_wish(read_object(request._request)), self.access.actor)
        return answer(queries.get_schedule(organization, workflow))

    @openapi.delete_schedule
    def delete(self, request: Request, workflow: str) -> HttpResponse:
        organization = require_organization(self.access)
        require_manage(self.access.actor)
        query_arguments(request, ())
        settling.remove(organization, workflow, self.access.actor)
        return HttpResponse(status=204)
