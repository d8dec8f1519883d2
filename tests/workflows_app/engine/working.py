"""An engine as a worker process hosts it, inside the test's own process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from orgs.records import OrganizationRecord
from tests.workflows_app.engine.conftest import ADA
from workflows_app import following
from workflows_app.engine import process
from workflows_app.engine.engine import Engine
from workflows_app.executions import Outcome, Start, submit
from workflows_app.models import TERMINAL

T = Any


class Worker:
    """Starts and stops the worker engine; runs workflows through the queue."""

    def __init__(self, organization: OrganizationRecord) -> None:
        self.organization = organization

    def start(self) -> Engine:
        process.configure("worker")
        return process.engine()

    def stop(self, grace: float = 0.0) -> None:
        process.stop(grace=grace)

    def submit(self, workflow: str, organization: OrganizationRecord | None = None, **parameters: Any) -> Outcome:
        outcome = submit(Start(organization or self.organization, workflow, parameters, ADA))
        self.wake()
        return outcome

    def run(self, workflow: str, **parameters: Any) -> Outcome:
        return self.end_of(self.organization, self.submit(workflow, **parameters))

    def end_of(self, organization: OrganizationRecord, outcome: Any, seconds: float = 30) -> Outcome:
        end = following.wait_for_end(organization, UUID(outcome.execution_id), seconds)
        assert end.status in TERMINAL, f"{end.status} after {seconds} s"
        return end

    def wake(self) -> None:
        if (engine := process.running()) is not None:
            engine.wake()

    def wakes_by_itself(self) -> None:
        """It looks once a second, also without any hint."""


def eventually(condition: Callable[[], T], what: str, seconds: float = 20) -> T:
    """What the condition answers, once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"There was no {what} within {seconds} s."
        time.sleep(0.01)
    return found
