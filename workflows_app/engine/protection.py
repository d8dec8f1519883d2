"""What spares outside services while steps run: the permits and the circuits that each attempt has to pass.

Both are asked for outside of replay: before an attempt, never for what is recorded. Where there is no permit now, one
is taken for a time to come; the journal keeps it, so that a run which was put aside meanwhile does not take another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from bifrost.sdk.errors import CircuitBreakerOpen
from bifrost.sdk.protection import reason_of, verdict_of
from bifrost.sdk.rate_limit import RateLimit
from bifrost.sdk.steps import StepOptions
from integrations import breakers, rates
from integrations.breakers import Admission, Verdict
from integrations.errors import VaultUnavailable
from workflows_app.engine import connection
from workflows_app.engine.connection import DatabaseAway
from workflows_app.engine.operations import Operation
from workflows_app.metrics.noticing import outside_call

if TYPE_CHECKING:
    from workflows_app.engine.platform import Asking
    from workflows_app.engine.run import Run

T = TypeVar("T")

AWAY_SECONDS = 1.0
# A permit is good for so long after its time: less than it takes to declare a worker dead, so that an attempt which was
# lost with its worker has used it up.
PERMIT_SECONDS = 10.0


class Protection:
    """Of one step: lets its attempts through one after the other."""

    def __init__(
        self, run: Run, operation: Operation, options: StepOptions, begun: Sequence[Mapping[str, Any]]
    ) -> None:
        self._run = run
        self._operation = operation
        self._service = options.circuit_breaker
        self._rate = options.rate_limit
        self._waits = options.when_open == "wait"
        last = begun[-1] if begun and begun[-1]["state"] == "waiting" else {}
        self._permit: float | None = last.get("permit")
        self._told: str | None = last.get("reason")

    async def enter(self) -> Admission | None:
        """Returns when the service may be called; nothing else then stands between. Raises CircuitBreakerOpen."""
        permitted = await self._permitted(self._permit)
        self._permit = None
        while True:
            try:
                admission = await self._admitted()
            except CircuitBreakerOpen as refused:
                if not self._waits:
                    raise
                await self._pause(time.time() + (refused.retry_after or 1.0), "the circuit of", self._service or "")
                permitted = False
                continue
            if permitted or self._rate is None:
                return admission
            seconds = await self._ask(rates.take, self._rate, reserve=True)
            if not seconds:
                return admission
            await self.leave(admission, "unknown")
            permitted = await self._permitted(time.time() + seconds, note=True)

    async def leave(self, admission: Admission | None, verdict: Verdict, reason: str = "") -> None:
        """Says what came of an attempt that was let through."""
        if admission is not None and (verdict == "failed" or admission.trial is not None):
            await self._ask(breakers.report, admission, verdict, reason)

    async def left(self, admission: Admission | None, error: Exception | None, seconds: float) -> None:
        """The attempt that was let through is over, after so long."""
        if self._service is not None:
            outside_call(self._service, seconds, error)
        await self.leave(admission, verdict_of(error), reason_of(error))

    async def _admitted(self) -> Admission | None:
        if self._service is None:
            return None
        known = breakers.known_closed(self._run.facts.organization, self._service)
        return known or await self._ask(breakers.admit, self._service)

    async def _permitted(self, at: float | None, *, note: bool = False) -> bool:
        """Waits for the time of a permit; False where there is none, or it is too late for it."""
        if at is None or self._rate is None or time.time() > at + PERMIT_SECONDS:
            return False
        if time.time() < at:
            await self._pause(at, "a permit of", self._rate.key, permit=at if note else None)
        return True

    async def _pause(self, until: float, what: str, name: str, permit: float | None = None) -> None:
        reason = f"{what} {name!r}"
        if permit is not None:
            self._run.operations.note(self._operation, "waiting", until=until, reason=reason, permit=permit)
        elif self._told != reason:
            self._run.operations.note(self._operation, "waiting", until=until, reason=reason)
        self._told = reason
        await self._run.waits.pause(self._operation, until, reason)

    async def _ask(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        return await ask(self._run, partial(function, self._run.facts.organization, *arguments, **named))


async def ask(run: Run, asked: Callable[[], T]) -> T:
    """What it answers in a thread of the database, when that is there."""
    while True:
        try:
            return await run.engine.in_database_thread(afresh, asked)
        except DatabaseAway:
            await asyncio.sleep(AWAY_SECONDS)


async def ask_with_vault(run: Run, asked: Callable[[], T]) -> T:
    """The same of what needs the vault, when that is there too."""
    while True:
        with suppress(VaultUnavailable):
            return await ask(run, asked)
        await asyncio.sleep(AWAY_SECONDS)


def afresh(function: Callable[[], T]) -> T:
    """Calls it, once more on a fresh connection where the thread's has died. Raises DatabaseAway."""
    try:
        return function()
    except connection.LOST:
        connection.discard()
    try:
        return function()
    except connection.LOST as error:
        connection.discard()
        raise DatabaseAway(str(error)) from error


# --- what contexts ask for (workflows_app.engine.platform) ------------------------------------------------------------


def rate_limit(asking: Asking, data: Mapping[str, Any]) -> float:
    rate = RateLimit(data["name"], data["limit"], data["per"])
    return afresh(partial(rates.take, asking.facts.organization, rate, reserve=bool(data["reserve"])))


def circuit_enter(asking: Asking, data: Mapping[str, Any]) -> dict[str, str | None]:
    """Raises CircuitBreakerOpen."""
    admission = afresh(partial(breakers.admit, asking.facts.organization, data["service"]))
    return {"trial": None if admission.trial is None else str(admission.trial)}


def circuit_leave(asking: Asking, data: Mapping[str, Any]) -> None:
    trial = None if data["trial"] is None else UUID(data["trial"])
    admission = breakers.admission_of(data["service"], trial)
    afresh(partial(breakers.report, asking.facts.organization, admission, data["verdict"], data["reason"]))
