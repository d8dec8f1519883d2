"""Sagas: steps that are undone, the last one first, where what they belong to fails.

async with context.saga() as saga:
    user = await saga.step(create_user, email, compensate=delete_user)
    await saga.step("license", assign_license, user["id"], compensate=lambda: release_license(user["id"]))
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.durable import Wait, first_of
from bifrost.sdk.errors import WorkflowException
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import MAX_NAME, StepCall, StepOptions, step_of
from bifrost.sdk.tolerant import plain

if TYPE_CHECKING:
    from bifrost.sdk.host import Host

__all__ = ["BlockingSaga", "Saga"]

#: So long a saga that has failed waits for those of its steps that are still done.
PATIENCE_SECONDS = 60.0
#: How an undoing is tried where it says nothing itself.
UNDOING = RetryPolicy(max_attempts=5, initial_interval_seconds=1.0, max_interval_seconds=60.0)


#: Told the name of each step that was, or could not be, undone.
Undone = Callable[[str, bool], None]


class Place(Protocol):
    """The context in which the saga runs."""

    _host: Host

    async def call_step(self, call: StepCall) -> Any: ...


@dataclass
class SagaStep:
    """One step of a saga. `status`: Running, Completed, Failed, Interrupted, Compensated or CompensationFailed."""

    number: int
    name: str
    undo: StepCall | None
    status: str = "Running"
    result: Any = None
    task: asyncio.Task[Any] | None = field(default_factory=asyncio.current_task)
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Saga:
    """See `OrganizationContext.saga`."""

    def __init__(self, context: Place, name: str) -> None:
        self._context = context
        self._host = context._host
        self._name = name
        self._steps: list[SagaStep] = []
        self._completed: list[SagaStep] = []
        self._over = False

    async def step(
        self,
        name: Any,
        function: Any = MISSING,
        /,
        *args: Any,
        compensate: Callable[..., Any] | None = None,
        options: Any = None,
        compensate_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Does `function(*args, **kwargs)` as a step; the name may be left out.

        `compensate` undoes it, where anything after it fails; it gets the step's result if it takes an argument. It is
        a step of its own, tried by `compensate_options`, by the options of its `@step`, or five times.
        """
        call = step_of(name, function, args, kwargs, options)
        undo = None if compensate is None else _undoing(call.name, compensate, compensate_options)
        if self._over:
            raise WorkflowException(f"The saga {self._name!r} has ended; it does no more steps.", "SagaEnded")
        step = SagaStep(len(self._steps) + 1, call.name, undo)
        self._steps.append(step)
        try:
            step.result = await self._context.call_step(call)
        except Exception:
            self._note(step, "Failed")
            raise
        except asyncio.CancelledError:
            with suppress(Exception):
                self._note(step, "Interrupted")
            raise
        else:
            self._completed.append(step)
            self._note(step, "Completed")
            return step.result
        finally:
            step.ended.set()

    async def __aenter__(self) -> Saga:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if isinstance(error, Exception | asyncio.CancelledError):
            await self.compensate()

    async def compensate(self) -> None:
        """Undoes what it has done, the last step first, and does no more steps. An undoing that fails for good raises
        an alert and keeps no other one from its turn."""
        self._over = True
        with self._host.compensation() as undone:
            await self._settle()
            while self._completed:
                await self._undo(self._completed.pop(), undone)

    async def _settle(self) -> None:
        """Waits for the steps that other tasks still do, since they may yet be done, and have to be undone first."""
        running = [step for step in self._steps if step.status == "Running"]
        if running:
            ended = asyncio.gather(*(step.ended.wait() for step in running))
            await first_of({"ended": ended, "over": self._host.wait(Wait("timer", "", PATIENCE_SECONDS))})
        for step in running:
            if step.task is not None and step.status == "Running":
                step.task.cancel()
                await step.ended.wait()

    async def _undo(self, step: SagaStep, undone: Undone) -> None:
        if step.undo is None:
            return
        try:
            await self._context.call_step(_given(step.undo, step.result))
        except Exception as error:  # noqa: BLE001  the others have their turn
            reason = str(plain(str(error)))
            undone(step.name, False)
            self._note(step, "CompensationFailed", error=reason)
            await self._alert(step, reason)
        else:
            undone(step.name, True)
            self._note(step, "Compensated")

    async def _alert(self, step: SagaStep, reason: str) -> None:
        facts = {"saga": self._name, "step": step.name, "number": step.number, "reason": reason}
        ask = partial(self._host.service, "compensation_failed")
        try:
            await self._context.call_step(StepCall("alert", ask, (facts,), options=StepOptions(retry_policy=UNDOING)))
        except Exception as error:  # noqa: BLE001  the others have their turn
            said = {"message": f"The alert about {step.name!r} was not raised: {plain(str(error))}", "data": None}
            self._host.record("log", "error", said)

    def _note(self, step: SagaStep, status: str, **facts: Any) -> None:
        step.status = status
        self._host.record("saga", step.name, {"saga": self._name, "step": step.number, "status": status, **facts})


class BlockingSaga:
    """The same for a plain `def` workflow: `with context.saga() as saga: saga.step(...)`."""

    def __init__(self, saga: Saga) -> None:
        self._saga = saga

    def step(self, name: Any, function: Any = MISSING, /, *args: Any, **how: Any) -> Any:
        """See `Saga.step`."""
        return self._saga._host.run_blocking(self._saga.step(name, function, *args, **how))

    def compensate(self) -> None:
        """See `Saga.compensate`."""
        self._saga._host.run_blocking(self._saga.compensate())

    def __enter__(self) -> BlockingSaga:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.compensate()
        self._saga._over = True


def undoing_of(name: str) -> str:
    """What the step is called that undoes the saga's step of this name."""
    return f"compensate {name}"[:MAX_NAME]


def _undoing(name: str, compensate: Callable[..., Any], options: Any) -> StepCall:
    call = step_of(undoing_of(name), compensate, (), {}, options)
    if call.options.retry_policy is None:
        call = replace(call, options=replace(call.options, retry_policy=UNDOING))
    return call


def _given(undo: StepCall, result: Any) -> StepCall:
    return replace(undo, args=(result,)) if _takes_an_argument(undo.function) else undo


def _takes_an_argument(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return False
    by_place = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return any(
        parameter.kind in by_place or parameter.kind is inspect.Parameter.VAR_POSITIONAL
        for parameter in signature.parameters.values()
    )
