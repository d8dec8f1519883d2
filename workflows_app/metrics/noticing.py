"""What the engine tells of: ends of executions and steps, losses, batches. Nothing here waits or raises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflows_app.metrics import families
from workflows_app.metrics.recording import recorder
from workflows_app.models import TERMINAL

ENDS = frozenset({"done", "failed", "cancelled"})


def execution_ended(workflow: str, status: str, duration_ms: int | None) -> None:
    """Its end is durable. A status that is none of an end's is not counted."""
    if status not in TERMINAL:
        return
    recorder.count(families.EXECUTIONS_ENDED, workflow, str(status))
    if duration_ms is not None:
        recorder.observe(families.EXECUTION_DURATION, duration_ms, workflow, str(status))


def execution_lost(workflow: str, outcome: str) -> None:
    """Nobody worked on it; the outcome is what has become of it ("queued", "failed")."""
    recorder.count(families.EXECUTIONS_LOST, workflow, outcome)


def step_of_type(activity_type: str) -> Callable[[Mapping[str, Any]], None]:
    """What hears of each journal line about one step."""

    def hear(line: Mapping[str, Any]) -> None:
        state = line["state"]
        if "durationMs" in line:
            recorder.observe(families.ACTIVITY_DURATION, line["durationMs"], activity_type)
        if state == "retrying":
            recorder.count(families.ACTIVITY_RETRIES, activity_type)
        elif state in ENDS:
            recorder.count(families.ACTIVITIES_ENDED, activity_type, state)

    return hear


def database_step(operations: int, seconds: float) -> None:
    """A database step of so many operations was done, well or not."""
    recorder.observe(families.DB_TRANSACTION_DURATION, seconds * 1000, str(operations))


def outside_call(service: str, seconds: float, error: BaseException | None) -> None:
    """A step behind a circuit breaker was tried."""
    recorder.observe(families.EXTERNAL_API_DURATION, seconds * 1000, service.lower(), _status(error))


def _status(error: BaseException | None) -> str:
    if error is None:
        return "ok"
    if isinstance(error, TimeoutError):
        return "timeout"
    status = getattr(error, "status_code", None)
    return str(status) if isinstance(status, int) else "error"


def batch_committed(writes: int) -> None:
    """The journal writer made so many writes durable in one transaction."""
    recorder.observe(families.JOURNAL_BATCH, writes)
