"""What a run needs of its engine, for one that replays a history and does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from types import CodeType
from typing import TYPE_CHECKING, Any, NoReturn, cast
from uuid import UUID

from workflows_app.engine.children import run_child
from workflows_app.engine.limits import Limits
from workflows_app.engine.loop import EngineLoop
from workflows_app.engine.tasks import TaskFactory, report_unnoticed

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine
    from workflows_app.engine.run import Run


class StandIn:
    """Has a loop and no database: what is said is not written, and what would have to be done is refused.

    `workspaces`: the directories whose code's tasks are numbered.
    """

    listener = None
    id = UUID(int=0)

    def __init__(self, *workspaces: Path) -> None:
        self.loop = EngineLoop()
        self.limits = Limits.from_settings()
        self.acknowledged = time.monotonic()
        self._tasks = TaskFactory(*workspaces)
        self.loop.set_task_factory(self._tasks)
        self.loop.set_exception_handler(report_unnoticed)

    @property
    def as_engine(self) -> Engine:
        """For what asks for an engine, and gets by with this."""
        return cast("Engine", self)

    def owns(self, code: CodeType) -> bool:
        return self._tasks.owns(code)

    def flush_later(self, run: Run) -> None:
        """What it said is not written."""

    def write_events(self, run: Run) -> None:
        """What it said is not written."""

    def remember_secret_config(self, code_version: str, key: str) -> None:
        """No other run comes after this one."""

    def thread_leaked(self, thread: Thread) -> None:
        """Its process ends soon, or the test run."""

    async def run_child(self, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
        return await run_child(self.as_engine, parent, workflow, parameters)

    async def in_database_thread(self, function: Callable[..., Any], *arguments: Any) -> NoReturn:
        raise RuntimeError("A replay asks nothing of the platform.")

    def commit(self, run: Run) -> NoReturn:
        raise RuntimeError("A replay writes nothing.")
