"""Runs Django's WSGI handler under uvicorn in a fixed pool of threads.

a2wsgi does the same with a round trip between thread and loop for each part of an answer; here an answer that is
complete crosses once, which is worth a third of the throughput (docs/performance.md). Bodies are read on the loop, so
a slow client holds no thread.
"""

from __future__ import annotations

import asyncio
import io
import queue
import re
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CHUNK_AT_ONCE = 1_000_000
DRAINED = 50  # times the limit are read and dropped, so that a client hears why rather than a closed connection
LARGER_AT_ONCE = 16
LARGER_SECONDS = 300.0  # in which a larger body has to be there
#: In the environ of a request without its body: whether it may bring one that is larger than others. 204: it may.
ROOM = "bifrost.room"
#: In the environ of a request of whose body something was dropped.
CUT = "bifrost.cut"


class Bridge:
    """An ASGI application for HTTP in front of a WSGI one, with `threads` threads of its own.

    Of a body longer than `body_limit` bytes the rest is dropped; CONTENT_LENGTH tells its true length, by which the
    application refuses it. `larger`: the limits of paths that take more, by patterns of the whole path, where the
    application says of this request that it may (see ROOM) before anything of it is read. Few of these are held in
    memory at once; others wait, unread.
    """

    def __init__(
        self, application: WSGI, threads: int, body_limit: int, larger: Mapping[str, int] | None = None
    ) -> None:
        self._application = application
        self._body_limit = body_limit
        self._larger = [(re.compile(pattern), limit) for pattern, limit in (larger or {}).items()]
        self._room = asyncio.Semaphore(LARGER_AT_ONCE)
        self._pool = _Pool(threads)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        limit = self._limit_of(scope)
        if limit <= self._body_limit or not await self._may_bring_more(scope):
            await self._pass_on(scope, receive, send, min(limit, self._body_limit))
            return
        async with self._room:
            await self._pass_on(scope, receive, send, limit, LARGER_SECONDS)

    async def _pass_on(
        self,
        scope: MutableMapping[str, Any],
        receive: Receive,
        send: Send,
        limit: int,
        seconds: float | None = None,
    ) -> None:
        try:
            async with asyncio.timeout(seconds):
                read = await self._body(receive, limit)
        except TimeoutError:
            await _refuse(send, 408)
            return
        if read is None:
            return  # the client hung up before it had said all: half a request is none
        body, length = read
        environ = environ_of(scope, body)
        if length:
            environ["CONTENT_LENGTH"] = str(length)
        if length > limit:
            environ[CUT] = True
        await self._answer(environ, send)

    async def _may_bring_more(self, scope: MutableMapping[str, Any]) -> bool:
        start, *_rest = await self.ask(scope, {ROOM: True, "CONTENT_LENGTH": "0"})
        return bool(start.get("status") == 204)

    async def ask(self, scope: MutableMapping[str, Any], extra: Mapping[str, Any]) -> list[Message]:
        """The parts of the answer to a request without a body, which no client gets; `extra` is in its environ."""
        parts: list[Message] = []

        async def keep(part: Message) -> None:
            parts.append(part)

        await self._answer({**environ_of(scope, b""), **extra}, keep)
        return parts

    async def _answer(self, environ: dict[str, Any], send: Send) -> None:
        answer = _Answer(asyncio.get_running_loop(), send)
        self._pool.submit(lambda: answer.make(self._application, environ))
        await answer.send()

    def _limit_of(self, scope: MutableMapping[str, Any]) -> int:
        """How much of its body is kept: nothing where it says itself that it is too long."""
        declared, limit = _declared(scope), self._body_limit
        if self._larger and scope["method"] == "POST":
            fitting = (each for pattern, each in self._larger if pattern.fullmatch(scope["path"]))
            limit = next(fitting, limit)
        if declared is None:
            return limit
        return 0 if declared > limit else min(limit, max(declared, self._body_limit))

    async def _body(self, receive: Receive, limit: int) -> tuple[bytes, int] | None:
        """What fits of the body, and how long it is; reading ends where nobody could mean it any more.

        None where the client went away in the middle of it.
        """
        chunks, length, more = [], 0, True
        while more and length <= max(limit, self._body_limit * DRAINED):
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            chunks.append(part[: max(0, limit - length)])
            length += len(part)
            more = message.get("more_body", False)
        return b"".join(chunks), length


Job = Callable[[], None]


class _Pool:
    """Threads that take jobs; the one that was busy last goes first, so that few connections stay warm and busy."""

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Job] = deque()
        self._idle: list[queue.SimpleQueue[Job]] = []
        for number in range(threads):
            inbox: queue.SimpleQueue[Job] = queue.SimpleQueue()
            self._idle.append(inbox)
            threading.Thread(target=self._work, args=(inbox,), name=f"web-{number}", daemon=True).start()

    def submit(self, job: Job) -> None:
        with self._lock:
            if not self._idle:
                self._waiting.append(job)
                return
            inbox = self._idle.pop()
        inbox.put(job)

    def _work(self, inbox: queue.SimpleQueue[Job]) -> None:
        job = inbox.get()
        while True:
            job()
            job = self._next(inbox) or inbox.get()

    def _next(self, inbox: queue.SimpleQueue[Job]) -> Job | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._idle.append(inbox)
            return None


class _Answer:
    """One answer: made in a pool thread, sent from the loop. Complete ones cross in one step, long ones in pieces."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send) -> None:
        self._loop = loop
        self._send = send
        self._parts: asyncio.Queue[Message | None] = asyncio.Queue()
        self._start: Message = {}
        self._begun = False  # a part of it is on its way

    async def send(self) -> None:
        while (part := await self._parts.get()) is not None:
            await self._send(part)

    def make(self, application: WSGI, environ: dict[str, Any]) -> None:
        """Runs the application; called in a pool thread, which nothing that it raises may end."""
        try:
            self._make(application, environ)
        except BaseException:  # noqa: BLE001
            # Django answers its own errors: what arrives here is a broken answer, and only the log can say so.
            sys.excepthook(*sys.exc_info())
            self._hand_over(*self._failure(), None)

    def _make(self, application: WSGI, environ: dict[str, Any]) -> None:
        chunks = application(environ, self._start_response)
        try:
            body = bytearray()
            for chunk in chunks:
                body += chunk
                if len(body) >= CHUNK_AT_ONCE:
                    self._hand_over(*self._pending_start(), _body(bytes(body), more=True))
                    body = bytearray()
            self._hand_over(*self._pending_start(), _body(bytes(body), more=False), None)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _pending_start(self) -> list[Message]:
        if self._begun:
            return []
        if not self._start:
            raise RuntimeError("The application gave a body and no status.")
        self._begun = True
        return [self._start]

    def _failure(self) -> list[Message]:
        """An answer of its own; where one has begun, no end of it, so that the connection breaks off."""
        return [] if self._begun else _bare(500)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[..., None]:
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._start = {"type": "http.response.start", "status": int(status[:3]), "headers": encoded}
        return lambda chunk: None

    def _hand_over(self, *parts: Message | None) -> None:
        self._loop.call_soon_threadsafe(self._put, parts)

    def _put(self, parts: Iterable[Message | None]) -> None:
        for part in parts:
            self._parts.put_nowait(part)


def _body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def _bare(status: int, *headers: tuple[bytes, bytes]) -> list[Message]:
    all_headers = [(b"content-type", b"text/plain"), (b"content-length", b"0"), *headers]
    return [{"type": "http.response.start", "status": status, "headers": all_headers}, _body(b"", more=False)]


async def _refuse(send: Send, status: int) -> None:
    """An answer that waits for nothing more of its client."""
    for part in _bare(status, (b"connection", b"close")):
        await send(part)


def _declared(scope: MutableMapping[str, Any]) -> int | None:
    """How long its body is, by what the request says itself."""
    said = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(said[0]) if said and said[0].isdigit() else None


def environ_of(scope: MutableMapping[str, Any], body: bytes) -> dict[str, Any]:
    """The WSGI environ (PEP 3333) of an ASGI HTTP scope."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        _add_header(environ, name.decode("latin-1"), value.decode("latin-1"))
    return environ


def _add_header(environ: dict[str, Any], name: str, value: str) -> None:
    if "_" in name:
        return  # "x_organization_id" must not pass for "x-organization-id"
    key = name.upper().replace("-", "_")
    if key not in {"CONTENT_LENGTH", "CONTENT_TYPE"}:
        key = f"HTTP_{key}"
    environ[key] = f"{environ[key]},{value}" if key in environ else value
