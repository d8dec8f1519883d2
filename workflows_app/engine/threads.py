"""Plain functions of workflows and steps: each runs in a thread of its own."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import Detached
from orgs.tenancy import guard_thread

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

THREAD_SECONDS = 0.25  # less than runner.CANCEL_AGAIN_SECONDS, which would cut it short


class StopRequested(Exception):
    """Raised inside the thread of a plain function whose execution was stopped."""


async def in_thread(run: Run, function: Callable[[], Any]) -> Any:
    """Runs a plain function in a thread of its own, with the task's context variables.

    The thread is a daemon, so that code which never returns cannot keep the process from ending.
    """
    loop = run.engine.loop
    future: asyncio.Future[Any] = loop.create_future()
    future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting any more
    context = copy_context()
    thread = threading.Thread(
        target=_thread_main, args=(loop, future, context, function), name=f"workflow-{run.workflow_name}", daemon=True
    )
    thread.start()
    try:
        return await asyncio.shield(future)
    except Detached:  # it was dropped, so that nothing can be awaited any more, and its thread leaves in the same way
        if not future.done() and thread.ident not in run.waiting_threads:
            interrupt(thread, Detached)
        raise
    except asyncio.CancelledError:
        await _left(run, thread, future)
        raise


async def _left(run: Run, thread: threading.Thread, future: asyncio.Future[Any]) -> None:
    """Makes the function leave its thread; a saga of its own may undo what it has done first."""
    if thread.ident not in run.waiting_threads:  # else what it waits for was cancelled as well
        interrupt(thread)
    await asyncio.wait({future}, timeout=THREAD_SECONDS / 2)
    if not (future.done() or run.compensating):
        interrupt(thread)
        await asyncio.wait({future}, timeout=THREAD_SECONDS / 2)
    while run.compensating and not (future.done() or run.detached):
        await asyncio.wait({future}, timeout=THREAD_SECONDS)
    if not future.done():
        run.still_running = True
        run.engine.thread_leaked(thread)


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


def interrupt(thread: threading.Thread, reason: type[BaseException] = StopRequested) -> None:
    """Raises the reason inside the thread, at its next bytecode. A blocking system call is not interrupted."""
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(reason))
