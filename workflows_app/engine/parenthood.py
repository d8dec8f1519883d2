"""What a run's context asks about other executions: its children, and the one that goes on in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast
from uuid import UUID

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine
    from workflows_app.engine.history import History
    from workflows_app.engine.run import Run
    from workflows_app.engine.start import Prepared

#: Kinds of operations that have made an execution.
CHILDREN = frozenset({"child", "start"})


class Parenthood:
    """The part of a run, and of the SDK's host, that is about other executions."""

    engine: Engine
    history: History

    def __init__(self) -> None:
        self.has_children = False  # that may have to be cancelled when it ends
        self.waited_for: dict[str, str] = {}  # children, with their workflows, that its end waits for
        self.successor: Prepared | None = None  # goes on in its place, should the code be left for that

    def check(self) -> None:
        """Raises Detached once the execution goes on elsewhere or has ended."""
        raise NotImplementedError

    @property
    def leaves_children(self) -> bool:
        """Whether its end may concern children, also those that it began in a stretch before."""
        before = self.history
        return self.has_children or any(
            key.kind in CHILDREN for keys in (before.begun, before.ended, before.reused) for key in keys
        )

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> Any:
        """Runs a workflow as a child of this execution and returns its exact result, or raises its error."""
        self.check()
        return await self.engine.run_child(self._run, workflow, parameters)

    async def start_child(self, workflow: str, parameters: dict[str, Any], parent_close: str) -> str:
        """Queues a workflow as a child of this execution and returns its id."""
        self.check()
        return await self.engine.start_child(self._run, workflow, parameters, parent_close)

    async def child_result(self, workflow: str, execution_id: str) -> Any:
        """The exact result of a child that was started, or its error."""
        self.check()
        return await self.engine.child_result(self._run, workflow, str(UUID(execution_id)))

    async def wait_for_children(self) -> None:
        """Waits for the children for which its end waits."""
        if self.waited_for:
            await self.engine.wait_for_children(self._run)

    async def continue_as_new(self, parameters: dict[str, Any]) -> NoReturn:
        """Ends this execution; the same workflow goes on in a new one, with these parameters."""
        self.check()
        await self.engine.continue_as_new(self._run, parameters)

    @property
    def _run(self) -> Run:
        return cast("Run", self)
