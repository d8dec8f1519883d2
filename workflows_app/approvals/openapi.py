"""What /api/schema says of approvals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiRequest, OpenApiResponse, extend_schema

from bifrost.sdk.parameters import TYPES
from workflows_app.approvals.deciding import LONGEST_COMMENT
from workflows_app.models import Approval
from workflows_app.openapi import ORGANIZATION, REFUSED_BODIES, answered, failed, path, query
from workflows_app.shapes import (
    ANYTHING,
    BOOLEAN,
    ID,
    INTEGER,
    OBJECT,
    TEXT,
    TEXTS,
    TIME,
    Shape,
    listed,
    nullable,
    one_of,
    page_of,
    ref,
    shape,
)

_APPROVAL: Mapping[str, Shape] = {
    "approvalId": ID,
    "executionId": ID,
    "workflowName": TEXT,
    "kind": one_of(*Approval.Kind.values),
    "title": TEXT,
    "message": TEXT,
    "form": {
        **nullable(ref("ApprovalForm")),
        "description": "What may be edited. The input of a start that waits is there where the approval is asked for.",
    },
    "state": one_of(*Approval.State.values),
    "requestedBy": ref("Person"),
    "permission": nullable(TEXT),
    "approvers": nullable(TEXTS),
    "told": {
        **nullable(shape(people=INTEGER, of=INTEGER)),
        "description": "How many people got a notice, of how many who may decide; null until they have.",
    },
    "createdAt": TIME,
    "expiresAt": nullable(TIME),
    "decidedAt": nullable(TIME),
    "decidedBy": nullable(ref("Person")),
    "comment": TEXT,
    "values": {**nullable(OBJECT), "description": "Those of the form, as they were approved."},
    "canDecide": BOOLEAN,
}
_FIELD = shape(
    name=TEXT, type=one_of(*TYPES), label=TEXT, description=TEXT, required=BOOLEAN, validation=OBJECT, initial=ANYTHING
)
SHAPES: Mapping[str, Shape] = {
    "ApprovalField": {**_FIELD, "required": [name for name in _FIELD["required"] if name != "initial"]},
    "ApprovalForm": shape(fields=listed(ref("ApprovalField"))),
    "ApprovalSummary": shape(**_APPROVAL),
    "ApprovalPage": page_of("ApprovalSummary", TEXT),
    "Approval": shape(**_APPROVAL, inputData=OBJECT),
}

THE_APPROVAL = path("approval_id", "The approval's id.", format="uuid")
_DECIDED = {"state": "approved", "decidedBy": "Ada", "decidedAt": "2026-11-21T09:12:00Z"}
_COMMENT: Shape = {
    "type": "object",
    "properties": {"comment": {"type": "string", "maxLength": LONGEST_COMMENT}},
    "additionalProperties": False,
}
_APPROVE: Shape = {**_COMMENT, "properties": {**_COMMENT["properties"], "values": OBJECT}}
_EDITED = {"comment": "Go ahead", "values": {"amount": 200}}


def _decision(operation: str, summary: str, description: str, body: Shape, example: dict[str, Any]) -> dict[str, Any]:
    responses: dict[int, OpenApiResponse] = {
        **answered("Approval"),
        409: failed(
            "It was decided before.", "Conflict", "This was already approved by Ada at 2026-11-21T09:12:00Z.", _DECIDED
        ),
        **REFUSED_BODIES,
    }
    return {
        "operation_id": operation,
        "summary": summary,
        "description": description,
        "parameters": [ORGANIZATION, THE_APPROVAL],
        "request": {"application/json": OpenApiRequest(body, examples=[OpenApiExample("comment", example)])},
        "responses": responses,
    }


list_approvals = extend_schema(
    operation_id="listApprovals",
    summary="Approvals, newest first",
    description="What one may decide, and what one has asked for.",
    parameters=[
        ORGANIZATION,
        query("state", "Only in this state.", enum=list(Approval.State.values)),
        query("cursor", "The value of next in the page before."),
        query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
    ],
    responses=answered("ApprovalPage"),
)
get_approval = extend_schema(
    operation_id="getApproval",
    summary="An approval, with the input of its execution",
    description="Long texts and lists are cut and secrets redacted.",
    parameters=[ORGANIZATION, THE_APPROVAL],
    responses=answered("Approval"),
)
approve = extend_schema(
    **_decision(
        "approve",
        "Approve",
        "The execution is queued, or goes on where it asked. Whoever asked for it cannot decide it. values are those of"
        " the form, or of the input of a start, which is checked as at a start; what is left out, or given back as it"
        " was shown, is as it was. What was submitted stays in the execution's record beside what was approved.",
        _APPROVE,
        _EDITED,
    )
)
reject = extend_schema(
    **_decision(
        "reject",
        "Reject",
        "An execution that waits for its start ends as Rejected, and the comment is part of its error. One that asked"
        " in the middle goes on and is told.",
        _COMMENT,
        {"comment": "Not this month"},
    )
)
