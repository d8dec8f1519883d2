"""The API's doors to webhooks: what there is, new secrets, and what was delivered."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from orgs.permissions import MANAGE_EXECUTIONS, MANAGE_SECRETS, VIEW_EXECUTIONS
from workflows_app.errors import UnknownDelivery
from workflows_app.parsers import query_arguments, read_object, refuse
from workflows_app.permissions import require, require_catalog, require_organization
from workflows_app.responses import answer
from workflows_app.views import UUID_TEXT, ApiView, cursor, number
from workflows_app.webhooks import openapi, queries
from workflows_app.webhooks.credentials import LONGEST_OVERLAP, OVERLAP, rotate
from workflows_app.webhooks.deliveries import NO_DELIVERY
from workflows_app.webhooks.redelivering import redeliver

MOST = 100
MOST_HOURS = int(LONGEST_OVERLAP / timedelta(hours=1))


class WebhooksView(ApiView):
    @openapi.list_webhooks
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require_catalog(self.access.actor)
        query_arguments(request, ())
        return answer({"results": queries.list_webhooks(organization), "next": None})


class RotateView(ApiView):
    @openapi.rotate_webhook
    def post(self, request: Request, workflow: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, MANAGE_SECRETS)
        query_arguments(request, ())
        loaded = queries.webhook_of(workflow)
        made = rotate(organization, loaded.spec.name, overlap_in(request), self.access.actor)
        document = queries.webhook_document(organization, loaded, made.rotated_at, made.previous_until)
        return answer({**document, "secret": made.secret}, headers={"Cache-Control": "no-store"})


class DeliveriesView(ApiView):
    @openapi.list_deliveries
    def get(self, request: Request) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_EXECUTIONS)
        given = query_arguments(request, {"workflow", "cursor", "limit"})
        limit = number(given, "limit", default=50, least=1, most=MOST)
        return answer(queries.list_deliveries(organization, given.get("workflow"), limit, cursor(given)))


class DeliveryView(ApiView):
    @openapi.get_delivery
    def get(self, request: Request, delivery_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        require(self.access.actor, VIEW_EXECUTIONS)
        query_arguments(request, ())
        return answer(queries.get_delivery(organization, delivery_uuid(delivery_id)))


class RedeliverView(ApiView):
    @openapi.redeliver
    def post(self, request: Request, delivery_id: str) -> HttpResponse:
        organization = require_organization(self.access)
        actor = self.access.actor
        require(actor, MANAGE_EXECUTIONS)
        query_arguments(request, ())
        for surplus in read_object(request._request):
            refuse(surplus[:100], "The body takes nothing.")
        made = redeliver(organization, delivery_uuid(delivery_id), actor)
        poll = f"/api/executions/{made.started.execution_id}"
        document = {"executionId": made.started.execution_id, "status": made.started.status, "pollUrl": poll}
        return answer({**document, "webhookDeliveryId": str(made.delivery_id)}, 202, {"Location": poll})


def delivery_uuid(text: str) -> UUID:
    """Raises UnknownDelivery for what is no id, as for one that does not exist."""
    if not UUID_TEXT.fullmatch(text):
        raise UnknownDelivery(NO_DELIVERY)
    return UUID(text)


def overlap_in(request: Request) -> timedelta:
    """How long the former secret goes on working, by the body's overlapHours. Raises ValidationError."""
    body = read_object(request._request)
    for surplus in body.keys() - {"overlapHours"}:
        refuse(surplus[:100], "The body takes overlapHours and nothing else.")
    hours = body.get("overlapHours", OVERLAP / timedelta(hours=1))
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= MOST_HOURS:
        refuse("overlapHours", f"overlapHours has to be a number from 0 to {MOST_HOURS}.")
    return timedelta(hours=hours)
