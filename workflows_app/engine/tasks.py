"""The loop's task factory: tasks of an execution get a path, and no exception of theirs can end the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context
from pathlib import Path
from typing import Any

import bifrost.sdk
from workflows_app.engine.position import position
from workflows_app.engine.run import Run, current_run

SDK_DIRECTORY = str(Path(bifrost.sdk.__file__).parent)


class Crashed(Exception):
    """Stands in, inside the loop, for an exception that would have ended it (SystemExit, KeyboardInterrupt)."""


class TaskFactory:
    """Numbers tasks whose code lies in the workspace or the SDK (engine.md, section 5); guards all tasks of a run."""

    def __init__(self, workspace: Path) -> None:
        self._own = (str(workspace), SDK_DIRECTORY)

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
        task = asyncio.Task(_guard(run, coroutine, where), loop=loop, context=context)
        run.tasks.add(task)
        task.add_done_callback(run.tasks.discard)
        # A task that is cancelled before its first step never awaits what it guards.
        task.add_done_callback(lambda _done: coroutine.close())
        return task

    def _numbered(self, coroutine: Any) -> bool:
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
        return code is not None and code.co_filename.startswith(self._own)


async def _guard(run: Run, coroutine: Any, where: Any) -> Any:
    if where is not None:
        position.set(where)
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        run.crash(error)
        raise Crashed(repr(error)) from None
