"""The view at `/webhooks/<org_id>/<workflow>`: no session, no token, and one answer to everything that it refuses."""

from __future__ import annotations

import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from workflows_app.models import Status
from workflows_app.parsers import BodyTooLarge, read_body
from workflows_app.responses import answer
from workflows_app.webhooks.receiving import Away, Call, NotAccepted, log_refusal, receive

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 30
MESSAGES = {
    Status.QUEUED: "Webhook received and queued for processing",
    Status.PENDING_APPROVAL: "Webhook received and waiting for approval",
}


@csrf_exempt
def door(request: HttpRequest, org_id: str = "", workflow: str = "") -> HttpResponse:
    """202 with the execution; 400 for whatever is wrong with the call, 503 where our side cannot serve it now."""
    try:
        call = Call(org_id, workflow, request.headers, request.headers.get("Content-Type", ""), read_body(request))
    except (BodyTooLarge, RequestDataTooBig, UnreadablePostError) as unreadable:
        log.warning("webhook refused", reason=str(unreadable))
        return refused()
    try:
        if request.method != "POST":
            raise NotAccepted(f"the method is {request.method}")
        started = receive(call)
    except NotAccepted as reason:
        log_refusal(call, str(reason))
        return refused()
    except Away as reason:
        log_refusal(call, f"away: {reason}")
        return away()
    except Exception:
        log.exception("webhook failed")
        return away()
    document = {"executionId": started.execution_id, "status": started.status}
    return answer({**document, "message": MESSAGES[Status(started.status)]}, 202)


def refused() -> HttpResponse:
    """Always the same."""
    return answer({"error": "BadRequest", "message": "Failed to process webhook"}, 400)


def away() -> HttpResponse:
    """Says nothing of the call either: the sender should come again."""
    document = {"error": "ServiceUnavailable", "message": "Webhooks cannot be processed now"}
    return answer(document, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
