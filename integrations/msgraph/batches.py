"""Many requests in few: Graph takes up to 20 in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import httpx

from bifrost.sdk.errors import IntegrationError, ValidationError
from bifrost.sdk.http.answers import error_of, retry_after
from bifrost.sdk.http.client import LONGEST_PAUSE, SAFE_METHODS, TRIED_AGAIN
from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.results import Item, collection, item

LARGEST = 20
TRIES = 4
PAUSE = 1.0

Request = dict[str, Any]


class Batches(AsksGraph):
    async def batch(
        self, requests: Iterable[Mapping[str, Any]], on_error: Literal["raise", "collect"] = "raise"
    ) -> list[Any]:
        """The answers in the order of the requests: `{"url": "/users/ann@acme.example", "method": "GET", "body": {...},
        "headers": {...}}`, of which all but the URL may be left out. A collection is its first page.

        A request that fails is the IntegrationError in its answer's place (`on_error="collect"`), or raised once all
        have been sent. Reads that Graph puts off are sent again.
        """
        asked = [_request(str(number), given) for number, given in enumerate(requests, 1)]
        answers: list[Any] = []
        for start in range(0, len(asked), LARGEST):
            answers += await self._answers(asked[start : start + LARGEST])
        if on_error == "raise":
            for answer in answers:
                if isinstance(answer, IntegrationError):
                    raise answer
        return answers

    async def _answers(self, asked: Sequence[Request]) -> list[Any]:
        responses: dict[str, httpx.Response] = {}
        waiting = list(asked)
        for attempt in range(1, TRIES + 1):
            responses.update(await self._send(waiting))
            waiting = [request for request in waiting if _may_pass(request, responses[request["id"]])]
            seconds = max((_pause(responses[request["id"]], attempt) for request in waiting), default=None)
            if seconds is None or seconds > LONGEST_PAUSE or attempt == TRIES:
                break
            await self.http_client.pause(seconds)
        return [_result(responses[request["id"]]) for request in asked]

    async def _send(self, asked: list[Request]) -> dict[str, httpx.Response]:
        reads = all(request["method"] in SAFE_METHODS for request in asked)
        came = await self.http_client.post("/$batch", json={"requests": asked}, extensions={"safe": reads})
        answer = came.json()
        given = answer.get("responses") if isinstance(answer, dict) else None
        if not isinstance(given, list):
            raise self._strange("/$batch", "the answer holds no responses")
        by_id = {str(each.get("id")): each for each in given}
        return {request["id"]: self._response(request, by_id.get(request["id"])) for request in asked}

    def _response(self, request: Request, given: Mapping[str, Any] | None) -> httpx.Response:
        sent = httpx.Request(request["method"], self.http_client.base_url.join(request["url"].lstrip("/")))
        if given is None and self.context.dry_run:
            return httpx.Response(200, json={}, request=sent)
        if given is None:
            raise self._strange("/$batch", f"the answer to {request['method']} {request['url']} is missing")
        headers = {name: value for name, value in (given.get("headers") or {}).items() if name.lower() == "retry-after"}
        return httpx.Response(int(given["status"]), headers=headers, json=given.get("body"), request=sent)


def _request(number: str, given: Mapping[str, Any]) -> Request:
    """Raises ValidationError for one that names no address of Graph's."""
    url, method = str(given.get("url", "")), str(given.get("method", "GET")).upper()
    if not url or "://" in url or url.startswith("//"):
        raise ValidationError(f"The URL of a request must be a path like /users, not {url!r}", field="url")
    request: Request = {"id": number, "method": method, "url": url if url.startswith("/") else f"/{url}"}
    if headers := dict(given.get("headers") or {}):
        request["headers"] = headers
    if (body := given.get("body")) is not None:
        request |= {"body": body, "headers": {"Content-Type": "application/json", **headers}}
    return request


def _may_pass(request: Request, response: httpx.Response) -> bool:
    return request["method"] in SAFE_METHODS and response.status_code in TRIED_AGAIN


def _pause(response: httpx.Response, attempt: int) -> float:
    wanted = retry_after(response)
    return PAUSE * 2.0 ** (attempt - 1) if wanted is None else wanted


def _result(response: httpx.Response) -> Any:
    if response.is_error:
        return error_of("msgraph", response)
    if not response.content:
        return Item()
    body = response.json()
    if isinstance(body, dict) and isinstance(body.get("value"), list):
        return collection(body["value"])
    return item(body) if isinstance(body, dict) else body
