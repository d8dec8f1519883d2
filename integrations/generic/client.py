"""Any REST service from its OpenAPI document.

pets = await context.get_integration("generic").open("pets", document="https://pets.example/openapi.json",
                                                     authentication={"bearer": "pets_token"})
first = await pets.list_pets(limit=10)
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.integration import BaseIntegration, Operations
from integrations.generic.authentication import Authentication
from integrations.generic.document import Document
from integrations.generic.operation import Operation

Source = str | Path | Mapping[str, Any]


class OpenApi(BaseIntegration):
    """Opens services. A document is read once for each execution.

    Not supported: YAML, OpenAPI 2, references to other documents, bodies that are not JSON (answers that are not are
    given as text), parameters in cookies, objects in a query, OAuth, and checks beyond types, choices and required
    fields.
    """

    integration_name = "generic"

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._opened: dict[str, Api] = {}

    async def open(
        self,
        name: str,
        document: Source,
        authentication: Mapping[str, Any] | None = None,
        *,
        base_url: str | None = None,
        **options: Any,
    ) -> Api:
        """A client of the service, which the record calls by this name.

        `document`: a URL, a `Path`, the text, or what the text says. `authentication` names secrets, as in
        `Authentication`. The service is at `base_url`, the config `{name}_api_url` or `{name}_url`, or where the
        document says. `options`: those of `bifrost.sdk.http.service.Service`.
        """
        if name not in self._opened:
            described = await self._read(name, document, options)
            letting_in = Authentication(authentication)
            self._opened[name] = Api(_Service(self.context, name, described, letting_in, base_url, options))
        return self._opened[name]

    async def _read(self, name: str, source: Source, options: Mapping[str, Any]) -> Document:
        if isinstance(source, Mapping):
            return Document(source)
        if isinstance(source, Path):
            return Document.parse(source.read_text(encoding="utf-8"))
        if not source.startswith(("https://", "http://")):
            return Document.parse(source)
        client = self.context.http(name, **{**options, "raises": True})
        answer = await client.get(source, follow_redirects=True)
        return Document.parse(answer.text, source)


class Api(Operations):
    """A service whose operations are methods: `dir()` lists them, their arguments are checked against the document."""

    def __init__(self, service: _Service) -> None:
        self._service = service

    def __dir__(self) -> list[str]:
        return sorted(self._service.document.operations)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        operations = {} if name.startswith("_") else self._service.document.operations
        if name not in operations:
            near = difflib.get_close_matches(name, operations, n=3)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise AttributeError(f"There is no operation {name}{hint}")
        operation = operations[name]

        async def call(**arguments: Any) -> Any:
            return await self._service.call(operation, arguments)

        call.__name__, call.__doc__ = name, operation.summary
        return call


class _Service(BaseIntegration):
    """Apart from `Api`, whose names are all the service's own."""

    def __init__(
        self,
        context: Any,
        name: str,
        document: Document,
        authentication: Authentication,
        base_url: str | None,
        options: Mapping[str, Any],
    ) -> None:
        super().__init__(context)
        self._name = name
        self.document = document
        self._authentication = authentication
        self._said_url = base_url
        self.service_options = dict(options)  # type: ignore[misc]  # each service has its own

    async def authenticate(self) -> dict[str, str]:
        return await self._authentication.headers(self.get_secret)

    async def call(self, operation: Operation, arguments: Mapping[str, Any]) -> Any:
        request = operation.request(arguments, self.document.resolve)
        response = await self.http_client.request(
            operation.method,
            request.path,
            params={**request.query, **await self._authentication.query(self.get_secret)},
            headers=request.headers,
            json=request.body,
            extensions={"endpoint": operation.endpoint},
        )
        if not response.content:
            return None
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    def _service_name(self) -> str:
        return self._name

    def _api_url(self) -> str:
        if url := self._said_url or super()._api_url():
            return url
        url, key = self.document.server(), f"{self._name}_api_url"
        if not urlsplit(url).hostname:
            raise ConfigurationError(f"The OpenAPI document names no server: set base_url, or the config {key}", key)
        read_from = urlsplit(self.document.url).hostname
        if self._authentication and read_from and urlsplit(url).hostname != read_from:
            # Who can change the document must not be able to collect the credentials.
            raise ConfigurationError(
                f"The OpenAPI document of {read_from} names another server, {urlsplit(url).hostname}: set base_url,"
                f" or the config {key}, to send credentials there",
                key,
            )
        return url
