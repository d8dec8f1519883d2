"""Whether an execution's code gets on by itself, or each of its tasks waits for something durable (engine.md, 6).

A task counts as waiting where it awaits an operation of the run, another task of the run, or one of asyncio's means for
tasks to wait for each other, asked for by workspace or SDK code. Whatever else a task awaits (a pause, a connection, a
thread) goes on without the engine, and so does the run; so does one that has set itself a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from workflows_app.engine.threads import in_thread

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

# What only another task of the run can end. Their names differ between versions of Python.
_MEANS = (
    (asyncio.tasks, "_wait"),
    (asyncio.TaskGroup, "__aexit__"),
    (asyncio.TaskGroup, "_aexit"),
    (asyncio.Event, "wait"),
    (asyncio.Lock, "acquire"),
    (asyncio.Semaphore, "acquire"),
    (asyncio.Condition, "wait"),
    (asyncio.Queue, "get"),
    (asyncio.Queue, "put"),
    (asyncio.Queue, "join"),
    (asyncio.Barrier, "_block"),
    (asyncio.Barrier, "_wait"),
)
_BETWEEN_TASKS = frozenset(
    function.__code__ for owner, name in _MEANS if (function := getattr(owner, name, None)) is not None
)

_ASYNCIO = str(Path(asyncio.__file__).parent)


def is_at_rest(run: Run) -> bool:
    """Whether nothing but what the engine delivers can move any of its tasks. Call on the loop, outside its tasks."""
    if run.has_timers():
        return False
    return all(_waits(run, task, coroutine) for task, coroutine in run.tasks.items() if not task.done())


def _waits(run: Run, task: asyncio.Task[Any], coroutine: Any) -> bool:
    awaited = getattr(task, "_fut_waiter", None)
    if awaited is None:
        return False
    if _is_held(run, awaited):
        return True
    *callers, innermost = _codes(coroutine)
    if innermost is in_thread.__code__:
        return bool(run.waiting_threads)
    asking = next((code for code in reversed(callers) if not code.co_filename.startswith(_ASYNCIO)), innermost)
    return innermost in _BETWEEN_TASKS and run.engine.owns(asking)


def _is_held(run: Run, awaited: Any) -> bool:
    """An operation, another task of the run, or asyncio.gather of such."""
    if run.operations.holds(awaited) or awaited in run.tasks:
        return True
    children = getattr(awaited, "_children", None) or ()
    return bool(children) and all(child.done() or _is_held(run, child) for child in children)


def _codes(coroutine: Any) -> Iterator[CodeType]:
    """The code of every coroutine that waits for the next one, the outermost first."""
    while (code := getattr(coroutine, "cr_code", None)) is not None:
        yield code
        coroutine = coroutine.cr_await
