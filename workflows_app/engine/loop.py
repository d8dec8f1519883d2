"""The engine's loop: uvloop's, which tells a run of the times that its code sets itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import uvloop

from workflows_app.engine.current import current_run


class EngineLoop(uvloop.Loop):
    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; `call_at`, `asyncio.sleep` and `asyncio.timeout` come here as well."""
        timer = super().call_later(delay, callback, *args, context=context)
        run = current_run.get() if context is None else context.get(current_run)
        if run is not None:
            run.add_timer(timer)
        return timer
