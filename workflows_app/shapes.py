"""The shapes of all answers of the API, as the JSON Schema that /api/schema holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows_app.models import Status

Shape = dict[str, Any]


def shape(**properties: Shape) -> Shape:
    """An object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nullable(schema: Shape) -> Shape:
    return {"anyOf": [schema, {"type": "null"}]}


def listed(schema: Shape) -> Shape:
    return {"type": "array", "items": schema}


def ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(*words: str) -> Shape:
    return {"type": "string", "enum": [str(word) for word in words]}


def page_of(name: str, cursor: Shape) -> Shape:
    return shape(results=listed(ref(name)), next=nullable(cursor))


ANYTHING: Shape = {}
TEXT: Shape = {"type": "string"}
TEXTS = listed(TEXT)
INTEGER: Shape = {"type": "integer"}
NUMBER: Shape = {"type": "number"}
BOOLEAN: Shape = {"type": "boolean"}
OBJECT: Shape = {"type": "object"}
ID: Shape = {"type": "string", "format": "uuid"}
TIME: Shape = {"type": "string", "format": "date-time"}
STATUS = one_of(*Status.values)
PRIORITIES = ("low", "normal", "high")

_SUMMARY: Mapping[str, Shape] = {
    "executionId": ID,
    "workflowName": TEXT,
    "status": STATUS,
    "progress": nullable({"type": "number", "minimum": 0, "maximum": 100}),
    "createdAt": TIME,
    "startedAt": nullable(TIME),
    "completedAt": nullable(TIME),
    "durationMs": nullable(INTEGER),
    "executedBy": ref("Person"),
    "dryRun": BOOLEAN,
    "trigger": ref("Trigger"),
    "attempt": INTEGER,
    "codeVersion": TEXT,
    "parentExecutionId": nullable(ID),
    "retryOf": nullable(ID),
    "continuedFrom": nullable(ID),
    "continuedAs": nullable(ID),
    "forkedFrom": nullable(ID),
}
_LOG: Mapping[str, Shape] = {"timestamp": TIME, "level": TEXT, "message": TEXT, "data": ANYTHING}
_ERROR: Mapping[str, Shape] = {"error": TEXT, "message": TEXT, "details": OBJECT}

SHAPES: Mapping[str, Shape] = {
    "Error": {
        **shape(executionId=nullable(ID), status=STATUS, **_ERROR),
        "description": "executionId is null where no execution was created. A ValidationError's details hold field, "
        "the first bad one, and errors, a list of field and message.",
    },
    "ExecutionError": shape(**_ERROR),
    "Finished": shape(
        executionId=ID, status=one_of(Status.SUCCESS, Status.COMPLETED_WITH_ERRORS), result=ANYTHING, durationMs=INTEGER
    ),
    "Accepted": shape(
        executionId=ID,
        status=one_of(Status.QUEUED, Status.PENDING_APPROVAL, Status.RUNNING, Status.SUSPENDED),
        pollUrl=TEXT,
    ),
    "Cancelling": shape(
        executionId=ID,
        status=one_of(Status.CANCELLED, Status.QUEUED, Status.RUNNING, Status.SUSPENDED),
        pollUrl=TEXT,
    ),
    "Retry": {
        **OBJECT,
        "properties": {"code": one_of("same", "current"), "fresh": BOOLEAN},
        "additionalProperties": False,
    },
    "Workflow": shape(
        name=TEXT,
        description=TEXT,
        category=TEXT,
        tags=TEXTS,
        executionMode=one_of("sync", "async", "scheduled"),
        timeoutSeconds=NUMBER,
        maxDurationSeconds=nullable(NUMBER),
        schedule=nullable(TEXT),
        requiresOrg=BOOLEAN,
        exposeInForms=BOOLEAN,
        requiresApproval=BOOLEAN,
        requiredPermission=nullable(TEXT),
        webhookEnabled=BOOLEAN,
        parameters={**OBJECT, "description": "The JSON Schema of the object that a start takes."},
        codeVersion=TEXT,
    ),
    "WorkflowPage": page_of("Workflow", TEXT),
    "Person": shape(kind=TEXT, id=TEXT, email=TEXT, name=TEXT),
    "Trigger": shape(
        type=TEXT,
        formId=nullable(TEXT),
        submissionId=nullable(TEXT),
        scheduleId=nullable(TEXT),
        webhookDeliveryId=nullable(TEXT),
        tokenName=nullable(TEXT),
    ),
    "ExecutionSummary": shape(**_SUMMARY),
    "ExecutionPage": page_of("ExecutionSummary", TEXT),
    "Log": shape(**_LOG),
    "NumberedLog": shape(seq=INTEGER, **_LOG),
    "LogPage": page_of("NumberedLog", INTEGER),
    "JournalLine": shape(seq=INTEGER, timestamp=TIME, kind=TEXT, name=TEXT, data=ANYTHING),
    "JournalPage": page_of("JournalLine", INTEGER),
    "StateSnapshot": shape(timestamp=TIME, name=TEXT, data=ANYTHING),
    "IntegrationCall": {**OBJECT, "properties": {"timestamp": TIME}, "required": ["timestamp"]},
    "SagaStep": shape(
        timestamp=TIME,
        saga=TEXT,
        number=INTEGER,
        name=TEXT,
        status=one_of("Completed", "Failed", "Interrupted", "Compensated", "CompensationFailed"),
        error=nullable(TEXT),
    ),
    "Child": shape(executionId=ID, workflowName=TEXT, status=STATUS),
    "Progress": {
        **shape(done=NUMBER, total=NUMBER, message=TEXT, remainingSeconds=nullable(NUMBER)),
        "description": "What the workflow last said. remainingSeconds is an estimate from its running time so far.",
    },
    "Execution": shape(
        **_SUMMARY,
        inputData={**OBJECT, "description": "As it was submitted."},
        approvedInput={
            **nullable(OBJECT),
            "description": "What whoever approved the start has made of it, which is what runs. Null: nothing else.",
        },
        result={"description": "Exact: never cut."},
        error=nullable(ref("ExecutionError")),
        stateSnapshots=listed(ref("StateSnapshot")),
        integrationCalls=listed(ref("IntegrationCall")),
        sagaSteps=listed(ref("SagaStep")),
        logs=listed(ref("Log")),
        variables=OBJECT,
        children=listed(ref("Child")),
        resultCards=listed(ref("ResultCard")),
        progressDetail=nullable(ref("Progress")),
        waitingFor=nullable(TEXT),
        truncated={**TEXTS, "description": "Which of the lists hold only their first 100; see /logs and /journal."},
    ),
    "Check": {
        **OBJECT,
        "properties": {"status": one_of("up", "down"), "message": TEXT},
        "required": ["status"],
        "additionalProperties": False,
    },
    "Health": shape(
        status=one_of("healthy", "unhealthy"),
        checks={"type": "object", "additionalProperties": ref("Check")},
        warnings=TEXTS,
    ),
}
