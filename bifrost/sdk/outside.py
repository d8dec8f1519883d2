"""What a context offers to ask outside services: integrations, and a client for any other service."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.host import Host
from bifrost.sdk.http.service import Credentials, Service
from bifrost.sdk.integration import Operations
from bifrost.sdk.plain_calls import PlainCalls, name_of

if TYPE_CHECKING:
    from bifrost.sdk.blocking import BlockingContext
    from bifrost.sdk.http.client import ServiceClient


class OutsideServices(PlainCalls):
    """The part of an `async def` workflow's context that asks outside services."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._integrations: dict[str, Any] = {}

    @property
    def dry_run(self) -> bool:
        """Whether this run only reads: what would change something outside is recorded and not sent."""
        return self._host.dry_run

    def get_integration(self, name: str) -> Any:
        """The integration of this name, whatever its case; one instance for each execution.

        ConfigurationError where there is none.
        """
        self._host.check()
        wanted = name_of(name).lower()
        if wanted not in self._integrations:
            integration = self._host.integration(wanted)
            if integration is None:
                raise ConfigurationError(f'There is no integration "{name_of(name)}"', config_key=name_of(name))
            self._integrations[wanted] = integration(self)
        return self._integrations[wanted]

    def http(self, service: str, **options: Any) -> ServiceClient:
        """httpx's client for any service, tracked, spared and tried again; `options` are those of
        `bifrost.sdk.http.service.Service`: `context.http("weather", base_url="https://api.example.com")`.

        An answer with an error status is an IntegrationError, unless `raises=False`.
        """
        return self._service_client(Service.parse(name_of(service), options))

    def _service_client(self, service: Service, credentials: Credentials | None = None) -> ServiceClient:
        self._host.check()
        return self._host.http(service, credentials)


class Blocking:
    """An integration or a client for a plain `def` workflow: what is awaited otherwise blocks."""

    def __init__(self, context: BlockingContext, target: Any) -> None:
        self._context = context
        self._target = target

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            given = found(*args, **kwargs)
            if inspect.isasyncgen(given):
                return self._each(given)
            came = self._context._wait(_awaited(given)) if inspect.isawaitable(given) else given
            return Blocking(self._context, came) if isinstance(came, Operations) else came

        return call

    def _each(self, stream: AsyncIterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._context._wait(_next(stream, end))) is not end:
            yield item


async def _awaited(given: Any) -> Any:
    return await given


def _next(stream: AsyncIterator[Any], end: object) -> Coroutine[Any, Any, Any]:
    async def item() -> Any:
        return await anext(stream, end)

    return item()
