"""A real HTTP server on loopback that plays an outside service, with faults on demand."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from tests.serving import Server


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    port: int  # of the client: tells connections apart

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None

    @property
    def body(self) -> bytes:
        if self.text is not None:
            return self.text.encode()
        return b"" if self.json is None and self.status == 204 else json.dumps(self.json).encode()


@dataclass(frozen=True)
class Fault:
    """What happens instead of, or to, the next reply. `effect`: whether the request is done all the same.

    `seconds`: so long nothing comes; `cut`: so many bytes of the body come, then the connection ends; `drip`: seconds
    between two bytes of the body.
    """

    reply: Reply | None = None
    effect: bool = False
    seconds: float = 0.0
    cut: int | None = None
    drip: float = 0.0


class Vendor:
    """Answers requests; what it was asked is in `asked`, what goes wrong next in `faults`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self.url = ""

    def reply(self, asked: Asked) -> Reply:
        """What the service would say."""
        return Reply(json={})

    def asked_for(self, method: str, path: str) -> list[Asked]:
        return [each for each in self.asked if (each.method, each.path) == (method, path)]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        asked = await _read(scope, receive)
        self.asked.append(asked)
        fault = self.faults.popleft() if self.faults else Fault(effect=True)
        if fault.seconds:
            if fault.effect:
                self.reply(asked)
            await asyncio.sleep(fault.seconds)
        reply = fault.reply or self.reply(asked)
        if fault.reply is not None and fault.effect:
            self.reply(asked)
        await _write(send, reply, fault)


async def _read(scope: Any, receive: Any) -> Asked:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode(), True).items()}
    return Asked(scope["method"], scope["path"], query, headers, body, scope["client"][1])


async def _write(send: Any, reply: Reply, fault: Fault) -> None:
    body = reply.body
    named = {"content-type": "application/json", **{name.lower(): value for name, value in reply.headers.items()}}
    if reply.status != 204:
        named["content-length"] = str(len(body))
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if fault.cut is not None:
        await send({"type": "http.response.body", "body": body[: fault.cut], "more_body": True})
        raise ConnectionAbortedError("as the test wants it")
    if fault.drip:
        for position in range(len(body)):
            await send({"type": "http.response.body", "body": body[position : position + 1], "more_body": True})
            await asyncio.sleep(fault.drip)
        body = b""
    await send({"type": "http.response.body", "body": body})


@contextmanager
def served(vendor: Vendor, **tls: Any) -> Iterator[str]:
    """The vendor's address while it is served; HTTP/1.1 with connections that stay. `tls`: uvicorn's options."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1000)
        config = uvicorn.Config(vendor, log_level="critical", lifespan="off", access_log=False, **tls)
        server = Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        vendor.url = f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield vendor.url
        finally:
            server.should_exit = server.force_exit = True
            thread.join(10)
