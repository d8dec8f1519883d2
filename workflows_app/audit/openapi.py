"""What /api/schema says of the audit log."""

from __future__ import annotations

from collections.abc import Mapping

from drf_spectacular.utils import extend_schema

from workflows_app.openapi import ORGANIZATION, answered, query
from workflows_app.shapes import ID, OBJECT, TEXT, TIME, Shape, nullable, page_of, ref, shape

SHAPES: Mapping[str, Shape] = {
    "AuditEvent": shape(
        eventId=ID,
        timestamp=TIME,
        operation=TEXT,
        actor=ref("Person"),
        objectKind=TEXT,
        objectId=TEXT,
        metadata=OBJECT,
        executionId=nullable(ID),
    ),
    "AuditPage": page_of("AuditEvent", TEXT),
}

list_audit_events = extend_schema(
    operation_id="listAuditEvents",
    summary="The audit log, newest first",
    description="Who changed what in the organization. Needs canManageMembers.",
    parameters=[
        ORGANIZATION,
        query("operation", "Only this operation, such as execution.cancel."),
        query("cursor", "The value of next in the page before."),
        query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
    ],
    responses=answered("AuditPage"),
)
