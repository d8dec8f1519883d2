"""The context: everything a workflow may ask of the platform while it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from bifrost.sdk.approvals import AsksForApproval
from bifrost.sdk.auditing import audit_call
from bifrost.sdk.caller import Caller
from bifrost.sdk.children import ChildCalls
from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.declarations import MISSING
from bifrost.sdk.durable import First, Wait, first_of, length
from bifrost.sdk.errors import TimeoutError
from bifrost.sdk.files import Files
from bifrost.sdk.mapping import Mapped, OnError, map_items
from bifrost.sdk.notices import Notices
from bifrost.sdk.outside import OutsideServices
from bifrost.sdk.plain_calls import name_of
from bifrost.sdk.protection import Protection
from bifrost.sdk.saga import Saga
from bifrost.sdk.steps import current_step, step_of
from bifrost.sdk.tolerant import plain

__all__ = ["Caller", "OrganizationContext"]


class OrganizationContext(AsksForApproval, ChildCalls, OutsideServices, Protection, Notices, Files):
    """The context of an `async def` workflow."""

    async def get_secret(self, name: str, *, previous: bool = False) -> str:
        """The secret's value; with `previous` the one before it was rotated, as long as that overlap lasts.

        ConfigurationError names a secret that the organization does not have.
        """
        self._host.check()
        return await self._host.secret(name, previous)

    async def get_oauth_connection(self, name: str) -> OAuthCredentials:
        """The credentials of an OAuth connection, whatever the case of its name: the organization's own, else one that
        the MSP shares. Their token is refreshed ahead of its end. ConfigurationError where there is none,
        IntegrationError where a person has to reconnect it.
        """
        self._host.check()
        return await self._host.connection(name_of(name))

    async def step(self, name: Any, function: Any = MISSING, /, *args: Any, options: Any = None, **kwargs: Any) -> Any:
        """Does `function(*args, **kwargs)` as a step: once recorded, its result is never computed again.

        The name may be left out; `options` are those of `StepOptions`, as one or as a mapping.
        """
        return await self.call_step(step_of(name, function, args, kwargs, options))

    async def audit(self, operation: str, resource_id: Any = None, metadata: Mapping[str, Any] | None = None) -> None:
        """Puts an event into the organization's audit log, in the caller's name, once however often the run goes on
        from its journal. Inside a step: once for each operation and resource.
        """
        call = audit_call(self._host, operation, resource_id, metadata)
        if current_step.get() is None:
            await self.call_step(call)
        else:
            await call.function(*call.args)

    async def sleep(self, seconds: float | timedelta) -> None:
        """Waits; longer than a second, it needs no worker meanwhile and survives every restart."""
        await self._host.wait(Wait("timer", "", length("sleep", seconds)))

    async def wait_for_signal(self, name: str, timeout: float | timedelta | None = None, default: Any = MISSING) -> Any:
        """The body of the next signal of this name, also of one that came before.

        With `timeout` (seconds or a timedelta): where none has come by then, the default, or a TimeoutError.
        """
        limit = None if timeout is None else length("timeout", timeout)
        answer = await self._host.wait(Wait("signal", name_of(name), limit, entry="signal"))
        if "timedOut" not in answer:
            return plain(answer.get("value"))
        if default is MISSING:
            raise TimeoutError(f"No signal {name!r} came within {limit:g} seconds", limit, f"signal {name}")
        return default

    async def first(self, *waits: Awaitable[Any], **named: Awaitable[Any]) -> First:
        """Waits for whichever comes first; the others are given up. `First.key` is its place, or its name."""
        by_key: dict[int | str, Awaitable[Any]] = {**dict(enumerate(waits))}
        by_key.update(named)
        return await first_of(by_key)

    async def map(
        self,
        function: Callable[..., Any],
        items: Iterable[Any],
        *,
        concurrency: int = 10,
        batch_size: int | None = None,
        on_error: OnError = "raise",
        options: Any = None,
    ) -> Mapped:
        """Does `function(item)` as a step for each item, so many at once; a run that resumes goes on with the rest.

        `batch_size`: so many items are one step, for lists of thousands. `on_error="collect"`: one that fails stops
        no other, and the run ends as CompletedWithErrors. Shows its progress.
        """
        return await map_items(
            self,
            function,
            items,
            concurrency=concurrency,
            batch_size=batch_size,
            on_error=on_error,
            options=options,
        )

    def saga(self, name: str = "saga") -> Saga:
        """Steps that belong together: where the block fails, is cancelled or runs out of time, those that were done
        are undone, the last one first: `async with context.saga() as saga: await saga.step(do, compensate=undo)`.
        """
        return Saga(self, name_of(name))
