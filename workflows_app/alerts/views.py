"""The API's doors to alerts, and to one's own notices."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from orgs.permissions import MANAGE_EXECUTIONS, VIEW_EXECUTIONS
from workflows_app.alerts import handling, openapi, queries
from workflows_app.alerts.handling import NO_ALERT
from workflows_app.alerts.models import Alert
from workflows_app.alerts.notices import NO_NOTICE, mark_read
from workflows_app.errors import UnknownAlert, UnknownNotice
from workflows_app.parsers import query_arguments, read_object, refuse
from workflows_app.permissions import require, require_organization
from workflows_app.responses import answer
from workflows_app.views import UUID_TEXT, ApiView, cursor, number

MOST = 100


class AlertsView(ApiView):
    @openapi.list_alerts
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_EXECUTIONS)
        given = query_arguments(request, {"state", "cursor", "limit"})
        state = given.get("state")
        if state is not None and state not in Alert.State.values:
            refuse("state", f"state has to be one of {', '.join(Alert.State.values)}.")
        limit = number(given, "limit", default=50, least=1, most=MOST)
        return answer(queries.list_alerts(organization, state, limit, cursor(given)))


class AcknowledgeView(ApiView):
    @openapi.acknowledge
    def post(self, request: Request, alert_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_EXECUTIONS)
        nothing_in(request)
        alert = alert_uuid(alert_id)
        handling.acknowledge(organization, alert, self.access.actor)
        return answer(queries.get_alert(organization, alert))


class ResolveView(ApiView):
    @openapi.resolve
    def post(self, request: Request, alert_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_EXECUTIONS)
        nothing_in(request)
        alert = alert_uuid(alert_id)
        handling.resolve(organization, alert, self.access.actor)
        return answer(queries.get_alert(organization, alert))


class NoticesView(ApiView):
    @openapi.list_notices
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        given = query_arguments(request, {"unread", "cursor", "limit"})
        if given.get("unread", "false") not in {"true", "false"}:
            refuse("unread", "unread has to be true or false.")
        limit = number(given, "limit", default=50, least=1, most=MOST)
        unread = given.get("unread") == "true"
        return answer(queries.list_notices(organization, self.access.actor, limit, cursor(given), unread=unread))


class ReadNoticeView(ApiView):
    @openapi.read_notice
    def post(self, request: Request, notice_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        nothing_in(request)
        if not UUID_TEXT.fullmatch(notice_id):
            raise UnknownNotice(NO_NOTICE)
        notice = UUID(notice_id)
        mark_read(organization, notice, self.access.actor)
        return answer(queries.get_notice(organization, notice, self.access.actor))


def alert_uuid(text: str) -> UUID:
    """Raises UnknownAlert for what is no id, as for one that does not exist."""
    if not UUID_TEXT.fullmatch(text):
        raise UnknownAlert(NO_ALERT)
    return UUID(text)


def nothing_in(request: Request) -> None:
    """Raises ValidationError where the request says anything: there is nothing to be said."""
    query_arguments(request, ())
    for surplus in read_object(request._request):
        refuse(surplus[:100], "The body takes nothing.")
