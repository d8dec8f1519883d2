"""What /api/schema says of webhooks. The address that senders call is described in docs/webhooks.md."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from workflows_app.models import Status
from workflows_app.openapi import ORGANIZATION, REFUSED_BODIES, answer_header, answered, failed, path, query
from workflows_app.shapes import (
    ANYTHING,
    BOOLEAN,
    ID,
    OBJECT,
    TEXT,
    TIME,
    Shape,
    nullable,
    one_of,
    page_of,
    ref,
    shape,
)

_WEBHOOK: Mapping[str, Shape] = {
    "workflowName": TEXT,
    "url": TEXT,
    "secretRequired": BOOLEAN,
    "hasSecret": BOOLEAN,
    "rotatedAt": nullable(TIME),
    "previousUntil": nullable(TIME),
}
_DELIVERY: Mapping[str, Shape] = {
    "webhookDeliveryId": ID,
    "deliveryId": TEXT,
    "workflowName": TEXT,
    "executionId": nullable(ID),
    "redeliveryOf": nullable(ID),
    "receivedAt": TIME,
    "problem": nullable(TEXT),
}
SHAPES: Mapping[str, Shape] = {
    "Webhook": shape(**_WEBHOOK),
    "WebhookPage": page_of("Webhook", TEXT),
    "RotatedWebhook": shape(**_WEBHOOK, secret={**TEXT, "description": "Shown this once."}),
    "WebhookDeliverySummary": shape(**_DELIVERY),
    "WebhookDeliveryPage": page_of("WebhookDeliverySummary", TEXT),
    "WebhookDelivery": shape(
        **_DELIVERY,
        headers={**OBJECT, "description": "Without credentials."},
        body={**ANYTHING, "description": "Redacted and cut; null where it could not be read."},
        canRedeliver=BOOLEAN,
    ),
    "Redelivered": shape(
        executionId=ID,
        status=one_of(Status.QUEUED, Status.PENDING_APPROVAL),
        pollUrl=TEXT,
        webhookDeliveryId=ID,
    ),
}

THE_DELIVERY = path("delivery_id", "The delivery's id.", format="uuid")
_OVERLAP: Shape = {
    "type": "object",
    "properties": {"overlapHours": {"type": "number", "minimum": 0, "maximum": 720, "default": 24}},
    "additionalProperties": False,
}

list_webhooks = extend_schema(
    operation_id="listWebhooks",
    summary="Webhooks, and the state of their secrets",
    description="All workflows that can be started by a webhook, by name.",
    parameters=[ORGANIZATION],
    responses=answered("WebhookPage"),
)
rotate_webhook = extend_schema(
    operation_id="rotateWebhook",
    summary="A new secret for a webhook",
    description="It is shown in this answer and never again. The one before works for overlapHours longer.",
    parameters=[ORGANIZATION, path("workflow", "The workflow's name.")],
    request={"application/json": OpenApiRequest(_OVERLAP, examples=[OpenApiExample("overlap", {"overlapHours": 24})])},
    responses={**answered("RotatedWebhook"), **REFUSED_BODIES},
)
list_deliveries = extend_schema(
    operation_id="listWebhookDeliveries",
    summary="Deliveries, newest first",
    description="Calls that proved themselves, whether they started something or not.",
    parameters=[
        ORGANIZATION,
        query("workflow", "Only of this workflow."),
        query("cursor", "The value of next in the page before."),
        query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
    ],
    responses=answered("WebhookDeliveryPage"),
)
get_delivery = extend_schema(
    operation_id="getWebhookDelivery",
    summary="A delivery with its headers and body",
    description="Long texts and lists are cut and secrets redacted.",
    parameters=[ORGANIZATION, THE_DELIVERY],
    responses=answered("WebhookDelivery"),
)


def _without_ok(responses: Mapping[int, OpenApiResponse]) -> dict[int, OpenApiResponse]:
    return {code: response for code, response in responses.items() if code != 200}


redeliver = extend_schema(
    operation_id="redeliverWebhook",
    summary="Deliver once more",
    description="A new delivery with the same content, and a new execution.",
    parameters=[ORGANIZATION, THE_DELIVERY, answer_header("Location", "Where to ask for the execution.", 202)],
    request=None,
    responses={
        202: OpenApiResponse(ref("Redelivered"), "The new execution waits."),
        **_without_ok(answered("Redelivered")),
        **REFUSED_BODIES,
        409: failed("Its raw body was not kept.", "Conflict", "The raw body was not kept."),
    },
)
