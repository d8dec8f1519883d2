"""What /api/schema says of schedules."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from workflows_app.dispatch.models import Missed, Overlap
from workflows_app.models import ScheduleRun
from workflows_app.openapi import ORGANIZATION, answered, failed, path
from workflows_app.shapes import (
    BOOLEAN,
    ID,
    OBJECT,
    TEXT,
    TIME,
    Shape,
    listed,
    nullable,
    one_of,
    page_of,
    ref,
    shape,
)

_SCHEDULE: Mapping[str, Shape] = {
    "workflow": TEXT,
    "enabled": BOOLEAN,
    "cron": nullable({**TEXT, "description": "As it holds; null where the workflow is not in the workspace."}),
    "timezone": TEXT,
    "overrides": shape(cron=nullable(TEXT), timezone=nullable(TEXT)),
    "overlap": one_of(*Overlap.values),
    "missed": one_of(*Missed.values),
    "pausedUntil": nullable(TIME),
    "nextRun": nullable(TIME),
    "lastRun": nullable(TIME),
    "problem": nullable(TEXT),
    "byAudience": {**BOOLEAN, "description": "Enabled for a tag or for all, not set by the organization itself."},
}
SHAPES: Mapping[str, Shape] = {
    "ScheduleSummary": shape(**_SCHEDULE),
    "SchedulePage": page_of("ScheduleSummary", TEXT),
    "Schedule": shape(
        **_SCHEDULE,
        preview=listed(ref("ScheduleTime")),
        parameters=OBJECT,
        history=listed(ref("ScheduleRun")),
    ),
    "ScheduleTime": shape(at=TIME, local={**TIME, "description": "As the schedule's clock shows it."}),
    "ScheduleRun": shape(
        plannedAt=TIME,
        outcome=one_of(*ScheduleRun.Outcome.values),
        reason=nullable(TEXT),
        executionId=nullable(ID),
        recordedAt=TIME,
    ),
}
_WISH: Shape = {
    "type": "object",
    "properties": {
        "enabled": BOOLEAN,
        "cron": nullable({**TEXT, "maxLength": 100}),
        "timezone": nullable({**TEXT, "maxLength": 64}),
        "overlap": one_of(*Overlap.values),
        "missed": one_of(*Missed.values),
        "pausedUntil": nullable(TIME),
        "parameters": OBJECT,
    },
    "additionalProperties": False,
}
_EXAMPLE = {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin", "overlap": "skip", "parameters": {}}
THE_WORKFLOW = path("workflow", "The workflow's name.")

list_schedules = extend_schema(
    operation_id="listSchedules",
    summary="Schedules of an organization",
    description="By workflow: those that it has set itself, and those of audiences that cover it.",
    parameters=[ORGANIZATION],
    responses=answered("SchedulePage"),
)
get_schedule = extend_schema(
    operation_id="getSchedule",
    summary="A schedule, its next ten runs and its last fifty planned times",
    description="Secrets in the parameters are redacted.",
    parameters=[ORGANIZATION, THE_WORKFLOW],
    responses=answered("Schedule"),
)
put_schedule = extend_schema(
    operation_id="putSchedule",
    summary="Set a schedule",
    description="What is left out stays as it is; in a new schedule it is the default. A cron or time zone of null is "
    "the workflow's and the organization's. REDACTED, where a secret was shown so, keeps the secret.",
    parameters=[ORGANIZATION, THE_WORKFLOW],
    request={"application/json": OpenApiRequest(_WISH, examples=[OpenApiExample("weekdays", _EXAMPLE)])},
    responses={
        **answered("Schedule"),
        413: failed("The body is too large.", "PayloadTooLarge", "The body is larger than 1,000,000 bytes."),
        415: failed("The body is not JSON.", "UnsupportedMediaType", "Send Content-Type: application/json."),
    },
)
delete_schedule = extend_schema(
    operation_id="deleteSchedule",
    summary="Remove a schedule",
    description="Its history stays. Where an audience covers the organization, that audience's takes its place.",
    parameters=[ORGANIZATION, THE_WORKFLOW],
    responses={
        **{code: answer for code, answer in answered("Schedule").items() if code != 200},
        204: OpenApiResponse(description="It is gone."),
        409: failed("It comes from an audience.", "Conflict", "This schedule comes from an audience."),
    },
)
