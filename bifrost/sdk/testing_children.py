"""Children in an author's test: plain calls of the functions that the test gives for them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NoReturn, cast

from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.documents import exact
from bifrost.sdk.errors import ContinueAsNew, WorkflowException, as_document, from_document
from bifrost.sdk.tolerant import JSON
from bifrost.sdk.virtual import VirtualClock

if TYPE_CHECKING:
    from bifrost.sdk.testing import MemoryHost

#: Called as the workflow would be: with a context and the parameters by name.
Child = Callable[..., Any]


@dataclass(eq=False)
class Started:
    """A child that was started and has not run yet: it does when its result is asked for. It has signals and a time of
    its own.
    """

    function: Child
    parameters: dict[str, Any]
    host: MemoryHost
    cancelled: bool = False
    outcome: Callable[[], JSON] | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def result(self) -> JSON:
        async with self.turn:
            if self.outcome is None:
                self.outcome = await self._outcome()
        return self.outcome()

    async def _outcome(self) -> Callable[[], JSON]:
        if self.cancelled:
            return _raises(WorkflowException("Cancelled by its parent.", error_type="Cancelled"))
        try:
            value = await called(self.function, self.host, self.parameters)
        except WorkflowException as error:
            return _raises(error)
        return lambda: value


class Children:
    """What `MemoryHost` does about other executions."""

    workflows: Mapping[str, Child]
    clock: VirtualClock
    started: dict[str, Started]

    def check(self) -> None:
        """Raises Detached where that is due."""
        raise NotImplementedError

    def record(self, kind: str, name: str, data: JSON) -> None:
        """Notes it for the test."""
        raise NotImplementedError

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> JSON:
        """As the engine does: the result comes back as JSON, a failure as what its document tells of it."""
        self.check()
        return await called(self._given(workflow), self._host, parameters)

    async def start_child(self, workflow: str, parameters: dict[str, Any], parent_close: str) -> str:
        """Notes it; the function runs when its result is asked for, and never where that is not."""
        function = self._given(workflow)
        number = f"{len(self.started) + 1:012d}"
        child = f"00000000-0000-7000-8001-{number}"
        started = {"parameters": parameters, "parentClose": parent_close, "executionId": child}
        self.record("start", workflow, cast(JSON, started))
        host = replace(
            self._host,
            execution_id=child,
            workflow_name=workflow,
            attempt=1,
            clock=VirtualClock(self.clock.now(), ()),
            started={},
        )
        self.started[child] = Started(function, parameters, host)
        return child

    async def child_result(self, workflow: str, execution_id: str) -> JSON:
        self.check()
        child = self.started[execution_id]
        try:
            return await child.result()
        finally:
            later = (child.host.clock.now() - self.clock.now()).total_seconds()
            self.clock.pass_by(max(0.0, later))

    async def continue_as_new(self, parameters: dict[str, Any]) -> NoReturn:
        """The test gets it: `with pytest.raises(ContinueAsNew) as again`, then `again.value.parameters`."""
        self.check()
        raise ContinueAsNew(parameters)

    def tell_child(self, name: str, data: dict[str, JSON]) -> None:
        """A started child gets its signals, or its end."""
        child = self.started.get(str(data.get("execution")))
        if child is not None and name == "signal":
            child.host.clock.send(str(data["name"]), data["body"])
        elif child is not None and name == "cancel":
            child.cancelled = True

    def _given(self, workflow: str) -> Child:
        if workflow not in self.workflows:
            raise LookupError(f'The test gave no workflow "{workflow}": context(workflows={{"{workflow}": ...}})')
        return self.workflows[workflow]

    @property
    def _host(self) -> MemoryHost:
        return cast("MemoryHost", self)


async def called(function: Child, host: MemoryHost, parameters: dict[str, Any]) -> JSON:
    """What the function gives, or its successors where it goes on as new."""
    plain_function = inspect.isfunction(function) and not inspect.iscoroutinefunction(function)
    while True:
        context = BlockingContext(host) if plain_function else OrganizationContext(host)
        try:
            result = function(context, **parameters)
            return exact(await result if inspect.isawaitable(result) else result, "result")
        except ContinueAsNew as again:
            parameters = again.parameters
        except Exception as error:
            raise from_document(as_document(error)) from error


def _raises(error: WorkflowException) -> Callable[[], JSON]:
    def fail() -> NoReturn:
        raise error

    return fail
