"""How Graph is asked: one object, a collection page by page, a change; and what is done once however often a run goes
on from its journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx

from bifrost.sdk.errors import IntegrationError
from bifrost.sdk.steps import StepCall, current_step
from integrations.msgraph.names import path_of
from integrations.msgraph.queries import Query
from integrations.msgraph.results import Collection, Item, collection, item
from integrations.msgraph.signing_in import SignsIn
from integrations.msgraph.stubs import STUBS

#: What Graph says of a page that was asked for too late.
EXPIRED_PAGE = "Directory_ExpiredPageToken"
#: What makes a request that changes something safe to be sent again.
IDEMPOTENT = {"idempotent": True}


class AsksGraph(SignsIn):
    service_options = {"stubs": STUBS}

    async def _get(self, path: str, **parameters: str | None) -> Item:
        wanted = {f"${name}": value for name, value in parameters.items() if value}
        return self._object(path, await self.http_client.get(path, params=wanted))

    async def _found(self, path: str, **parameters: str | None) -> Item | None:
        """The same; None where Graph has no such object."""
        try:
            return await self._get(path, **parameters)
        except IntegrationError as error:
            if error.status_code == 404:
                return None
            raise

    async def _list(self, path: str, query: Query) -> Collection:
        """All that a collection holds. Where a page was asked for too late, it is read once more from its beginning."""
        try:
            return Collection([each async for each in self._each(path, query)])
        except IntegrationError as error:
            if error.details.get("code") != EXPIRED_PAGE:
                raise
        return Collection([each async for each in self._each(path, query)])

    async def _each(self, path: str, query: Query) -> AsyncIterator[Item]:
        """One after the other, each once: a collection that changes while it is read may show one on two pages."""
        seen: set[str] = set()
        count = 0
        async for page in self._pages(path, query):
            for each in page:
                key = str(each.get("id", ""))
                if key and key in seen:
                    continue
                seen.add(key)
                yield each
                count += 1
                if count == query.top:
                    return

    async def _pages(self, path: str, query: Query) -> AsyncIterator[Collection]:
        headers, asked = query.headers(), {path}
        answer = (await self.http_client.get(path, params=query.parameters(), headers=headers)).json()
        while True:
            if not isinstance(answer, dict) or not isinstance(answer.get("value"), list):
                raise self._strange(path, "the answer is no collection")
            yield collection(answer["value"])
            link = answer.get("@odata.nextLink")
            if link is None:
                return
            if link in asked:
                raise self._strange(path, "its pages go round in a circle")
            asked.add(link)
            answer = (await self.http_client.get(self._next(path, link), headers=headers)).json()

    def _next(self, path: str, link: str) -> httpx.URL:
        """The address of the next page, which must not lead the token to another host."""
        url, own = httpx.URL(link), self.http_client.base_url
        if (url.scheme, url.host, url.port) != (own.scheme, own.host, own.port):
            raise self._strange(path, f"its next page would be at another host, {url.host}")
        return url

    async def _post(self, path: str, body: Mapping[str, Any], **extensions: Any) -> Item:
        answer = await self.http_client.post(path, json=dict(body), extensions=extensions)
        return self._object(path, answer) if answer.content else Item()

    async def _patch(self, path: str, body: Mapping[str, Any]) -> None:
        await self.http_client.patch(path, json=dict(body), extensions=IDEMPOTENT)

    async def _put(self, path: str, body: Mapping[str, Any]) -> None:
        await self.http_client.put(path, json=dict(body), extensions=IDEMPOTENT)

    async def _delete(self, path: str) -> None:
        await self.http_client.delete(path)

    async def _once(self, name: str, make: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        """Does it as a step, unless it is inside one: for a change that makes something up, or that looks something up
        first, which a run that resumes must not do again: what it finds then may be gone. The journal shows
        `arguments`; what is secret in the result it keeps encrypted.
        """
        if current_step.get() is not None:
            return await make(*arguments)
        call = StepCall(f"msgraph {name}", make, arguments, implicit=True, activity_type=f"msgraph {name}")
        return await self.context.call_step(call)

    async def _user_id(self, key: str) -> str:
        """The object id: references to users take no other name."""
        return str((await self._get(path_of("users", key), select="id"))["id"]) if "@" in key else key

    def _reference(self, object_id: str) -> dict[str, str]:
        return {"@odata.id": f"{str(self.http_client.base_url).rstrip('/')}/directoryObjects/{object_id}"}

    def _object(self, path: str, answer: httpx.Response) -> Item:
        document = answer.json()
        if not isinstance(document, dict):
            raise self._strange(path, "the answer is no object")
        return item(document)

    def _strange(self, path: str, what: str) -> IntegrationError:
        return IntegrationError(f"msgraph: {path}: {what}", integration="msgraph")

    def _none(self, what: str, name: str, others: list[str] | None = None) -> IntegrationError:
        """Nothing has this name."""
        known = f"; there are: {', '.join(sorted(others))}" if others else ""
        return IntegrationError(
            f'msgraph: there is no {what} "{name}"{known}',
            integration="msgraph",
            status_code=404,
            details={"hint": f"Check the name, or make the {what} first."},
        )
