"""The web application behind a real uvicorn on a free port, and browsers that listen to its streams."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from django.core.wsgi import get_wsgi_application
from django.test import Client

from bifrost.bridge import Bridge
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.serving import Server
from tests.workflows_app.rest.rows import STARTED, make_events, make_execution
from workflows_app.live.streaming import LiveStreams, is_live
from workflows_app.models import Execution, ExecutionEvent

HOST = "127.0.0.1"
SECONDS = 10.0


@dataclass(frozen=True)
class Served:
    """A web process: its address, and what it holds for those who listen."""

    address: str
    streams: LiveStreams

    def path(self, organization: OrganizationRecord, execution: UUID | str, query: str = "") -> str:
        return f"http://{self.address}/o/{organization.org_id}/live/executions/{execution}{query}"


@contextlib.contextmanager
def serving(threads: int = 4) -> Iterator[Served]:
    """Serves pages and streams as bifrost.asgi does, without an engine."""
    pages = Bridge(get_wsgi_application(), threads, 1_000)
    streams = LiveStreams(pages.ask)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await (streams if is_live(scope) else pages)(scope, receive, send)

    with socket.create_server((HOST, 0)) as listening:
        quiet = {"lifespan": "off", "log_level": "critical", "access_log": False, "timeout_graceful_shutdown": 5}
        server = Server(uvicorn.Config(application, **quiet))  # type: ignore[arg-type]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Served(f"{HOST}:{listening.getsockname()[1]}", streams)
        finally:
            streams.watchers.close(5)
            server.should_exit = True
            thread.join()


def cookies_of(user: User) -> dict[str, str]:
    """What the browser of somebody keeps who has signed in."""
    client = Client()
    client.force_login(user)
    return {name: morsel.value for name, morsel in client.cookies.items()}


Event = tuple[str, dict[str, Any]]


class Listener:
    """An EventSource that does not come again: each event as (name, data), with the moment at which it was read."""

    def __init__(self, url: str, cookies: dict[str, str] | None = None, **headers: str) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = ""
        self.comments = 0
        self.moments: list[float] = []
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._open = threading.Event()
        self._client = httpx.Client(
            cookies=cookies, headers=headers, timeout=httpx.Timeout(SECONDS, read=60), verify=False
        )
        self._thread = threading.Thread(target=self._listen, args=(url,), daemon=True)
        self._thread.start()
        assert self._open.wait(SECONDS), "no answer"

    def _listen(self, url: str) -> None:
        try:
            with self._client.stream("GET", url) as answer:
                self._answer = answer
                self.status, self.headers = answer.status_code, dict(answer.headers)
                if answer.status_code != 200:
                    self.body = answer.read().decode()
                self._open.set()
                if answer.status_code == 200:
                    self._read(answer)
        except (httpx.TransportError, httpx.StreamError, OSError, ValueError):
            pass  # it was hung up in the middle of its reading
        finally:
            self._open.set()
            self._events.put(None)

    def _read(self, answer: httpx.Response) -> None:
        name = ""
        for line in answer.iter_lines():
            self.comments += line.startswith(":")
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                self.moments.append(time.time())
                self._events.put((name, json.loads(value)))

    def next(self, seconds: float = SECONDS) -> Event | None:
        """The next event; None once the stream has ended. Fails where neither comes in time."""
        return self._events.get(timeout=seconds)

    def hang_up(self) -> None:
        with contextlib.suppress(Exception):
            stream: Any = self._answer.extensions["network_stream"]
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(SECONDS)
        self._client.close()


def running(organization: OrganizationRecord, lines: int = 2, **fields: Any) -> UUID:
    """An execution under way, with so many lines in its journal."""
    execution = make_execution(organization, status="Running", result=None, **fields)
    make_events(organization, execution, *[("log", "info", {"message": "m", "data": None})] * lines)
    return execution


def log_line(organization: OrganizationRecord, execution: UUID, seq: int) -> None:
    """One line more, as the engine would write it."""
    with org_context(organization):
        ExecutionEvent.objects.create(
            execution_id=execution, seq=seq, at=STARTED, kind="log", name="info", path="", number=seq, data={}
        )


def set_status(organization: OrganizationRecord, execution: UUID, status: str) -> None:
    with org_context(organization):
        Execution.objects.filter(id=execution).update(status=status)
