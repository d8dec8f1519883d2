"""The web process: Django's WSGI handler in a fixed pool of threads, so that connections persist and the tenant is set
and reset in one place (design, section 8). Streams are routed past it, in the same process and on the same port."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from django.conf import settings

from bifrost import stopping
from bifrost.bridge import Bridge
from bifrost.wsgi import application as django_application
from workflows_app import catalog
from workflows_app.engine import logs, process
from workflows_app.errors import PlatformUnavailable
from workflows_app.live.streaming import LiveStreams, is_live

log = structlog.get_logger(__name__)

RETRY_SECONDS = 2.0

_pages = Bridge(django_application, settings.WEB_THREADS, settings.API_BODY_LIMIT, settings.LARGER_BODIES)
_live = LiveStreams(_pages.ask)


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})  # 403 before it is accepted: no path takes one yet
    elif is_live(scope):
        await _live(scope, receive, send)
    else:
        await _pages(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    logs.guard_output()
    starting = asyncio.create_task(_start_engine())
    with stopping.on_stop(_live.stop):
        await send({"type": "lifespan.startup.complete"})
        await receive()
    starting.cancel()
    await _live.close()
    # No more grace: before it says this, the server has waited for the callers of the runs that are left.
    await asyncio.to_thread(process.stop, 0.0, for_good=True)
    catalog.stop_watching()
    await send({"type": "lifespan.shutdown.complete"})


async def _start_engine() -> None:
    """Starts the engine with the process, so that it sweeps before any run; tries on while the database is away."""
    await asyncio.to_thread(catalog.start_watching)
    while True:
        try:
            await asyncio.to_thread(process.engine)
        except PlatformUnavailable as error:
            log.warning("the engine waits", reason=error.message)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return
