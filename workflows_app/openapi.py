"""What /api/schema says of each operation. The views carry these as decorators; none runs while a request is served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse, extend_schema

from orgs import schema as credentials  # noqa: F401  tells drf-spectacular the names of the credentials
from workflows_app.models import Status
from workflows_app.shapes import OBJECT, PRIORITIES, ref

EXAMPLE_ID = "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f"


def failed(description: str, error: str, message: str, details: Mapping[str, Any] | None = None) -> OpenApiResponse:
    document = {"executionId": None, "status": "Failed", "error": error, "message": message, "details": details or {}}
    return OpenApiResponse(ref("Error"), description, [OpenApiExample(error, document)])


_FIELD = {"field": "email", "errors": [{"field": "email", "message": "This is required."}]}
_REFUSALS: Mapping[int, OpenApiResponse] = {
    400: failed("What was sent is wrong.", "ValidationError", "email: This is required.", _FIELD),
    401: failed("No token, or a bad one.", "Unauthenticated", "The token is unknown, revoked or expired."),
    403: failed("Known, but not allowed.", "PermissionError", "This needs the permission canViewExecutions."),
    404: failed("It does not exist, or belongs to another organization.", "NotFound", "There is no such execution."),
    405: failed("No such method here.", "MethodNotAllowed", 'Method "PUT" not allowed.'),
    500: failed("Something failed that should not.", "InternalServerError", "An unexpected error occurred."),
    503: failed("A service that this needs is away.", "ServiceUnavailable", "Try again."),
}
#: What is said of a body that cannot be taken, by operations that want one.
REFUSED_BODIES: Mapping[int, OpenApiResponse] = {
    413: failed("The body is too large.", "PayloadTooLarge", "The body is larger than 1,000,000 bytes."),
    415: failed("The body is not JSON.", "UnsupportedMediaType", "Send Content-Type: application/json."),
}
_START_REFUSALS: Mapping[int, OpenApiResponse] = {
    409: failed("The idempotency key came with another body, or the run was cancelled.", "Conflict", "It is taken."),
    **REFUSED_BODIES,
    429: failed("Too many callers wait.", "TooManyRequests", "Too many runs wait. Try again in 2 s."),
    500: failed("The workflow failed.", "IntegrationError", "Failed to create user.", {"integration": "msgraph"}),
}


#: The answer where the run was queued.
QUEUED: Mapping[int, OpenApiResponse] = {
    202: OpenApiResponse(
        ref("Accepted"),
        "The run goes on; poll.",
        [
            OpenApiExample(
                "Queued",
                {"executionId": EXAMPLE_ID, "status": "Queued", "pollUrl": f"/api/executions/{EXAMPLE_ID}"},
            )
        ],
    )
}


def answered(name: str) -> dict[int, OpenApiResponse]:
    """The shape of a 200, and the refusals that every operation has."""
    return {200: OpenApiResponse(ref(name), "As asked for."), **_REFUSALS}


def query(name: str, description: str, **schema: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **schema}, OpenApiParameter.QUERY, description=description)


def path(name: str, description: str, **schema: Any) -> OpenApiParameter:
    return OpenApiParameter(name, {"type": "string", **schema}, OpenApiParameter.PATH, description=description)


def answer_header(name: str, description: str, *codes: int) -> OpenApiParameter:
    return OpenApiParameter(
        name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=description, response=[str(code) for code in codes]
    )


def idempotency_key(how_long: str) -> OpenApiParameter:
    return OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255},
        OpenApiParameter.HEADER,
        description=f"The same key with the same body answers with the same execution, {how_long}.",
    )


ORGANIZATION = OpenApiParameter(
    "X-Organization-Id",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The organization's org_id. An organization's own token or host name implies it.",
)
IDEMPOTENCY_KEY = idempotency_key("for 24 hours")
WORKFLOW_NAME = path("name", "The workflow's name.")
THE_EXECUTION = path("execution_id", "The execution's id.", format="uuid")
_LINES = [
    ORGANIZATION,
    THE_EXECUTION,
    query("after", "Only lines with a higher sequence number.", type="integer", minimum=0, default=0),
    query("limit", "At most so many.", type="integer", minimum=1, maximum=1000, default=200),
]

list_workflows = extend_schema(
    operation_id="listWorkflows",
    summary="Workflows",
    description="All that the workspace offers, by name.",
    parameters=[
        ORGANIZATION,
        query("category", "Only this category."),
        query("tag", "Only those with this tag."),
        query("q", "Only those with this text in name, description or tags."),
    ],
    responses=answered("WorkflowPage"),
)
get_workflow = extend_schema(
    operation_id="getWorkflow",
    summary="A workflow and its parameters",
    description="Its parameters are a JSON Schema of the object that a start takes.",
    parameters=[ORGANIZATION, WORKFLOW_NAME],
    responses=answered("Workflow"),
)
start_workflow = extend_schema(
    operation_id="startWorkflow",
    summary="Run a workflow",
    description="The body holds the parameters. A sync workflow answers when it has ended; others are queued.",
    parameters=[
        ORGANIZATION,
        IDEMPOTENCY_KEY,
        WORKFLOW_NAME,
        query("priority", "Of a background run; above the usual one needs canRaisePriority.", enum=list(PRIORITIES)),
        query("wait", "Seconds to wait for the end of a background run.", type="integer", minimum=0, maximum=30),
        query(
            "dryRun", "It only reads: what would be changed outside is recorded and not sent.", enum=["true", "false"]
        ),
        answer_header("Location", "Where to ask for the execution.", 202),
        answer_header("Retry-After", "Seconds.", 429),
    ],
    request={
        "application/json": OpenApiRequest(
            OBJECT, examples=[OpenApiExample("my_first_workflow", {"message": "Hello World"})]
        )
    },
    responses={
        200: OpenApiResponse(
            ref("Finished"),
            "The run ended well.",
            [
                OpenApiExample(
                    "Success",
                    {
                        "executionId": EXAMPLE_ID,
                        "status": "Success",
                        "result": {"original": "Hello World", "processed": "HELLO WORLD", "length": 11},
                        "durationMs": 2,
                    },
                )
            ],
        ),
        **QUEUED,
        **_REFUSALS,
        **_START_REFUSALS,
    },
)
_CHANGE_REFUSALS: Mapping[int, OpenApiResponse] = {
    **{code: answer for code, answer in _REFUSALS.items() if code != 500},
    409: failed("Its status forbids it.", "Conflict", "The execution has ended already, as Success."),
    500: _REFUSALS[500],
}
_ACCEPTED = OpenApiResponse(ref("Accepted"), "It is on its way; poll.")
cancel_execution = extend_schema(
    operation_id="cancelExecution",
    summary="Cancel an execution",
    description="One that has not begun is Cancelled at once; a running one within a second unless its code blocks.",
    parameters=[ORGANIZATION, THE_EXECUTION],
    request=None,
    responses={202: OpenApiResponse(ref("Cancelling"), "It is cancelled, or is told to end."), **_CHANGE_REFUSALS},
)
send_signal = extend_schema(
    operation_id="sendSignal",
    summary="Send a signal to an execution",
    description="The body is any JSON value. It is kept until the execution waits for a signal of this name.",
    parameters=[ORGANIZATION, THE_EXECUTION, OpenApiParameter("name", str, OpenApiParameter.PATH)],
    request={"application/json": OpenApiRequest({}, examples=[OpenApiExample("approved", {"approved": True})])},
    responses={202: OpenApiResponse(ref("Cancelling"), "It is in the execution's inbox."), **_CHANGE_REFUSALS},
)
retry_execution = extend_schema(
    operation_id="retryExecution",
    summary="Run an ended execution again",
    description="A new execution with the same input, that takes over what the old one recorded as done well."
    " code: same runs the code that it ran; fresh takes over nothing.",
    parameters=[ORGANIZATION, THE_EXECUTION],
    request={"application/json": OpenApiRequest(ref("Retry"), examples=[OpenApiExample("same", {"code": "same"})])},
    responses={202: _ACCEPTED, **_CHANGE_REFUSALS, **_START_REFUSALS},
)
fork_execution = extend_schema(
    operation_id="forkExecution",
    summary="Run an ended execution again from one of its operations on",
    description="A new execution with the same input, by the current code, that takes over what came of the operations"
    " before this one. They count from 1 in the order of the journal, as manage.py history shows them.",
    parameters=[
        ORGANIZATION,
        THE_EXECUTION,
        OpenApiParameter(
            "step",
            {"type": "integer", "minimum": 1},
            OpenApiParameter.QUERY,
            required=True,
            description="The first operation that is done anew.",
        ),
    ],
    request=None,
    responses={202: _ACCEPTED, **_CHANGE_REFUSALS, **_START_REFUSALS},
)
list_executions = extend_schema(
    operation_id="listExecutions",
    summary="Executions, newest first",
    description="Without the permission canViewExecutions only one's own.",
    parameters=[
        ORGANIZATION,
        query("status", "Only with this status.", enum=list(Status.values)),
        query("workflow", "Only of this workflow."),
        query("since", "Only created at or after this date or time; without a zone it is UTC."),
        query("cursor", "The value of next in the page before."),
        query("limit", "At most so many.", type="integer", minimum=1, maximum=100, default=50),
    ],
    responses=answered("ExecutionPage"),
)
get_execution = extend_schema(
    operation_id="getExecution",
    summary="An execution's whole record",
    description="Long texts and lists are cut and secrets redacted; result alone is exact.",
    parameters=[ORGANIZATION, THE_EXECUTION],
    responses=answered("Execution"),
)
list_logs = extend_schema(
    operation_id="listExecutionLogs",
    summary="An execution's log, in order",
    description="Paged by sequence number: next is the value of after for the page behind.",
    parameters=_LINES,
    responses=answered("LogPage"),
)
list_journal = extend_schema(
    operation_id="listExecutionJournal",
    summary="Everything that happened in an execution, in order",
    description="Paged by sequence number. Errors come with their traceback for the MSP's staff alone.",
    parameters=_LINES,
    responses=answered("JournalPage"),
)
get_health = extend_schema(
    operation_id="getHealth",
    summary="Whether the platform works",
    description="Needs no credentials. A workspace file that does not load is a warning.",
    responses={
        200: OpenApiResponse(ref("Health"), "It works."),
        503: OpenApiResponse(ref("Health"), "It does not; the checks say what is down."),
        400: _REFUSALS[400],
        405: _REFUSALS[405],
    },
    auth=[],
)
