"""What a context offers about other executions: children, signals to them, and going on anew."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Literal, NoReturn, get_args

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import ValidationError
from bifrost.sdk.plain_calls import PlainCalls, name_of
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepCall, StepOptions

__all__ = ["BlockingHandle", "ChildCalls", "Handle", "ParentClose"]

#: What becomes of a started child when its parent ends.
ParentClose = Literal["cancel", "abandon", "wait"]

#: A message that cannot be sent now is sent some minutes later; what is refused is refused at once.
SENDING = StepOptions(
    retry_policy=RetryPolicy(
        max_attempts=10, max_interval_seconds=60.0, non_retryable=("NotFound", "Conflict", "TooLarge", "DryRun")
    )
)


class ChildCalls(PlainCalls):
    """The part of an `async def` workflow's context that is about other executions."""

    async def execute_workflow(self, name: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Runs another workflow for the same organization and caller and returns its result; raises its
        error. Where this run is stopped or gives up waiting, the other one is cancelled.
        """
        return await self._host.run_child(name, self._child_parameters(parameters))

    async def start_workflow(
        self, name: str, parameters: Mapping[str, Any] | None = None, *, parent_close: ParentClose = "cancel"
    ) -> Handle:
        """Starts another workflow for the same organization and caller and returns at once, with a handle.

        `parent_close`: what becomes of it when this run ends first. "cancel": it is cancelled; "abandon": it
        goes on; "wait": where this run's code comes to its end, well or not, the run waits for it.
        """
        if parent_close not in get_args(ParentClose):
            raise ValidationError(f"parent_close is one of {', '.join(get_args(ParentClose))}, not {parent_close!r}")
        given = self._child_parameters(parameters)
        return Handle(self, name, await self._host.start_child(name, given, parent_close))

    async def signal_workflow(self, execution_id: Any, name: str, body: Any = None) -> None:
        """Sends a signal to another execution of this organization, which this run's caller may manage."""
        data = {"execution": str(execution_id), "name": name_of(name), "body": exact(body, f"signal {name!r}")}
        await self._send("signal", data)

    async def continue_as_new(self, /, **parameters: Any) -> NoReturn:
        """Ends this run; the same workflow goes on in a new one with these parameters and an empty journal.
        Signals that nobody has taken yet go there. Never returns: raises what lets only `finally` run.
        """
        await self._host.continue_as_new(self._child_parameters(parameters))

    async def _send(self, service: str, data: dict[str, Any]) -> None:
        """As a step, which may run again after a loss; what it sends is delivered once."""
        name = f"{service} {data['name']}" if "name" in data else service
        await self.call_step(StepCall(name[:200], self._host.service, (service, data), options=SENDING))

    def call_step(self, call: StepCall) -> Any:
        """For `@step`: does the step that was called."""
        return self._host.step(call)


class Handle:
    """A child that was started."""

    def __init__(self, calls: ChildCalls, workflow: str, execution_id: str) -> None:
        self.workflow_name = workflow
        self.execution_id = execution_id
        self._calls = calls

    def __repr__(self) -> str:
        return f"<Handle {self.workflow_name} {self.execution_id}>"

    def __await__(self) -> Generator[Any, None, Any]:
        return self.result().__await__()

    async def result(self) -> Any:
        """Its result, once it has ended; raises its error. Needs no worker while it waits."""
        return await self._calls._host.child_result(self.workflow_name, self.execution_id)

    async def signal(self, name: str, body: Any = None) -> None:
        """Sends it a signal. A WorkflowException of type Conflict where it has ended."""
        await self._calls.signal_workflow(self.execution_id, name, body)

    async def cancel(self) -> None:
        """Asks for its end; does nothing where it has ended already."""
        await self._calls._send("cancel", {"execution": self.execution_id})


class BlockingHandle:
    """The same in a plain `def` workflow, blocking."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self.workflow_name = handle.workflow_name
        self.execution_id = handle.execution_id

    def __repr__(self) -> str:
        return repr(self._handle)

    def result(self) -> Any:
        """Its result, once it has ended; raises its error."""
        return self._wait(self._handle.result())

    def signal(self, name: str, body: Any = None) -> None:
        """Sends it a signal. A WorkflowException of type Conflict where it has ended."""
        self._wait(self._handle.signal(name, body))

    def cancel(self) -> None:
        """Asks for its end; does nothing where it has ended already."""
        self._wait(self._handle.cancel())

    def _wait(self, coroutine: Any) -> Any:
        return self._handle._calls._host.run_blocking(coroutine)
