"""What came out of a run, as its record keeps it. The only place where an exception becomes a status."""

from __future__ import annotations

import asyncio
import json
import traceback
from dataclasses import dataclass
from typing import Any

import structlog

from bifrost.sdk.documents import exact, plain, size
from bifrost.sdk.errors import TooLarge, WorkflowException, as_document
from integrations.sealing import VaultUnavailable, seal
from workflows_app.engine.run import Cancelled, Run, mapping_of
from workflows_app.engine.runner import Outcome
from workflows_app.models import Status

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The terminal status with all that the record needs. `result` is exact but for secrets that the run read."""

    status: str
    result: Any = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None


def conclude(run: Run, outcome: Outcome, limit: int) -> Ending:
    """Judges the outcome and notes it in the run's journal. `limit`: the largest result, in bytes."""
    error = _reason(run, outcome)
    result = None
    if error is None:
        try:
            result = _result(run, outcome.value, limit)
        except WorkflowException as refused:
            error = refused
    if run.still_running:
        run.note("log", "warning", {"message": "The code did not stop; it may still be running.", "data": None})
    run.note_dropped_logs()
    if error is not None:
        return _failed(run, error)
    run.note("status", Status.SUCCESS, None)
    return Ending(Status.SUCCESS, result, duration_ms=run.elapsed_ms())


def failed(run: Run, error: WorkflowException) -> Ending:
    """An ending that the engine itself decides on, without an outcome of the function."""
    return _failed(run, error)


def parameters(run: Run, ending: Ending) -> dict[str, Any]:
    """The ending as parameters of the `end` statement, with all unwritten events. Takes them from the run."""
    result = run.clean(ending.result)
    sealed = None
    if result != ending.result:
        sealed = _sealed(run, ending.result)
    variables = run.clean(run.variables)
    return {
        "worker": run.engine.id,
        "id": run.facts.id,
        "organization": run.facts.organization.id,
        "status": ending.status,
        "result": None if ending.result is None else json.dumps(result),
        "result_sealed": sealed,
        "error": None if ending.error is None else json.dumps(ending.error),
        "variables": json.dumps(variables) if variables else None,
        "progress": None,
        "duration_ms": ending.duration_ms,
        "events": json.dumps(run.take_events()),
    }


def _reason(run: Run, outcome: Outcome) -> BaseException | None:
    """A crash outweighs a stop, a stop outweighs whatever the function made of it."""
    return run.fatal or run.stop_reason or outcome.error


def _result(run: Run, value: Any, limit: int) -> Any:
    result = exact(value, "result")
    if (length := size(result)) > limit:
        raise TooLarge(f"The result has {length:,} bytes; the limit is {limit:,}.")
    return run.scrubber.scrub(result)


def _failed(run: Run, error: BaseException) -> Ending:
    if isinstance(error, asyncio.CancelledError):
        error = RuntimeError("The workflow cancelled itself.")
    document = run.scrubber.scrub(plain(as_document(error)))
    trace = "".join(traceback.format_exception(error))
    run.note("error", document["error"], {**document, "traceback": trace})
    status = Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED
    run.note("status", status, None)
    log.info("execution failed", status=str(status), error=document["error"], **mapping_of(run))
    return Ending(status, error=document, duration_ms=run.elapsed_ms())


def _sealed(run: Run, result: Any) -> bytes | None:
    try:
        return seal(run.facts.organization, result)
    except VaultUnavailable:
        message = "The vault is away: the record keeps the result without the values that look like secrets."
        run.note("log", "warning", {"message": message, "data": None})
        return None
