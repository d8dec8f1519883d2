"""What /api/schema says of alerts and notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema

from workflows_app.alerts.models import Alert, Severity
from workflows_app.openapi import ORGANIZATION, REFUSED_BODIES, answered, failed, path, query
from workflows_app.shapes import ID, INTEGER, OBJECT, TEXT, TIME, Shape, nullable, one_of, page_of, ref, shape

SHAPES: Mapping[str, Shape] = {
    "Alert": shape(
        alertId=ID,
        kind=TEXT,
        severity=one_of(*Severity.values),
        title=TEXT,
        message=TEXT,
        details=OBJECT,
        executionId=nullable(ID),
        workflowName=nullable(TEXT),
        count=INTEGER,
        firstRaisedAt=TIME,
        lastRaisedAt=TIME,
        state=one_of(*Alert.State.values),
        acknowledgedAt=nullable(TIME),
        acknowledgedBy=nullable(ref("Person")),
        resolvedAt=nullable(TIME),
        resolvedBy=nullable(ref("Person")),
        deliveries={
            "type": "object",
            "additionalProperties": one_of("waiting", "sent", "failed", "skipped"),
            "description": "By channel: email, webhook.",
        },
    ),
    "AlertPage": page_of("Alert", TEXT),
    "Notice": shape(
        noticeId=ID,
        subject=TEXT,
        message=TEXT,
        executionId=nullable(ID),
        workflowName=nullable(TEXT),
        approvalId=nullable(ID),
        createdAt=TIME,
        readAt=nullable(TIME),
    ),
    "NoticePage": page_of("Notice", TEXT),
}

_HANDLED = {"state": "resolved", "by": "Ada", "at": "2026-11-21T09:12:00.000Z"}
_EMPTY: Shape = {"type": "object", "additionalProperties": False}
_PAGED = [
    query("cursor", "The value of next in the page before."),
    query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
]


def _handling(operation: str, summary: str, description: str) -> dict[str, Any]:
    conflict = failed("Somebody was faster.", "Conflict", "This was already resolved by Ada.", _HANDLED)
    return {
        "operation_id": operation,
        "summary": summary,
        "description": description,
        "parameters": [ORGANIZATION, path("alert_id", "The alert's id.", format="uuid")],
        "request": {"application/json": _EMPTY},
        "responses": {**answered("Alert"), 409: conflict, **REFUSED_BODIES},
    }


list_alerts = extend_schema(
    operation_id="listAlerts",
    summary="Alerts, newest first",
    description="What the MSP's staff have to look at.",
    parameters=[ORGANIZATION, query("state", "Only in this state.", enum=list(Alert.State.values)), *_PAGED],
    responses=answered("AlertPage"),
)
acknowledge = extend_schema(
    **_handling(
        "acknowledgeAlert",
        "Say that somebody looks after an alert",
        "While it is not resolved, raising it again raises its count and sends nothing.",
    )
)
resolve = extend_schema(
    **_handling("resolveAlert", "Say that an alert is over", "Raised again, it is a new alert and is sent again.")
)
list_notices = extend_schema(
    operation_id="listNotices",
    summary="One's own notices, newest first",
    description="What workflows tell the caller, what is to be approved, and what became of own requests.",
    parameters=[
        ORGANIZATION,
        query("unread", "Only those that were not read.", enum=["true", "false"], default="false"),
        *_PAGED,
    ],
    responses=answered("NoticePage"),
)
read_notice = extend_schema(
    operation_id="readNotice",
    summary="Note that a notice was read",
    description="The first time counts.",
    parameters=[ORGANIZATION, path("notice_id", "The notice's id.", format="uuid")],
    request={"application/json": _EMPTY},
    responses={**answered("Notice"), **REFUSED_BODIES},
)
