"""Runs the author's function for one execution on the engine's loop, within its time.

Nothing here turns an exception into a status: what came out is kept as an `Outcome` for `ending`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.errors import ContinueAsNew
from bifrost.sdk.errors import TimeoutError as WorkflowTimeout
from bifrost.sdk.steps import current_place
from workflows_app.engine.current import current_run
from workflows_app.engine.position import position
from workflows_app.engine.recovering import recovered
from workflows_app.engine.run import Run
from workflows_app.engine.threads import in_thread

CANCEL_AGAIN_SECONDS = 0.3
ABANDON_SECONDS = 0.7
COMPENSATION_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of the function: a value, or the exception that ended it."""

    value: Any = None
    error: BaseException | None = None


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
    finisher.timer = loop.call_later(seconds, finisher.time_over, _out_of_time(run, seconds))
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
        # A saga that undoes what it has done gets as much time for that as one attempt has, and some in any case.
        self._compensation_seconds = max(run.facts.loaded.spec.timeout_seconds, COMPENSATION_SECONDS)
        self._undone_by = float("inf")

    def stop(self, reason: BaseException) -> bool:
        """Cancels all tasks of the run; one that will not end is abandoned. Whether it was not at its end already, nor
        compensating."""
        if self.on_done is None or self.run.stop_reason is not None or self.run.compensating:
            return False
        self._stop(reason)
        return True

    def time_over(self, reason: BaseException) -> None:
        """The same when its time is over; a compensation gets its own."""
        if self.on_done is None or self.run.stop_reason is not None:
            return
        loop = self.run.engine.loop
        if self.run.compensating and self._undone_by > loop.time() + self._compensation_seconds:
            self._undone_by = loop.time() + self._compensation_seconds
            self.timer = loop.call_later(self._compensation_seconds, self.time_over, reason)
        else:
            self._stop(reason)

    def _stop(self, reason: BaseException) -> None:
        loop = self.run.engine.loop
        self.run.stop_reason = reason
        self._undone_by = min(self._undone_by, loop.time() + self._compensation_seconds)
        self._cancel_all()
        loop.call_later(CANCEL_AGAIN_SECONDS, self._cancel_again)
        loop.call_later(ABANDON_SECONDS, self._abandon)

    def main_done(self, main: asyncio.Task[Any]) -> None:
        if self.run.detached:
            self._let_go()
        if self.on_done is None:
            return
        if rest := set(self.run.tasks.keys() - {main}):
            self._cancel_all()
            self.run.engine.loop.create_task(self._settle(main, rest))
        else:
            self._finish(outcome_of(main))

    async def _settle(self, main: asyncio.Task[Any], rest: set[asyncio.Task[Any]]) -> None:
        """Tasks that the function left behind are cancelled and awaited, bounded, before the run may end."""
        await asyncio.wait(rest, timeout=ABANDON_SECONDS)
        until = self.run.engine.loop.time() + self._compensation_seconds
        while (
            self.run.compensating
            and not all(task.done() for task in rest)
            and self.run.engine.loop.time() < min(until, self._undone_by)
        ):
            await asyncio.wait(rest, timeout=ABANDON_SECONDS)
        self.run.still_running |= any(not task.done() for task in rest)
        self._finish(outcome_of(main))

    def _cancel_all(self) -> None:
        if self.on_done is not None:
            for task in list(self.run.tasks):
                task.cancel()

    def _cancel_again(self) -> None:
        if not self.run.compensating:
            self._cancel_all()

    def _abandon(self) -> None:
        loop = self.run.engine.loop
        if self.run.compensating and loop.time() < self._undone_by:
            loop.call_later(ABANDON_SECONDS, self._abandon)
        elif self.on_done is not None and not self.main.done():
            self.run.still_running = True
            self._finish(Outcome(error=self.run.stop_reason))

    def _finish(self, outcome: Outcome) -> None:
        if self.on_done is None:
            return
        on_done = self.on_done
        self._let_go()
        on_done(self.run, outcome)

    def _let_go(self) -> None:
        """Its time does not count any more; the loop's timer would keep the whole run in memory until then."""
        self.on_done = None
        if self.timer is not None:
            self.timer.cancel()


def outcome_of(main: asyncio.Task[Any]) -> Outcome:
    if main.cancelled():
        return Outcome(error=asyncio.CancelledError())
    error = main.exception()
    return Outcome(value=main.result()) if error is None else Outcome(error=error)


async def _call(run: Run) -> Any:
    spec = run.facts.loaded.spec
    arguments = spec.arguments(run.facts.parameters)
    context: OrganizationContext | BlockingContext = OrganizationContext(run) if spec.is_async else BlockingContext(run)
    current_place.set(context)
    try:
        value = await recovered(run, _result_of(run, partial(spec.function, context, **arguments)))
    except (Exception, ContinueAsNew, BaseExceptionGroup):
        await run.wait_for_children()
        raise
    await run.wait_for_children()
    return value


async def _result_of(run: Run, function: Callable[[], Any]) -> Any:
    result = function() if run.facts.loaded.spec.is_async else await in_thread(run, function)
    return await result if inspect.isawaitable(result) else result
