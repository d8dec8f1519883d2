"""Steps: units of work whose result is journaled, so that an execution which runs again does not do them again.

@step(retry_policy={"max_attempts": 3}, start_to_close_timeout=30)
async def create_account(email: str) -> dict: ...

account = await create_account("ann@example.com")      # inside a workflow: a step; elsewhere the plain function
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar, overload

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.durable import length
from bifrost.sdk.errors import DeclarationError, WorkflowException
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["StepCall", "StepInfo", "StepOptions", "activity", "heartbeat", "last_heartbeat", "step", "step_info"]

F = TypeVar("F", bound=Callable[..., Any])

WhenOpen = Literal["fail", "wait"]
#: Names of steps are stored in a column of this length.
MAX_NAME = 200


@dataclass(frozen=True)
class StepOptions:
    """How a step is tried. Times are seconds (a timedelta is taken too); None: no limit, and no second attempt.

    `start_to_close_timeout` bounds one attempt, `heartbeat_timeout` the time between two calls of `heartbeat`.
    `idempotency_key` replaces the one that an outside service is given. `rate_limit`: each attempt takes a permit, and
    waits for it. `circuit_breaker`: the service that it calls; where its circuit is open, the attempt fails as
    CircuitBreakerOpen, or the step waits and has not tried (`when_open`). `audit`: once the step has succeeded, the
    audit log tells of it, with the arguments as they are shown.
    """

    start_to_close_timeout: float | None = None
    heartbeat_timeout: float | None = None
    retry_policy: RetryPolicy | None = None
    idempotency_key: str | None = None
    rate_limit: RateLimit | None = None
    circuit_breaker: str | None = None
    when_open: WhenOpen = "fail"
    audit: bool = False

    @classmethod
    def parse(cls, options: StepOptions | Mapping[str, Any] | None) -> StepOptions:
        """Raises DeclarationError for an unknown name or a bad value."""
        if options is None:
            return NO_OPTIONS
        if isinstance(options, StepOptions):
            return options
        return NO_OPTIONS.changed(options)

    def changed(self, options: Mapping[str, Any]) -> StepOptions:
        """With these options in the place of its own."""
        if unknown := options.keys() - _OPTION_NAMES:
            raise DeclarationError(f"A step has no option {sorted(unknown)[0]!r}; it has {', '.join(_OPTION_NAMES)}")
        values = dict(options)
        for name in ("start_to_close_timeout", "heartbeat_timeout"):
            if values.get(name) is not None:
                values[name] = length(name, values[name])
        if values.get("retry_policy") is not None:
            values["retry_policy"] = RetryPolicy.parse(values["retry_policy"])
        if values.get("rate_limit") is not None:
            values["rate_limit"] = RateLimit.parse(values["rate_limit"])
        if "when_open" in values:
            values["when_open"] = checked_when_open(values["when_open"])
        if not isinstance(values.get("audit", False), bool):
            raise DeclarationError(f"audit must be true or false, not {values['audit']!r}")
        return replace(self, **values)


def checked_when_open(when_open: object) -> WhenOpen:
    """What is done where a circuit is open. Raises DeclarationError."""
    if when_open not in ("fail", "wait"):
        raise DeclarationError(f'when_open is "fail" or "wait", not {when_open!r}')
    return "wait" if when_open == "wait" else "fail"


NO_OPTIONS = StepOptions()
_OPTION_NAMES = tuple(StepOptions.__dataclass_fields__)


@dataclass(frozen=True)
class StepCall:
    """One call of a step: what is to be run, with what, and how it is tried.

    `implicit`: the context makes it a step, not the author, so it alone does not allow that the run is done again after
    a loss. `activity_type`: what the step is called in the code, where `name` may be made for this call.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: StepOptions = NO_OPTIONS
    implicit: bool = False
    activity_type: str = ""

    @property
    def is_async(self) -> bool:
        return is_async(self.function)


@dataclass(frozen=True)
class StepInfo:
    """The step that is running: its name, which attempt it is, and the key under which an outside service may
    recognize what it is asked for again (the same in every attempt).
    """

    name: str
    attempt: int
    idempotency_key: str


class RunningStep(Protocol):
    """What a host offers to the code of a step while it runs."""

    @property
    def info(self) -> StepInfo: ...

    def heartbeat(self, details: JSON) -> None: ...

    def last_heartbeat(self) -> JSON: ...


class Place(Protocol):
    """Where steps are called: the context of the running workflow."""

    def call_step(self, call: StepCall) -> Any: ...


#: The context of the workflow that is running here, and the step inside it whose code runs.
current_place: ContextVar[Place | None] = ContextVar("current_place", default=None)
current_step: ContextVar[RunningStep | None] = ContextVar("current_step", default=None)


@overload
def step(name: F, /) -> F: ...
@overload
def step(name: str | None = None, **options: Any) -> Callable[[F], F]: ...
def step(name: Any = None, **options: Any) -> Any:
    """Makes a function a step. Its name is the function's unless given; the options are those of `StepOptions`.

    It is called as before. A first parameter that is called `context`, or annotated as one, gets the context
    where the caller does not give it.
    """
    if callable(name):
        return _step(name, None, NO_OPTIONS)
    parsed = StepOptions.parse(options)
    return lambda function: _step(function, name, parsed)


activity = step


def _step(function: Callable[..., Any], name: str | None, options: StepOptions) -> Any:
    named = str(name or getattr(function, "__name__", "step"))[:MAX_NAME]
    wants_context = _wants_context(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        place = _place(named)
        if place is None:
            return function(*args, **kwargs)
        if wants_context and not (args and _is_context(args[0])) and "context" not in kwargs:
            args = (place, *args)
        return place.call_step(StepCall(named, function, args, kwargs, options))

    call.step_options = options  # type: ignore[attr-defined]
    call.step_name = named  # type: ignore[attr-defined]
    if is_async(function) and hasattr(inspect, "markcoroutinefunction"):
        inspect.markcoroutinefunction(call)
    return call


def step_of(name: Any, function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], options: Any) -> StepCall:
    """The call that `context.step("name", function, *args)` means; the name may be left out."""
    if callable(name):
        args, function, name = ((function, *args) if function is not MISSING else args), name, None
    if not callable(function):
        raise TypeError("context.step takes a name (or none), then the function that does the step")
    base: StepOptions = getattr(function, "step_options", NO_OPTIONS)
    declared = getattr(function, "step_name", None) or getattr(function, "__name__", "step")
    kind = getattr(function, "__qualname__", declared) if declared == "<lambda>" else declared
    chosen = options if isinstance(options, StepOptions) else base.changed(options or {})
    named = str(plain(name or declared))[:MAX_NAME]
    return StepCall(named, inspect.unwrap(function), args, kwargs, chosen, activity_type=str(plain(kind))[:MAX_NAME])


def heartbeat(details: Any = None) -> None:
    """Says that the running step gets on; `last_heartbeat` gives the details to its next attempt."""
    running = current_step.get()
    if running is not None:
        running.heartbeat(plain(details))


step.heartbeat = heartbeat  # type: ignore[attr-defined]  # as other products have it


def last_heartbeat() -> Any:
    """What the attempt before this one last said, else None."""
    running = current_step.get()
    return None if running is None else running.last_heartbeat()


def step_info() -> StepInfo:
    """The step that is running. Raises LookupError outside one."""
    running = current_step.get()
    if running is None:
        raise LookupError("No step is running here.")
    return running.info


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives something to await. A callable object counts as its `__call__`."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


_hosted = threading.Event()


def hosted() -> None:
    """This process runs executions: from now on a step in a thread that has lost sight of its execution is refused."""
    _hosted.set()


def _place(name: str) -> Place | None:
    place = current_place.get()
    if place is None and _hosted.is_set() and threading.current_thread() is not threading.main_thread():
        raise WorkflowException(
            f"The step {name!r} was called in a thread that does not know its execution; start threads with"
            " asyncio.to_thread, or copy the context (contextvars.copy_context().run).",
            error_type="NoExecution",
        )
    return None if current_step.get() is not None else place


def _wants_context(function: Callable[..., Any]) -> bool:
    try:
        first = next(iter(inspect.signature(function).parameters.values()), None)
    except (TypeError, ValueError):
        return False
    annotation = getattr(first, "annotation", None)
    named: str = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return first is not None and (first.name == "context" or named.endswith(("OrganizationContext", "BlockingContext")))


def _is_context(value: object) -> bool:
    return hasattr(value, "call_step")
