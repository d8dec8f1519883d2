"""The loop's task factory: tasks of an execution get a path, and no exception of theirs can end the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import suppress
from contextvars import Context
from pathlib import Path
from types import CodeType
from typing import Any

import structlog

import bifrost.sdk
from bifrost.sdk.errors import Detached
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
        run.tasks[task] = coroutine
        task.add_done_callback(run.task_done)
        # A task that is cancelled before its first step never awaits what it guards.
        task.add_done_callback(lambda _done: coroutine.close())
        return task

    def owns(self, code: CodeType) -> bool:
        """Whether it is code of the workspace or the SDK."""
        return code.co_filename.startswith(self._own)

    def _numbered(self, coroutine: Any) -> bool:
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
        return code is not None and self.owns(code)


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
        return await _Driven(run, coroutine)
    except (SystemExit, KeyboardInterrupt) as error:
        run.crash(error)
        raise Crashed(repr(error)) from None


class _Driven:
    """Awaits a coroutine of a run step by step: each one counts as the run's getting on, and after its last none is
    made. What was dropped is left with `Detached` at the place where it stands, and not resumed."""

    __slots__ = ("_coroutine", "_run")

    def __init__(self, run: Run, coroutine: Any) -> None:
        self._run = run
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        run, send, throw = self._run, self._coroutine.send, self._coroutine.throw
        call, value = send, None
        while True:
            run.moves += 1
            try:
                awaited = call(value)
            except StopIteration as returned:
                return returned.value
            try:
                value, call = (yield awaited), send
            except BaseException as error:  # noqa: BLE001  whatever it is, it is the coroutine's
                value, call = error, throw
            if run.dropped:
                _leave(self._coroutine)
                raise asyncio.CancelledError


def _leave(coroutine: Any) -> None:
    """Unwinds it with `Detached`. Whatever it still awaits while it unwinds it does not get."""
    try:
        coroutine.throw(Detached())
    except BaseException:  # noqa: BLE001  nobody is there any more to hear of it
        return
    with suppress(RuntimeError):
        coroutine.close()
