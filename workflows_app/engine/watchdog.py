"""Watches one engine's loop. Code that blocks it stops every other execution of the process (engine.md, section 11)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

from bifrost.sdk.errors import TimeoutError as WorkflowTimeout
from bifrost.sdk.errors import WorkerLost
from workflows_app.engine import ending
from workflows_app.engine.engine import Engine
from workflows_app.engine.run import Run, mapping_of

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
LATE_SECONDS = 1.0  # a look that comes so late says that the whole process stood still, or that code held the GIL


class Watchdog:
    """Notes who blocks the loop, and past the hard limit has the engine given up and replaced."""

    def __init__(self, engine: Engine, on_blocked: Callable[[Engine], None]) -> None:
        self._engine = engine
        self._on_blocked = on_blocked
        self._warned = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        before, worked = time.monotonic(), time.process_time()
        while not self._stopped.wait(LOOK_SECONDS):
            now, working = time.monotonic(), time.process_time()
            late = now - before > LATE_SECONDS
            if late and working - worked < (now - before) / 2:
                # Nobody computed meanwhile: the process was stopped and has come back. No workflow is to blame.
                self._engine.mark = now
            before, worked = now, working
            self.look(now - self._engine.mark)

    def look(self, silent_seconds: float) -> None:
        """Judges a loop that has been silent for so many seconds."""
        limits = self._engine.limits
        if silent_seconds < limits.blocked_warning_seconds:
            self._warned = False
        elif silent_seconds >= limits.blocked_limit_seconds:
            self._give_up()
        elif not self._warned:
            self._warned = True
            self._warn(silent_seconds)

    def culprit(self) -> Run | None:
        """The run whose code holds the loop."""
        task = asyncio.current_task(self._engine.loop)
        return next((run for run in list(self._engine.runs.values()) if task in run.tasks), None)

    def _warn(self, silent_seconds: float) -> None:
        culprit = self.culprit()
        if culprit is None:
            log.warning("the loop is blocked", seconds=round(silent_seconds, 1))
            return
        message = (
            "This workflow blocks the event loop: use await, or a plain def workflow, for code that waits or computes."
        )
        culprit.note("log", "warning", {"message": message, "data": {"seconds": round(silent_seconds, 1)}})
        log.warning("a workflow blocks the loop", seconds=round(silent_seconds, 1), **mapping_of(culprit))

    def _give_up(self) -> None:
        self._stopped.set()
        culprit = self.culprit()
        if culprit is not None:
            log.error("a workflow blocked the loop for too long", **mapping_of(culprit))
        self._engine.accepts = False
        self._engine.give_up(lambda run: self._ending(run, culprit))
        self._on_blocked(self._engine)

    def _ending(self, run: Run, culprit: Run | None) -> Any:
        seconds = self._engine.limits.blocked_limit_seconds
        if run is culprit:
            message = f"The workflow blocked its process for {seconds:g} seconds without awaiting."
            return ending.failed(run, WorkflowTimeout(message, timeout_seconds=seconds))
        if run.claimed and run.resumable:
            return ending.handed_over(run, "another execution blocked its process")
        return ending.failed(run, WorkerLost("Another execution blocked the process that ran this one."))
