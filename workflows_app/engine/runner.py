"""Runs the author's function for one execution on the engine's loop, within its time.

Nothing here turns an exception into a status: what came out is kept as an `Outcome` for `ending`.
"""

from __future__ import annotations

import asyncio
import ctypes
import inspect
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from typing import Any

from bifrost.sdk.context import BlockingContext, OrganizationContext
from bifrost.sdk.errors import TimeoutError as WorkflowTimeout
from orgs.tenancy import guard_thread
from workflows_app.engine.current import current_run
from workflows_app.engine.position import position
from workflows_app.engine.run import Run

CANCEL_AGAIN_SECONDS = 0.3
ABANDON_SECONDS = 0.7
THREAD_SECONDS = 0.25  # less than CANCEL_AGAIN_SECONDS, which would cut it short


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of the function: a value, or the exception that ended it."""

    value: Any = None
    error: BaseException | None = None


class StopRequested(Exception):
    """Raised inside the thread of a plain function whose execution was stopped."""


def launch(run: Run, seconds: float, on_done: Callable[[Run, Outcome], None]) -> None:
    """Starts the run; call it on the engine's loop. `on_done` is called there, once, within a second of the limit."""
    if run.detached:
        return
    loop = run.engine.loop
    context = copy_context()
    context.run(current_run.set, run)
    context.run(position.set, run.position)
    main = loop.create_task(_call(run), context=context)
    finisher = _Finisher(run, main, on_done)
    finisher.timer = loop.call_later(seconds, finisher.stop, _out_of_time(run, seconds))
    main.add_done_callback(finisher.main_done)
    run.stop = finisher.stop


def out_of_time(run: Run) -> WorkflowTimeout:
    """No time is left of what all attempts together may take."""
    limit = run.facts.loaded.spec.max_duration_seconds
    return WorkflowTimeout(f"Workflow exceeded its maximum duration of {limit:g} seconds", timeout_seconds=float(limit))


def _out_of_time(run: Run, seconds: float) -> WorkflowTimeout:
    whole = run.stretch.spent_ms == 0 or seconds >= run.facts.loaded.spec.timeout_seconds
    return timed_out(seconds) if whole else out_of_time(run)


def timed_out(seconds: float) -> WorkflowTimeout:
    limit = f"{seconds:g}"
    return WorkflowTimeout(f"Workflow exceeded timeout of {limit} seconds", timeout_seconds=float(limit))


class _Finisher:
    """Sees one run to its end: the function returned, or was stopped and given a moment to clean up."""

    def __init__(self, run: Run, main: asyncio.Task[Any], on_done: Callable[[Run, Outcome], None]) -> None:
        self.run = run
        self.main = main
        self.on_done: Callable[[Run, Outcome], None] | None = on_done
        self.timer: asyncio.TimerHandle | None = None

    def stop(self, reason: BaseException) -> bool:
        """Cancels all tasks of the run; one that will not end is abandoned. Whether it was not at its end already."""
        if self.on_done is None or self.run.stop_reason is not None:
            return False
        self.run.stop_reason = reason
        self._cancel_all()
        loop = self.run.engine.loop
        loop.call_later(CANCEL_AGAIN_SECONDS, self._cancel_all)
        loop.call_later(ABANDON_SECONDS, self._abandon)
        if self.run.thread is not None:
            interrupt(self.run.thread)
        return True

    def main_done(self, main: asyncio.Task[Any]) -> None:
        if self.on_done is None:
            return
        if self.run.tasks - {main}:
            self._cancel_all()
            self.run.engine.loop.create_task(self._settle(main))
        else:
            self._finish(outcome_of(main))

    async def _settle(self, main: asyncio.Task[Any]) -> None:
        """Tasks that the function left behind are cancelled and awaited, bounded, before the run may end."""
        rest = self.run.tasks - {main}
        await asyncio.wait(rest, timeout=ABANDON_SECONDS)
        self.run.still_running |= any(not task.done() for task in rest)
        self._finish(outcome_of(main))

    def _cancel_all(self) -> None:
        if self.on_done is not None:
            for task in list(self.run.tasks):
                task.cancel()

    def _abandon(self) -> None:
        if self.on_done is not None and not self.main.done():
            self.run.still_running = True
            self._finish(Outcome(error=self.run.stop_reason))

    def _finish(self, outcome: Outcome) -> None:
        if self.on_done is None:
            return
        on_done, self.on_done = self.on_done, None
        if self.timer is not None:
            self.timer.cancel()
        on_done(self.run, outcome)


def outcome_of(main: asyncio.Task[Any]) -> Outcome:
    if main.cancelled():
        return Outcome(error=asyncio.CancelledError())
    error = main.exception()
    return Outcome(value=main.result()) if error is None else Outcome(error=error)


async def _call(run: Run) -> Any:
    spec = run.facts.loaded.spec
    arguments = spec.arguments(run.facts.parameters)
    if spec.is_async:
        result = spec.function(OrganizationContext(run), **arguments)
    else:
        result = await _in_thread(run, lambda: spec.function(BlockingContext(run), **arguments))
    return await result if inspect.isawaitable(result) else result


async def _in_thread(run: Run, function: Callable[[], Any]) -> Any:
    """Runs a plain function in a thread of its own, with the task's context variables.

    The thread is a daemon, so that code which never returns cannot keep the process from ending.
    """
    loop = run.engine.loop
    future: asyncio.Future[Any] = loop.create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting any more
    context = copy_context()
    run.thread = threading.Thread(
        target=_thread_main, args=(loop, future, context, function), name=f"workflow-{run.workflow_name}", daemon=True
    )
    run.thread.start()
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait({future}, timeout=THREAD_SECONDS)
        if not future.done():
            run.still_running = True
            run.engine.thread_leaked(run.thread)
        raise


def _thread_main(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], context: Context, function: Callable[[], Any]
) -> None:
    guard_thread()
    try:
        value, error = context.run(function), None
    except BaseException as raised:  # noqa: BLE001  handed to the loop, which decides
        value, error = None, raised
    try:
        loop.call_soon_threadsafe(_settle_future, future, value, error)
    except RuntimeError:
        return  # the loop is closed: the run was given up long ago


def _settle_future(future: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(value)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("The workflow raised StopIteration."))
    else:
        future.set_exception(error)


def interrupt(thread: threading.Thread) -> None:
    """Raises StopRequested inside the thread, at its next bytecode. A blocking system call is not interrupted."""
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(StopRequested))
