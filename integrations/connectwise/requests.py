"""How ConnectWise's API is asked: Basic authentication with a client id, pages by Link, changes by JSON Patch."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx

from bifrost.sdk.errors import ConfigurationError, ValidationError
from bifrost.sdk.http.endpoints import endpoint_of
from bifrost.sdk.integration import BaseIntegration
from integrations.connectwise.conditions import conditions as condition_text

Item = dict[str, Any]

#: Where the API is on every ConnectWise server.
API = "/v4_6_release/apis/3.0"
PAGE_SIZE = 250
MOST_PER_PAGE = 1000
#: Pages by the last id that came, which stay right while records come and go.
FORWARD = {"pagination-type": "forward-only"}
_STUB: Item = {"id": 0}


class ConnectWiseRequests(BaseIntegration):
    service_options: ClassVar[Mapping[str, Any]] = {
        "stubs": {
            "POST /service/tickets": _STUB,
            "PATCH /service/tickets/{id}": _STUB,
            "POST /service/tickets/{id}/notes": _STUB,
            "POST /company/companies": _STUB,
            "POST /company/contacts": _STUB,
            "POST /time/entries": _STUB,
        }
    }

    async def authenticate(self) -> dict[str, str]:
        _ = self.api_url  # raises where it is not set
        company, public, client = map(self._needed, ("cw_company_id", "cw_public_key", "cw_client_id"))
        private = await self.get_secret("cw_private_key")
        pair = base64.b64encode(f"{company}+{public}:{private}".encode()).decode()
        return {"Authorization": f"Basic {pair}", "clientId": client}

    def _needed(self, key: str) -> str:
        if not (value := self.get_config(key)):
            raise ConfigurationError(f'The integration "connectwise" needs the config {key}', key)
        return str(value)

    def _api_url(self) -> str:
        """The configured address; with the API's usual path where it names only a server."""
        url = super()._api_url().rstrip("/")
        return url + API if url and not urlsplit(url).path else url

    async def _list(
        self, path: str, conditions: Any, order_by: str | None, page: int | None, page_size: int, more: Item
    ) -> list[Item]:
        """One page, or all of them where none is named."""
        if page is None:
            return [item async for item in self._stream(path, conditions, order_by, page_size, more)]
        query = _query(conditions, order_by, page_size, {"page": page, **more})
        items: list[Item] = (await self._get(path, query)).json()
        return items

    async def _stream(
        self, path: str, conditions: Any, order_by: str | None, page_size: int, more: Item
    ) -> AsyncIterator[Item]:
        """Every record once, page after page."""
        query, seen = _query(conditions, order_by, page_size, more), set()
        # Pages by id have no other order.
        headers = {} if order_by else FORWARD
        while True:
            response = await self._get(path, query, headers)
            items = response.json()
            for item in items:
                if item.get("id") not in seen:
                    seen.add(item.get("id"))
                    yield item
            # Of the link only what it asks for: where we ask and with which credentials is not the answer's to say.
            following = httpx.URL(response.links.get("next", {}).get("url", "")).params
            if not items or not following:
                return
            query = {**query, **following}

    async def _get(self, path: str, query: Item, headers: Mapping[str, str] | None = None) -> httpx.Response:
        how = {"endpoint": endpoint_of(path)}
        return await self.http_client.get(path, params=query, headers=headers, extensions=how)

    async def _one(self, path: str) -> Item:
        given: Item = (await self._get(path, {})).json()
        return given

    async def _create(self, path: str, item: Item) -> Item:
        answer = await self.http_client.post(path, json=item, extensions={"endpoint": endpoint_of(path)})
        created: Item = answer.json()
        return {**item, **created} if self.context.dry_run else created

    async def _patch(self, path: str, changes: Item) -> Item:
        operations = [_operation(field, value) for field, value in changes.items()]
        answer = await self.http_client.patch(path, json=operations, extensions={"endpoint": endpoint_of(path)})
        patched: Item = answer.json()
        return {**changes, **patched} if self.context.dry_run else patched


def _query(conditions: Any, order_by: str | None, page_size: int, more: Item) -> Item:
    query = {"conditions": condition_text(conditions), "orderBy": order_by, "pageSize": min(page_size, MOST_PER_PAGE)}
    return {name: value for name, value in {**query, **more}.items() if value is not None}


def _operation(field: str, value: Any) -> Item:
    if "/" in field:
        raise ValidationError(
            f'{field}: ConnectWise ignores changes inside of an object; give the whole of "{field.partition("/")[0]}"',
            field=field,
        )
    if value is None:
        return {"op": "remove", "path": field}
    return {"op": "replace", "path": field, "value": value}


def reference(value: Any, named: str) -> Any:
    """Another record: its id, what ConnectWise calls it in the field `named`, or a reference as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return {"id": value}
    return {named: value} if isinstance(value, str) else value
