"""A client of one outside service, for one run.

It is httpx's own, so everything that httpx documents works: `await client.get("/users", params={...})`. Beyond that
each request is tracked, let through by the service's circuit and its rate limit, sent again where that is harmless, and
raised as an IntegrationError where the service does not do what it was asked for. A request that may change something
is a step of its own, unless it is made inside one: a run that resumes does not send it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

import httpx

from bifrost.sdk.errors import IntegrationError
from bifrost.sdk.http.answers import Answer, answer_of, document_of, error_of, failure_of
from bifrost.sdk.http.endpoints import endpoint_of
from bifrost.sdk.http.service import Calls, Credentials, Service, signing_in
from bifrost.sdk.steps import StepCall, current_step
from bifrost.sdk.tolerant import JSON, plain

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
TRIED_AGAIN = frozenset({429, 500, 502, 503, 504})
#: A service that wants to be left alone for longer is not waited for.
LONGEST_PAUSE = 60.0


class ServiceClient(httpx.AsyncClient):
    """See the module. Requests take `extensions`: `{"safe": True}` for a POST that only reads, `{"idempotent": True}`
    for one that may be sent twice, `{"endpoint": "/users/{id}"}` for what the record calls it.
    """

    def __init__(
        self,
        service: Service,
        calls: Calls,
        transport: httpx.AsyncBaseTransport,
        credentials: Credentials | None = None,
    ) -> None:
        super().__init__(
            base_url=service.base_url,
            timeout=service.timeout,
            transport=_Guarded(service, transport),
            trust_env=False,
            headers={"User-Agent": "Bifrost"},
        )
        self.service = service
        self._calls = calls
        self._credentials = credentials
        self._concealed: set[str] = set()

    async def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """Sends the request, and again where that is harmless. Raises IntegrationError and CircuitBreakerOpen."""
        request.extensions = {**request.extensions, "service": self.service.name, "host": request.url.host}
        sending = _Sending(self, request, how)
        if _is_safe(request) or signing_in.get() is not None:
            return await sending.answer()
        await request.aread()
        if self._calls.dry_run:
            return self._would_send(request)
        if current_step.get() is not None:
            return await sending.answer()
        return await self._as_step(request, sending)

    def _conceal(self, value: str) -> None:
        """The credential in the value of a header, which may begin with a word for its kind."""
        if value not in self._concealed:
            self._concealed.add(value)
            self._calls.conceal(value.rpartition(" ")[2])

    async def _as_step(self, request: httpx.Request, sending: _Sending) -> httpx.Response:
        async def ask(*_: Any) -> JSON:
            response = await sending.answer()
            await response.aread()
            return document_of(response)

        # It becomes part of the places of what is recorded within it.
        name = self._calls.shown(f"{self.service.name} {request.method} {_endpoint(request)}")
        asked = (request.method, str(request.url), _shown_body(request))
        call = StepCall(name[:200], ask, asked, implicit=True, activity_type=f"{self.service.name} {request.method}")
        return answer_of(await self._calls.step(call), request)

    def _would_send(self, request: httpx.Request) -> httpx.Response:
        """The declared answer to what is not sent in a dry run."""
        endpoint = _endpoint(request)
        call = _call(self.service.name, request, None, 0.0, None)
        self._calls.tracked({**call, "dry_run": True, "would_send": _shown_body(request)})
        return Answer(200, json=self._stub(request.method, endpoint), request=request)

    def _stub(self, method: str, endpoint: str) -> JSON:
        """By the whole path, or by what follows the path of the service's address."""
        own = endpoint.removeprefix(endpoint_of(self.base_url.path.rstrip("/")))
        known = (f"{method} {endpoint}", f"{method} {own}")
        return next((self.service.stubs[name] for name in known if name in self.service.stubs), {})

    async def pause(self, seconds: float) -> None:
        """Waits as between two attempts: for a service that puts off a part of what one request asks for."""
        await self._calls.pause(seconds)


class _Sending:
    """One request with all its attempts."""

    def __init__(self, client: ServiceClient, request: httpx.Request, how: dict[str, Any]) -> None:
        self._client = client
        self._service = client.service
        self._calls = client._calls
        self._request = request
        self._how = how

    async def answer(self) -> httpx.Response:
        self._mark_as_the_same()
        attempt = 1
        while True:
            try:
                return await self._attempt()
            except IntegrationError as error:
                seconds = self._pause_before_next(attempt, error)
                if seconds is None:
                    return self._given_up(error)
            await self._calls.pause(seconds)
            attempt += 1

    def _mark_as_the_same(self) -> None:
        """By the key of the step that sends it, and by what it says: so each of a step's requests has its own."""
        step, header = current_step.get(), self._service.idempotency_header
        if step is None or header is None or _is_safe(self._request) or header in self._request.headers:
            return
        said = f"{self._request.method} {self._request.url} {_shown_body(self._request)}"
        self._request.headers[header] = hashlib.sha256(f"{step.info.idempotency_key} {said}".encode()).hexdigest()[:32]

    def _pause_before_next(self, attempt: int, error: IntegrationError) -> float | None:
        """Seconds, or None where there is no next attempt."""
        if not self._may_be_sent_again() or not _may_pass(error):
            return None
        if not self._service.retry_policy.allows(attempt, error.error_type):
            return None
        wanted = error.details.get("retry_after")
        seconds = float(self._service.retry_policy.delay(attempt) if wanted is None else wanted)
        return seconds if seconds <= LONGEST_PAUSE else None

    def _may_be_sent_again(self) -> bool:
        header = self._service.idempotency_header
        marked = header is not None and header in self._request.headers
        return _is_safe(self._request) or marked or bool(self._request.extensions.get("idempotent"))

    def _given_up(self, error: IntegrationError) -> httpx.Response:
        response = error.__dict__.get("response")
        if self._service.raises or response is None:
            raise error
        given: httpx.Response = response
        return given

    async def _attempt(self) -> httpx.Response:
        """Sends it once, and once more where its credentials were refused and there are others."""
        offered = await self._offer(None)
        response = await self._passed()
        if response.status_code == 401 and offered is not None:
            other = await self._offer(offered)
            if other is not None and dict(other) != dict(offered):
                response = await self._passed()
        if response.is_error:
            raise error_of(self._service.name, response)
        return response

    async def _offer(self, refused: Any) -> Any:
        """The credentials that the request carries now; None where it carries its own, or there are none."""
        source, headers = self._client._credentials, self._request.headers
        if source is None:
            return None
        offered = await source(refused)
        for name, value in offered.items():
            self._client._conceal(value)
            # What an author set by hand stays, unless it is just what was refused.
            if name not in headers or (refused and headers[name] == refused.get(name)):
                headers[name] = value
        return offered if all(headers.get(name) == value for name, value in offered.items()) else None

    async def _passed(self) -> httpx.Response:
        """Sends it once the service may be asked, notes what came of it, and tells the circuit."""
        if self._service.rate_limit is not None:
            await self._calls.permit(self._service.rate_limit)
        entered = await self._calls.enter(self._service.name) if self._service.circuit_breaker else None
        began = time.perf_counter()
        try:
            sent = self._sent()
            response = await (sent if self._how.get("stream") else _apart(sent))
        except httpx.HTTPError as error:
            failure = failure_of(self._service.name, self._request, error)
            await self._over(entered, began, None, failure, error)
            raise failure from error
        except BaseException as error:
            # Refused by ourselves, or stopped in its middle: nothing is known of the service.
            await self._over(entered, began, None, error, error)
            raise
        failed = error_of(self._service.name, response) if response.is_error else None
        await self._over(entered, began, response, failed, failed)
        return response

    async def _sent(self) -> httpx.Response:
        response = await httpx.AsyncClient.send(self._client, self._request, **self._how)
        if response.is_error:
            await response.aread()
        return response

    async def _over(
        self,
        entered: Any,
        began: float,
        response: httpx.Response | None,
        failure: BaseException | None,
        verdict: BaseException | None,
    ) -> None:
        seconds = time.perf_counter() - began
        said = None if failure is None else str(failure) or f"stopped by {type(failure).__name__}"
        self._calls.tracked(_call(self._service.name, self._request, response, seconds, said))
        # A trial of which nothing is heard is given up.
        if self._service.circuit_breaker and (verdict is None or isinstance(verdict, Exception)):
            await self._calls.leave(entered, verdict, seconds)


class _Guarded(httpx.AsyncBaseTransport):
    """Follows no redirect to a host that the service does not name, and belongs to the process: no client closes it."""

    def __init__(self, service: Service, transport: httpx.AsyncBaseTransport) -> None:
        self._service = service
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host != request.extensions.get("host") and host.lower() not in self._service.redirects_to:
            raise IntegrationError(
                f"{self._service.name} redirects to another host, {host}",
                integration=self._service.name,
                details={"hint": "Add the host to `redirects_to` of the integration if it is meant."},
            )
        came = await self._transport.handle_async_request(request)
        return Answer(came.status_code, headers=came.headers, stream=came.stream, extensions=came.extensions)


async def _apart(sent: Coroutine[Any, Any, httpx.Response]) -> httpx.Response:
    """In a task that belongs to no run: where the run is dropped in the middle, its connection is still put away."""
    task = asyncio.get_running_loop().create_task(sent, context=Context())
    try:
        return await task
    finally:
        task.cancel()


def _is_safe(request: httpx.Request) -> bool:
    return request.method in SAFE_METHODS or bool(request.extensions.get("safe"))


def _may_pass(error: IntegrationError) -> bool:
    """Whether the same request may succeed later: it had no answer, or one that says so."""
    return (error.status_code is None and "method" in error.details) or error.status_code in TRIED_AGAIN


def _endpoint(request: httpx.Request) -> str:
    return str(request.extensions.get("endpoint") or endpoint_of(request.url.path))


def _shown_body(request: httpx.Request) -> JSON:
    """What a request says, as far as it is the same whenever the code comes here: no boundary between its parts."""
    kind, content = request.headers.get("content-type", ""), request.content
    if not content:
        return None
    if kind.startswith("multipart/"):
        return f"<{kind.partition(';')[0]}>"
    if "json" in kind:
        return httpx.Response(200, content=content).json()
    try:
        return plain(content.decode())
    except UnicodeDecodeError:
        return f"<{len(content)} bytes, {hashlib.sha256(content).hexdigest()[:16]}>"


def _call(
    service: str, request: httpx.Request, response: httpx.Response | None, seconds: float, error: str | None
) -> dict[str, JSON]:
    return {
        "integration": service,
        "method": request.method,
        "endpoint": _endpoint(request),
        "status_code": None if response is None else response.status_code,
        "duration_ms": round(seconds * 1000),
        "success": error is None,
        "error": error,
        "tracked": True,
    }
