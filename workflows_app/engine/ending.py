"""What came out of a run, as its record keeps it. The only place where an exception becomes a status."""

from __future__ import annotations

import asyncio
import json
import traceback
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bifrost.sdk.documents import exact, plain, size
from bifrost.sdk.errors import TooLarge, WorkflowException, as_document
from integrations.sealing import VaultUnavailable, seal
from workflows_app.engine import statements
from workflows_app.engine.continuing import goes_on
from workflows_app.engine.run import Run, mapping_of
from workflows_app.engine.runner import Outcome
from workflows_app.engine.start import Prepared, row_parameters
from workflows_app.engine.stops import Cancelled
from workflows_app.models import TERMINAL, Status

SHOWN_ITEMS = 100
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """The terminal status with all that the record needs. `result` is exact but for secrets that the run read.

    `successor`: the execution that goes on in its place, and is created with this end.

    Where another attempt follows in `delay` seconds, the status is Suspended, and the error is this attempt's. Without
    an error, a suspended one waits: for so many seconds, or (None) until something arrives for it.
    """

    status: str
    result: Any = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None
    delay: float | None = 0.0
    reason: str = ""
    successor: Prepared | None = None


def conclude(run: Run, outcome: Outcome, limit: int) -> Ending:
    """Judges the outcome and notes it in the run's journal. `limit`: the largest result, in bytes."""
    error = _reason(run, outcome)
    result = None
    successor = run.successor if goes_on(error) else None
    if successor is not None:
        result, error = {"continuedAs": str(successor.facts.id)}, run.operations.unreached()
    elif error is None:
        try:
            result = _result(run, outcome.value, limit)
        except WorkflowException as refused:
            error = refused
        else:
            error = run.operations.unreached()
    if run.still_running:
        run.note("log", "warning", {"message": "The code did not stop; it may still be running.", "data": None})
    run.lines.note_dropped()
    if error is not None:
        return _failed(run, error)
    if run.failed_items:
        return replace(_with_errors(run, result), successor=successor)
    run.note("status", Status.SUCCESS, None if successor is None else result)
    return Ending(Status.SUCCESS, result, duration_ms=run.elapsed_ms(), successor=successor)


def _with_errors(run: Run, result: Any) -> Ending:
    number = len(run.failed_items)
    message = f"{number} item{'s' if number > 1 else ''} failed."
    details = {"failed": run.failed_items[:SHOWN_ITEMS]}
    error = run.clean({"error": str(Status.COMPLETED_WITH_ERRORS), "message": message, "details": details})
    run.note("status", Status.COMPLETED_WITH_ERRORS, {"reason": message})
    return Ending(Status.COMPLETED_WITH_ERRORS, result, error, duration_ms=run.elapsed_ms())


def failed(run: Run, error: WorkflowException) -> Ending:
    """An ending that the engine itself decides on, without an outcome of the function and for good."""
    return _failed(run, error, final=True)


def write_of(run: Run, ending: Ending) -> tuple[bytes, dict[str, Any]]:
    """The statement that makes the ending durable and its parameters, with all unwritten events. Takes them from the
    run."""
    schema = run.facts.organization.schema_name
    if ending.successor is not None:
        return statements.continue_as_new(schema), {
            **row_parameters(ending.successor),
            **_parameters(run, ending),
            "successor": ending.successor.facts.id,
            "inbox": run.inbox,
            "kept": run.waits.untaken(),
        }
    if ending.status in TERMINAL:
        return statements.end(schema), _parameters(run, ending)
    return statements.suspend(schema), {
        **_owner(run),
        "organization": run.facts.organization.id,
        "workflow": run.workflow_name,
        "got_on": run.operations.got_on,
        "status": str(ending.status),
        "attempt": run.facts.attempt + (1 if ending.error is not None else 0),
        "spent_ms": run.elapsed_ms(),
        "inbox": run.inbox,
        "delay": ending.delay,
        "reason": ending.reason[:200],
        "progress": run.progress_now,
        "events": json.dumps(run.lines.take()),
    }


def suspended(run: Run, seconds: float | None, reason: str) -> Ending:
    """Put aside while it waits."""
    run.note("status", Status.SUSPENDED, {"reason": reason})
    return Ending(Status.SUSPENDED, delay=seconds, reason=reason)


def handed_over(run: Run, reason: str) -> Ending:
    """Back into the queue, for another process to go on with at once."""
    run.note("status", Status.QUEUED, {"reason": reason})
    return Ending(Status.QUEUED, reason=reason)


def _owner(run: Run) -> dict[str, Any]:
    return {"worker": run.engine.id, "epoch": run.stretch.epoch, "id": run.facts.id}


def _parameters(run: Run, ending: Ending) -> dict[str, Any]:
    result = run.clean(ending.result)
    sealed = None
    if result != ending.result:
        sealed = _sealed(run, ending.result)
    variables = run.clean(run.variables)
    return {
        **_owner(run),
        "organization": run.facts.organization.id,
        "status": str(ending.status),
        "result": None if ending.result is None else json.dumps(result),
        "result_sealed": sealed,
        "error": None if ending.error is None else json.dumps(ending.error),
        "variables": json.dumps(variables) if variables else None,
        "progress": run.progress_now,
        "duration_ms": ending.duration_ms,
        "parent_worker": run.engine.id if run.parent_epoch is not None else None,
        "parent_epoch": run.parent_epoch,
        "events": json.dumps(run.lines.take()),
    }


def _reason(run: Run, outcome: Outcome) -> BaseException | None:
    """A crash outweighs what the recovery says, that a stop, and a stop whatever the function made of it. What is to
    be cancelled does not go on as another one, which would not know of it."""
    late = run.to_cancel if goes_on(outcome.error) else None
    return run.fatal or run.verdict or run.stop_reason or late or outcome.error


def _result(run: Run, value: Any, limit: int) -> Any:
    result = exact(value, "result")
    if (length := size(result)) > limit:
        raise TooLarge(f"The result has {length:,} bytes; the limit is {limit:,}.")
    return run.scrubber.scrub(result)


def _failed(run: Run, error: BaseException, *, final: bool = False) -> Ending:
    if isinstance(error, asyncio.CancelledError):
        error = RuntimeError("The workflow cancelled itself.")
    document = run.scrubber.scrub(plain(as_document(error)))
    if run.undone or run.not_undone:
        document["details"] = {**document["details"], "compensation": _compensation(run)}
    trace = "".join(traceback.format_exception(error))
    run.note("error", document["error"], {**document, "traceback": trace})
    if not final and (again := _another_attempt(run, error, document)) is not None:
        return again
    status = Status.CANCELLED if isinstance(error, Cancelled) else Status.FAILED
    if run.undone and status == Status.FAILED:
        status = Status.COMPENSATED
    run.note("status", status, None)
    log.info("execution failed", status=str(status), error=document["error"], **mapping_of(run))
    return Ending(status, error=document, duration_ms=run.elapsed_ms())


def _compensation(run: Run) -> dict[str, Any]:
    """What sagas have undone, and what somebody has to undo by hand."""
    return {"undone": run.undone[:SHOWN_ITEMS], "failed": run.not_undone[:SHOWN_ITEMS]}


def _another_attempt(run: Run, error: BaseException, document: dict[str, Any]) -> Ending | None:
    """What follows by the workflow's retry policy: the wait for the next attempt holds no worker."""
    spec, attempt = run.facts.loaded.spec, run.facts.attempt
    policy = spec.retry_policy
    if (
        policy is None
        or isinstance(error, Cancelled)
        or error is run.fatal
        or run.final
        or not policy.allows(attempt, document["error"])
    ):
        return None
    delay = policy.delay(attempt)
    if run.undone or run.not_undone:
        refused = "what it had done was undone"
    elif run.elapsed_ms() / 1000 >= spec.max_duration_seconds:
        refused = f"no time is left of {spec.max_duration_seconds:g} seconds"
    elif run.still_running:
        refused = "its code did not stop"
    else:
        reason = f"attempt {attempt} of {policy.max_attempts} failed; the next one begins in {delay:.1f} s"
        run.note("status", Status.SUSPENDED, {"reason": reason, "attempt": attempt})
        return Ending(Status.SUSPENDED, error=document, duration_ms=run.elapsed_ms(), delay=delay, reason=reason)
    run.note("log", "warning", {"message": f"Not tried again: {refused}.", "data": None})
    return None


def _sealed(run: Run, result: Any) -> bytes | None:
    try:
        return seal(run.facts.organization, result)
    except VaultUnavailable:
        message = "The vault is away: the record keeps the result without the values that look like secrets."
        run.note("log", "warning", {"message": message, "data": None})
        return None
