"""What a context offers to spare outside services: rate limits, circuit breakers, and work on an outside database."""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from bifrost.sdk.durable import Wait
from bifrost.sdk.errors import CircuitBreakerOpen, DeclarationError, RateLimited
from bifrost.sdk.plain_calls import PlainCalls, name_of
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.steps import StepCall, StepOptions, WhenOpen, checked_when_open, current_step
from bifrost.sdk.tolerant import JSON

if TYPE_CHECKING:
    from bifrost.sdk.blocking import BlockingContext

Verdict = Literal["answered", "failed", "unknown"]
#: An SQL statement with %s or %(name)s in the place of its values, and the values.
Operation = str | tuple[str, Sequence[Any] | Mapping[str, Any]]


class Protection(PlainCalls):
    """The part of `OrganizationContext` that spares outside services."""

    async def rate_limit(self, key: str, limit: int, per: float | timedelta = 60, wait: bool = True) -> None:
        """Takes one of the organization's permits under this key: at most `limit` within any `per` seconds.

        Where there is none it waits for the next, in the order of asking; longer than a second, without a worker. With
        `wait=False` it raises RateLimited, and has taken none. A run that resumes takes no second one; another attempt
        of the retry policy does.
        """
        rate = RateLimit(key, limit, per)  # type: ignore[arg-type]  # a timedelta becomes seconds
        asked = {"name": rate.key, "limit": rate.limit, "per": rate.per, "reserve": wait}
        seconds = float(await self._asked("rate_limit", asked) or 0)
        if seconds and not wait:
            raise RateLimited(
                f'There is no permit under "{rate.key}" for {seconds:.1f} s.', name=rate.key, retry_after=seconds
            )
        if seconds:
            await self._pass(seconds)

    def circuit_breaker(self, service: str, when_open: WhenOpen = "fail") -> Circuit:
        """`async with context.circuit_breaker("halopsa"):` asks on entry whether the service may be called, and tells
        on leaving whether it failed: by an error with a status of 500 or more, or a time-out.

        Where its circuit is open, raises CircuitBreakerOpen; `when_open="wait"` waits, durably, until it may be called.
        """
        return Circuit(self, name_of(service), checked_when_open(when_open))

    def database(self, secret: str) -> Database:
        """The outside PostgreSQL whose address (DSN) is the organization's secret of this name."""
        return Database(self, name_of(secret))

    async def _asked(self, service: str, data: dict[str, JSON]) -> JSON:
        """What the platform answers; as an implicit step, unless it is asked from within one.

        The attempt is among the arguments: another attempt does not take over what this one was told.
        """
        told = {**data, "for": f"{self.execution_id}:{self.attempt}"}
        return await self._served(StepCall(service, self._host.service, (service, told), implicit=True))

    async def _served(self, call: StepCall) -> JSON:
        if current_step.get() is not None:
            return await call.function(*call.args)
        return await self._host.step(call)

    async def _pass(self, seconds: float) -> None:
        if current_step.get() is not None:
            await asyncio.sleep(seconds)
        else:
            await self._host.wait(Wait("timer", "", seconds))


@dataclass
class Circuit:
    """One entry into a circuit."""

    context: Protection
    service: str
    when_open: WhenOpen
    _trial: str | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        while True:
            try:
                answer = await self.context._asked("circuit_enter", {"service": self.service})
            except CircuitBreakerOpen as refused:
                if self.when_open == "fail":
                    raise
                await self.context._pass(float(refused.retry_after or 1.0))
            else:
                self._trial = (answer or {}).get("trial")
                return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            return  # The run goes on elsewhere or is stopped; a trial of which nothing is heard is given up.
        verdict = verdict_of(error)
        if verdict == "failed" or self._trial is not None:
            told = {"service": self.service, "trial": self._trial, "verdict": verdict, "reason": reason_of(error)}
            await self.context._asked("circuit_leave", told)


class BlockingCircuit:
    """The same for a plain `def` workflow: `with context.circuit_breaker("halopsa"):`."""

    def __init__(self, context: BlockingContext, circuit: Circuit) -> None:
        self._context = context
        self._circuit = circuit

    def __enter__(self) -> Self:
        self._context._wait(self._circuit.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context._wait(self._circuit.__aexit__(kind, error, trace))


@dataclass(frozen=True)
class Database:
    """An outside PostgreSQL, never the platform's own."""

    context: Protection
    secret: str

    async def transaction(
        self,
        operations: Sequence[Operation],
        name: str = "database",
        *,
        exactly_once: bool = False,
        options: Any = None,
    ) -> list[dict[str, JSON]]:
        """Does the operations in one transaction, as one step: all of them or, with a DatabaseError, none.

        Returns `{"operation", "rowCount", "rows"}` for each. Like every step it is done at least once: a process that
        dies after the commit and before the record does it again. With `exactly_once` the database itself remembers, in
        its table bifrost_steps, that it was done and what came of it.
        """
        asked = {
            "secret": self.secret,
            "operations": [operation_of(each) for each in operations],
            "exactlyOnce": exactly_once,
        }
        call = StepCall(
            name_of(name), self.context._host.service, ("database", asked), options=StepOptions.parse(options)
        )
        return list(await self.context._served(call) or [])


@dataclass(frozen=True)
class BlockingDatabase:
    """The same for a plain `def` workflow."""

    blocking: BlockingContext
    database: Database

    def transaction(self, operations: Sequence[Operation], name: str = "database", **how: Any) -> list[dict[str, JSON]]:
        """Does the operations in one transaction, as one step; see `Database.transaction`."""
        answer: list[dict[str, JSON]] = self.blocking._wait(self.database.transaction(operations, name, **how))
        return answer


def operation_of(operation: Operation) -> list[Any]:
    """Its statement, and its values, None where it has none. Raises DeclarationError."""
    statement, *values = (operation,) if isinstance(operation, str) else tuple(operation)
    if not isinstance(statement, str) or not statement.strip() or len(values) > 1:
        raise DeclarationError("An operation is an SQL statement, or a statement with its values")
    return [statement, values[0] if values else None]


def verdict_of(error: BaseException | None) -> Verdict:
    """What an outcome says of the service that was called: that it answered, that it failed, or neither."""
    status = _status_of(error)
    if isinstance(error, builtins.TimeoutError) or _is_httpx(error, "TimeoutException") or (status or 0) >= 500:
        return "failed"
    return "answered" if error is None or status is not None else "unknown"


def reason_of(error: BaseException | None) -> str:
    """The kind of failure, without its text, which may hold what is a customer's."""
    status = _status_of(error)
    return "" if error is None else f"{type(error).__name__}{'' if status is None else f' {status}'}"


def _status_of(error: BaseException | None) -> int | None:
    """Of an IntegrationError, or of what httpx and aiohttp raise."""
    answer = getattr(error, "response", None) if _is_httpx(error, "HTTPStatusError") else error
    status = getattr(answer, "status_code", None) or getattr(answer, "status", None)
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def _is_httpx(error: BaseException | None, kind: str) -> bool:
    # Not imported for this: whoever raised such an error has it loaded.
    httpx = sys.modules.get("httpx")
    return httpx is not None and isinstance(error, getattr(httpx, kind))
