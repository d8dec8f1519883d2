"""The bridge behind a real uvicorn on a free port, and clients that are less polite than httpx."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import uvicorn

from bifrost.bridge import ROOM, Bridge
from tests.serving import Server

HOST = "127.0.0.1"
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def answering(*chunks: bytes, status: str = "200 OK", headers: Iterable[tuple[str, str]] = ()) -> Application:
    """An application that always gives this answer."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(status, list(headers))
        return chunks

    return application


def telling(tell: Callable[[Environ], object]) -> Application:
    """An application that answers what the function says of the request."""

    def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        text = str(tell(environ)).encode()
        start_response("200 OK", [("Content-Length", str(len(text)))])
        return [text]

    return application


def body_of(environ: Environ) -> bytes:
    """What there is of the request's body."""
    found = environ["wsgi.input"].read()
    assert isinstance(found, bytes)
    return found


def admitting(application: Application, status: str = "204 No Content") -> Application:
    """The same, where this is its answer to whether a larger body may come."""
    refusal = answering(status=status)
    return lambda environ, start: (refusal if ROOM in environ else application)(environ, start)


@contextlib.contextmanager
def serving(
    application: Application, threads: int = 4, body_limit: int = 1000, larger: dict[str, int] | None = None
) -> Iterator[str]:
    """Serves it as the platform is served; gives host and port."""
    with socket.create_server((HOST, 0)) as listening:
        bridge = Bridge(application, threads, body_limit, larger)
        # A request that is never answered fails its test, and does not keep the server from ending.
        quiet = {"lifespan": "off", "log_level": "critical", "access_log": False, "timeout_graceful_shutdown": 5}
        server = Server(uvicorn.Config(bridge, **quiet))  # type: ignore[arg-type]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"{HOST}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextlib.contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        yield client


def said(address: str, request: bytes) -> bytes:
    """All that the server says to these bytes until it closes the connection."""
    with connected(address) as client:
        client.sendall(request)
        return heard(client)


def heard(client: socket.socket) -> bytes:
    answer = b""
    while part := client.recv(1_000_000):
        answer += part
    return answer
