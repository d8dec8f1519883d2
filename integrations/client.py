"""Clients of outside services: the only module that makes httpx clients.

All runs of a process share its connections, which belong to its loop; what is one run's own (credentials, cookies, what
is tracked) is in the client, which costs next to nothing to make.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import httpcore
import httpx

from bifrost.sdk.errors import IntegrationError
from bifrost.sdk.http.client import ServiceClient
from bifrost.sdk.http.service import Calls, Credentials, Service
from integrations.addresses import allowed

# httpcore goes through all connections of a pool, and at each idle one through all of them again, some three times for
# each request. 25 at once took three quarters of a worker's time for that; several small pools take next to nothing.
PARTS = 8
MOST_CONNECTIONS = 200 // PARTS
KEPT_CONNECTIONS = 48 // PARTS
KEPT_SECONDS = 30.0

_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[bool, Pool]] = WeakKeyDictionary()


def service_client(
    service: Service, calls: Calls, credentials: Credentials | None, loop: asyncio.AbstractEventLoop
) -> ServiceClient:
    """A client for one run, whose requests are made on this loop."""
    pools = _pools.setdefault(loop, {})
    if service.private_addresses not in pools:
        pools[service.private_addresses] = Pool(private=service.private_addresses)
    return ServiceClient(service, calls, pools[service.private_addresses], credentials)


async def close_connections() -> None:
    """Those that were made on the running loop, which is about to be closed."""
    for pool in _pools.pop(asyncio.get_running_loop(), {}).values():
        await pool.aclose()


class Pool(httpx.AsyncBaseTransport):
    """The process's connections to public services, or to those that may lie in a private network.

    A request goes to the part that has the least to do, so that one after the other they use one connection.
    """

    def __init__(self, *, private: bool) -> None:
        self._parts = [_Part(private) for _ in range(PARTS)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await min(self._parts, key=lambda part: part.under_way).handle_async_request(request)

    async def aclose(self) -> None:
        for part in self._parts:
            await part.aclose()


class _Part(httpx.AsyncHTTPTransport):
    """`under_way` counts the requests whose answers have not been read to their end, or closed."""

    def __init__(self, private: bool) -> None:
        super().__init__(verify=tls())
        self.under_way = 0
        # httpx has no way to say who connects; httpcore, on which it stands, has.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls(),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_Network(private),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.under_way += 1
        try:
            answer = await super().handle_async_request(request)
        except BaseException:
            self.under_way -= 1
            raise
        assert isinstance(answer.stream, httpx.AsyncByteStream)
        answer.stream = _Body(answer.stream, self)
        return answer


class _Body(httpx.AsyncByteStream):
    """An answer's; httpx closes it once, at its end or where nobody reads on."""

    def __init__(self, stream: httpx.AsyncByteStream, part: _Part) -> None:
        self._stream = stream
        self._part = part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        self._part.under_way -= 1
        await self._stream.aclose()


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Reading the authorities' certificates takes some 20 ms: once for each process."""
    return httpx.create_ssl_context()


class _Network(httpcore.AsyncNetworkBackend):
    """Looks a name up, checks what it means, and connects to that."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = allowed(await _looked_up(host, port), host, private=self._private)
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, path: str, *arguments: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        raise IntegrationError("An outside service is not called by a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


async def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))
