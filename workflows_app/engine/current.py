"""Which execution the current code belongs to. Apart from `run`, so that logging can know it before any model loads."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

current_run: ContextVar[Run | None] = ContextVar("current_run", default=None)
