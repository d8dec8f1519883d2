"""The loop's task factory: tasks of an execution get a path, and no exception of theirs can end the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from pathlib import Path
from typing import Any

import structlog

import bifrost.sdk
from workflows_app.engine.current import current_run
from workflows_app.engine.position import position
from workflows_app.engine.run import Run

log = structlog.get_logger(__name__)

SDK_DIRECTORY = str(Path(bifrost.sdk.__file__).parent)


class Crashed(Exception):
    """Stands in, inside the loop, for an exception that would have ended it (SystemExit, KeyboardInterrupt)."""


class TaskFactory:
    """Numbers tasks whose code lies in the workspace or the SDK (engine.md, section 5); guards all tasks of a run."""

    def __init__(self, *workspaces: Path) -> None:
        self._own = (*map(str, workspaces), SDK_DIRECTORY)

    def __call__(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        *,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        values: Any = context.get if context is not None else lambda variable, default=None: variable.get(default)
        run: Run | None = values(current_run)
        if run is None:
            return asyncio.Task(coroutine, loop=loop, context=context)
        where = None
        if self._numbered(coroutine):
            where = values(position, run.position).child()
        name = f"{run.workflow_name} {run.execution_id} {where.path if where else ''}"
        task = asyncio.Task(_guard(run, coroutine, where), loop=loop, context=context, name=name)
        run.tasks.add(task)
        task.add_done_callback(run.tasks.discard)
        # A task that is cancelled before its first step never awaits what it guards.
        task.add_done_callback(lambda _done: coroutine.close())
        return task

    def _numbered(self, coroutine: Any) -> bool:
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
        return code is not None and code.co_filename.startswith(self._own)


def report_unnoticed(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The loop's exception handler: what a task raised and nobody awaited. Only its type: the text may hold secrets."""
    if "exception" not in context:
        return  # a task that was dropped with its engine
    task = context.get("task") or context.get("future")
    name = task.get_name() if isinstance(task, asyncio.Task) else "-"
    log.warning("unnoticed in the loop", what=context["message"], task=name, error=type(context["exception"]).__name__)


async def _guard(run: Run, coroutine: Any, where: Any) -> Any:
    if where is not None:
        position.set(where)
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        run.crash(error)
        raise Crashed(repr(error)) from None
