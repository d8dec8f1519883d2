"""What outside services answer: as JSON for the journal and back, and as the error that an author has to know of."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from bifrost.sdk.errors import IntegrationError
from bifrost.sdk.http.endpoints import endpoint_of
from bifrost.sdk.tolerant import JSON, plain

LONGEST_MESSAGE = 300
#: Of the answer's headers, those that describe how it came and not what it says, and those that let somebody in.
_NOT_KEPT = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "set-cookie", "date"})
_HINTS = {
    400: "The service does not accept the request: see what it says.",
    401: "The service does not accept the credentials: reconnect it, or set its secret anew.",
    403: "The credentials lack a permission for this: grant it at the service, then reconnect.",
    404: "There is no such object, or the credentials cannot see it.",
    409: "The object exists already, or was changed meanwhile.",
    422: "The service does not accept the request: see what it says.",
    429: "The service is asked too often: set a rate limit for it, or try later.",
}
_FAULTY = "The service has a fault of its own: try later."


class Answer(httpx.Response):
    """An answer whose JSON cannot be read is the service's failure, not the workflow's."""

    def json(self, **arguments: Any) -> Any:
        try:
            return super().json(**arguments)
        except ValueError as error:
            service = str(self.request.extensions.get("service", self.request.url.host))
            raise IntegrationError(
                f"{_asked(service, self.request)}: the answer is not JSON",
                integration=service,
                status_code=self.status_code,
                details={"hint": _FAULTY},
            ) from error


def document_of(response: httpx.Response) -> dict[str, JSON]:
    """The answer as JSON; its body as JSON, text or base64."""
    headers = {name: value for name, value in response.headers.items() if name not in _NOT_KEPT}
    return {"status": response.status_code, "headers": headers, **_body(response)}


def _body(response: httpx.Response) -> dict[str, JSON]:
    if not response.content:
        return {}
    try:
        if "json" in response.headers.get("content-type", ""):
            return {"json": httpx.Response.json(response)}
        return {"text": response.content.decode("utf-8")}
    except ValueError:
        return {"base64": base64.b64encode(response.content).decode()}


def answer_of(document: Mapping[str, Any], request: httpx.Request) -> Answer:
    """The answer that `document_of` described."""
    body: dict[str, Any] = {}
    if "json" in document:
        body["json"] = document["json"]
    elif "text" in document:
        body["content"] = document["text"].encode()
    elif "base64" in document:
        body["content"] = base64.b64decode(document["base64"])
    return Answer(document["status"], headers=document["headers"], request=request, **body)


def error_of(service: str, response: httpx.Response) -> IntegrationError:
    """The error that an answer means, which was read; with the service's own code and words, and what to do."""
    status, (code, words) = response.status_code, vendor_error(response)
    reason = response.reason_phrase or "an error"
    said = f": {words}" if words else ""
    details = {
        "method": response.request.method,
        "endpoint": endpoint_of(response.request.url.path),
        "hint": _HINTS.get(status, _FAULTY if status >= 500 else _HINTS[400]),
        **({"code": code} if code else {}),
        **({"retry_after": seconds} if (seconds := retry_after(response)) is not None else {}),
    }
    error = IntegrationError(
        f"{_asked(service, response.request)} was answered with {status} {reason}{said}",
        integration=service,
        status_code=status,
        details=details,
    )
    error.__dict__["response"] = response
    return error


def failure_of(service: str, request: httpx.Request, error: httpx.HTTPError) -> IntegrationError:
    """The error that a request without an answer means."""
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        what, hint = "cannot be reached", "Check its address, and that it runs and can be reached from here."
    elif isinstance(error, httpx.TimeoutException):
        what, hint = "did not answer in time", "It may have done what it was asked for: look before you ask again."
    else:
        what, hint = "broke off its answer", "It may have done what it was asked for: look before you ask again."
    details = {"method": request.method, "endpoint": endpoint_of(request.url.path), "hint": hint}
    return IntegrationError(f"{_asked(service, request)}: {service} {what}", integration=service, details=details)


def _asked(service: str, request: httpx.Request) -> str:
    return f"{service}: {request.method} {endpoint_of(request.url.path)}"


def vendor_error(response: httpx.Response) -> tuple[str, str]:
    """The service's own code and message, empty where it gives none in one of the usual shapes."""
    try:
        document = httpx.Response.json(response)
    except ValueError:
        return "", ""
    inner = document.get("error") if isinstance(document, dict) else None
    found = inner if isinstance(inner, dict) else document if isinstance(document, dict) else {}
    code = found.get("code") or found.get("error_code") or (inner if isinstance(inner, str) else "")
    texts = [found.get(name) for name in ("message", "error_description", "Message", "detail", "title")]
    listed = [each.get("message") for each in found.get("errors") or () if isinstance(each, dict)]
    words = "; ".join(str(text) for text in [next(filter(None, texts), None), *listed] if text)
    return str(plain(str(code)))[:100], str(plain(words))[:LONGEST_MESSAGE]


def retry_after(response: httpx.Response) -> float | None:
    """Seconds until the service wants to be asked again (RFC 9110, 10.2.3), None where it does not say."""
    given = response.headers.get("retry-after", "").strip()
    if not given:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(given).timestamp() - time.time())
    except ValueError:
        return None
