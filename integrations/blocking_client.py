"""Requests that the platform itself makes of outside services, by the same rules of addresses as `client`.

They block, and have a deadline for the whole: a service that sends a byte now and then does not hold up a thread.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from bifrost.sdk.errors import IntegrationError
from integrations.addresses import allowed
from integrations.client import tls

MOST_BYTES = 1_000_000


class TooLate(httpx.TimeoutException):
    """The whole took longer than it may."""


def ask(request: httpx.Request, seconds: float) -> httpx.Response:
    """The answer, whole; redirects are not followed. Raises httpx.HTTPError, and IntegrationError where the address may
    not be called."""
    deadline = time.monotonic() + seconds
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
    with _Transport() as transport:
        answer = transport.handle_request(request)
        try:
            body = b""
            for part in answer.iter_raw():
                body += part
                if time.monotonic() > deadline:
                    raise TooLate("The answer took too long.", request=request)
                if len(body) > MOST_BYTES:
                    raise httpx.ReadError("The answer is too large.", request=request)
        finally:
            answer.close()
    return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)


class _Transport(httpx.HTTPTransport):
    def __init__(self) -> None:
        super().__init__(verify=tls())
        self._pool = httpcore.ConnectionPool(ssl_context=tls(), network_backend=_Network())


class _Network(httpcore.NetworkBackend):
    """Looks a name up, checks what it means, and connects to that."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = allowed(_looked_up(host, port), host, private=False)
        for address in addresses[:-1]:
            try:
                return self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._backend.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, path: str, *arguments: Any, **named: Any) -> httpcore.NetworkStream:
        raise IntegrationError("An outside service is not called by a socket of this machine")

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def _looked_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))
