"""What the API answers: JSON, and one shape for every error.

{"executionId": null, "status": "Failed", "error": "NotFound", "message": "There is no such path.", "details": {}}
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.views import defaults
from rest_framework.exceptions import APIException

from bifrost.sdk.errors import PermissionError, TooLarge, ValidationError, WorkflowException
from integrations.errors import VaultUnavailable
from orgs.errors import Denied
from workflows_app.errors import Refused
from workflows_app.models import Status

if TYPE_CHECKING:
    from workflows_app.executions import Outcome

log = logging.getLogger(__name__)

FINISHED_WELL = frozenset({Status.SUCCESS, Status.COMPLETED_WITH_ERRORS})
NOT_FINISHED = frozenset({Status.PENDING_APPROVAL, Status.QUEUED, Status.RUNNING, Status.SUSPENDED})
# What a workflow may answer with beside 500.
WORKFLOW_ERRORS: Mapping[str, int] = {"ValidationError": 400, "PermissionError": 403}
ENDINGS: Mapping[str, int] = {Status.CANCELLED: 409, Status.REJECTED: 409, Status.COMPENSATED: 500}
ERROR_WORDS: Mapping[int, str] = {
    400: "ValidationError",
    401: "Unauthenticated",
    403: "PermissionError",
    404: "NotFound",
    405: "MethodNotAllowed",
    413: "PayloadTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}
UNEXPECTED = "An unexpected error occurred."
# Made once: json.dumps() would make an encoder for each answer.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The value as JSON. It has to be storable already: no NaN, no lone surrogate."""
    return HttpResponse(_encode(value).encode(), content_type="application/json", status=status, headers=headers)


def failure(
    status_code: int,
    error: str,
    message: str,
    details: Mapping[str, Any] | None = None,
    *,
    execution_id: str | None = None,
    status: str = Status.FAILED,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The one shape of every error."""
    document = {"executionId": execution_id, "status": status, "error": error, "message": message}
    return answer({**document, "details": dict(details or {})}, status_code, headers)


def answer_outcome(outcome: Outcome) -> HttpResponse:
    """The answer to a start, by the status that its execution has now."""
    if outcome.status in FINISHED_WELL:
        document = {"executionId": outcome.execution_id, "status": outcome.status}
        return answer({**document, "result": outcome.result, "durationMs": outcome.duration_ms})
    if outcome.status in NOT_FINISHED:
        poll = f"/api/executions/{outcome.execution_id}"
        document = {"executionId": outcome.execution_id, "status": outcome.status, "pollUrl": poll}
        return answer(document, 202, {"Location": poll})
    error = outcome.error or {"error": outcome.status, "message": f"The execution ended as {outcome.status}."}
    code = ENDINGS.get(outcome.status) or WORKFLOW_ERRORS.get(error["error"], 500)
    return failure(
        code,
        error["error"],
        error["message"],
        error.get("details"),
        execution_id=outcome.execution_id,
        status=outcome.status,
    )


def answer_error(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """REST framework's exception handler: every exception of a view becomes an answer, none leaves it."""
    match exc:
        case Denied():
            execution_id = exc.execution_id if isinstance(exc, Refused) else None
            return failure(
                exc.status_code, exc.error, exc.message, exc.details, execution_id=execution_id, headers=exc.headers
            )
        case VaultUnavailable() | OperationalError() | InterfaceError():
            # One line: while it is away, every request ends here.
            log.warning("A service that the API needs is away: %s", str(exc).partition("\n")[0])
            return failure(503, "ServiceUnavailable", "A service that this needs does not answer now. Try again.")
        case WorkflowException():
            return failure(_status_of(exc), exc.error_type, exc.message, exc.details)
        case APIException():
            return _framework_error(exc)
    return _django_error(exc)


def _status_of(exc: WorkflowException) -> int:
    for kind, code in ((ValidationError, 400), (PermissionError, 403), (TooLarge, 413)):
        if isinstance(exc, kind):
            return code
    return 500


def _framework_error(exc: APIException) -> HttpResponse:
    headers = {"Retry-After": str(wait)} if (wait := getattr(exc, "wait", None)) else {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if exc.status_code >= 500:
        log.error("%s", exc, exc_info=exc)
        return failure(exc.status_code, "InternalServerError", UNEXPECTED, headers=headers)
    word = ERROR_WORDS.get(exc.status_code, "ValidationError")
    return failure(exc.status_code, word, str(exc.detail), headers=headers)


def _django_error(exc: Exception) -> HttpResponse:
    match exc:
        case RequestDataTooBig():
            return failure(413, "PayloadTooLarge", "The body is too large.")
        case SuspiciousOperation() | UnreadablePostError() | MultiPartParserError():
            return failure(400, "ValidationError", "The request cannot be read.", {"field": "request"})
        case Http404():
            return failure(404, "NotFound", "There is no such thing.")
        case PermissionDenied():
            return failure(403, "PermissionError", "This is not allowed.")
    log.error("Unexpected error in the API.", exc_info=exc)
    return failure(500, "InternalServerError", UNEXPECTED)


def unknown_route(request: HttpRequest, path: str = "") -> HttpResponse:
    """Everything under /api that is no route."""
    return failure(404, "NotFound", "The API has no such path.")


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: what fails before or behind the views, such as middleware."""
    if request.path.startswith("/api"):
        return failure(500, "InternalServerError", UNEXPECTED)
    return defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400, such as a host name that is not served here."""
    if request.path.startswith("/api"):
        return failure(400, "ValidationError", "The request cannot be read.", {"field": "request"})
    return defaults.bad_request(request, exception)
