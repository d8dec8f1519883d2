"""How HaloPSA's API is asked: lists in pages, objects by id, and arrays of what is to be written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from bifrost.sdk.errors import ConfigurationError, IntegrationError
from bifrost.sdk.http.endpoints import endpoint_of
from bifrost.sdk.integration import BaseIntegration
from integrations.halopsa.paging import PAGE_SIZE, each
from integrations.halopsa.signing_in import credentials
from integrations.paths import segment

Item = dict[str, Any]

#: Halo's own answers to what is written hold all fields; these are what a dry run has instead.
_STUB: Item = {"id": 0}


class HaloRequests(BaseIntegration):
    service_options: ClassVar[Mapping[str, Any]] = {
        "stubs": {f"POST /{resource}": _STUB for resource in ("Client", "Tickets", "Actions")}
    }

    async def authenticate(self) -> Any:
        return await credentials(self, self._server())

    def _server(self) -> str:
        said = self.get_config("halopsa_url") or self.get_config("halopsa_api_url") or ""
        url = str(said).rstrip("/").removesuffix("/api")
        if not url:
            raise ConfigurationError('The integration "halopsa" needs the config halopsa_url', "halopsa_url")
        return url

    def _api_url(self) -> str:
        return str(self.__dict__.get("api_url") or self.get_config("halopsa_api_url") or f"{self._server()}/api")

    async def _list(self, resource: str, name: str, **query: Any) -> list[Item]:
        """What Halo gives at once of a list that has no pages."""
        items, _ = _listed(await self._read(f"/{resource}", query), name)
        return items

    async def _page(self, resource: str, name: str, page: int | None, page_size: int, query: Item) -> list[Item]:
        """One page, or all of them where none is named."""
        if page is None:
            return [item async for item in self._stream(resource, name, page_size, query)]
        return (await self._paged(resource, name, page, page_size, query))[0]

    def _stream(self, resource: str, name: str, page_size: int, query: Item) -> AsyncIterator[Item]:
        async def read(page: int) -> tuple[list[Item], int]:
            return await self._paged(resource, name, page, page_size, query)

        return each(read, min(page_size, PAGE_SIZE))

    async def _paged(self, resource: str, name: str, page: int, page_size: int, query: Item) -> tuple[list[Item], int]:
        # By id: what is new comes last, and no page that was read gets it.
        paging = {"pageinate": True, "page_no": page, "page_size": min(page_size, PAGE_SIZE)}
        document = await self._read(f"/{resource}", {"order": "id", "orderdesc": False, **query, **paging})
        return _listed(document, name)

    async def _one(self, resource: str, item_id: Any, field: str) -> Item:
        given: Item = await self._read(f"/{resource}/{segment(item_id, field)}", {"includedetails": True})
        return given

    async def _read(self, path: str, query: Item) -> Any:
        told = {name: value for name, value in query.items() if value is not None}
        return (await self.http_client.get(path, params=told, extensions={"endpoint": endpoint_of(path)})).json()

    async def _write(self, resource: str, item: Item) -> Item:
        """Creates it, or changes it where it has an id; Halo takes an array and gives the object."""
        answer = await self.http_client.post(f"/{resource}", json=[item], extensions={"endpoint": f"/{resource}"})
        given = answer.json()
        written: Item = given[0] if isinstance(given, list) and given else given
        return {**written, **item} if self.context.dry_run else written


def _listed(document: Any, name: str) -> tuple[list[Item], int]:
    """A list and how many there are in all. Some lists come without their count."""
    if isinstance(document, list):
        return document, len(document)
    if isinstance(document, dict) and isinstance(document.get(name), list):
        return document[name], int(document.get("record_count", len(document[name])))
    raise IntegrationError(f"halopsa: the answer has no list of {name}", integration="halopsa")
