"""The web process's ASGI application: its start and stop, and what it does not serve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bifrost import asgi
from workflows_app import catalog
from workflows_app.engine import logs, process
from workflows_app.errors import PlatformUnavailable

Message = dict[str, Any]


class Platform:
    """Stands in for the engine and the catalog's watcher, and notes what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = 0

    def engine(self) -> None:
        self.asked.append("engine")
        if self.away:
            self.away -= 1
            raise PlatformUnavailable("The database is away; nothing was started.")

    def stop(self, grace: float, *, for_good: bool) -> None:
        assert for_good
        self.asked.append(f"stop in {grace:g} s")


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    made = Platform()
    monkeypatch.setattr(asgi, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(logs, "guard_output", lambda: None)
    monkeypatch.setattr(process, "engine", made.engine)
    monkeypatch.setattr(process, "stop", made.stop)
    monkeypatch.setattr(catalog, "start_watching", lambda: made.asked.append("watch"))
    monkeypatch.setattr(catalog, "stop_watching", lambda: made.asked.append("unwatch"))
    yield made


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """The application as a server runs it: started inside the block, stopped after it."""
    to_it: asyncio.Queue[Message] = asyncio.Queue()
    from_it: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.create_task(asgi.application({"type": "lifespan"}, to_it.get, from_it.put))
    await to_it.put({"type": "lifespan.startup"})
    assert await from_it.get() == {"type": "lifespan.startup.complete"}
    yield
    await to_it.put({"type": "lifespan.shutdown"})
    assert await from_it.get() == {"type": "lifespan.shutdown.complete"}
    await running


async def asked(platform: Platform, *wanted: str) -> None:
    async with asyncio.timeout(5):
        while platform.asked[: len(wanted)] != list(wanted):
            await asyncio.sleep(0.001)


@pytest.mark.asyncio
async def test_the_engine_starts_with_the_process_and_stops_with_it(platform: Platform) -> None:
    async with lifespan():
        await asked(platform, "watch", "engine")

    assert platform.asked == ["watch", "engine", "stop in 0 s", "unwatch"]


@pytest.mark.asyncio
async def test_it_serves_while_the_database_is_away_and_tries_on(platform: Platform) -> None:
    platform.away = 3

    async with lifespan():
        await asked(platform, "watch", *["engine"] * 4)

    assert platform.asked.count("engine") == 4


@pytest.mark.asyncio
async def test_a_stop_does_not_wait_for_a_database_that_is_away(platform: Platform) -> None:
    platform.away = 1_000_000

    async with asyncio.timeout(5), lifespan():
        await asked(platform, "watch", "engine")

    assert platform.asked[-2:] == ["stop in 0 s", "unwatch"]


@pytest.mark.asyncio
async def test_a_websocket_is_refused_before_it_is_accepted() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await asgi.application({"type": "websocket", "path": "/"}, None, send)

    assert sent == [{"type": "websocket.close"}]
