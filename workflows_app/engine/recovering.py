"""What a run does about its own failure, by its workflow's `recovery`: tries again, has it undone, or calls somebody.

All of it happens in the run, after its function has failed and before its end: it is recorded, and goes on in another
process like any other part of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import EscalatedError, MaxRetriesExceeded, WorkflowException, as_document
from bifrost.sdk.recovery import Recovery
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.steps import StepCall, StepOptions
from workflows_app.engine.steps import run_step
from workflows_app.engine.stops import Cancelled

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

ASKED = StepOptions(retry_policy=RetryPolicy(max_attempts=5, initial_interval_seconds=1.0))


async def recovered(run: Run, function: Awaitable[Any]) -> Any:
    """What the function gives; where it fails, what the workflow's recovery makes of that."""
    recovery = run.facts.loaded.spec.recovery
    if recovery is None:
        return await function
    try:
        return await function
    except (Exception, asyncio.CancelledError) as error:
        reason = run.stop_reason or error  # a time that is over counts as a failure
        if isinstance(reason, Cancelled | asyncio.CancelledError):
            raise
        try:
            await _recover(run, recovery, reason)
        except WorkflowException as verdict:
            run.verdict = verdict
            raise
        raise


async def _recover(run: Run, recovery: Recovery, error: BaseException) -> None:
    """Does what is chosen; returns where the error itself is what came out. Raises the error that takes its place."""
    match recovery.strategy_for(error):
        case "retry":
            _require_another_attempt(run, error)
        case "compensate":
            run.final = True
            if recovery.compensation is not None:
                await _compensate(run, recovery.compensation, error)
        case "escalate":
            run.final = True
            await _escalate(run, error)
        case "fail":
            run.final = True


def _require_another_attempt(run: Run, error: BaseException) -> None:
    policy = run.facts.loaded.spec.retry_policy
    document = as_document(error)
    if policy is None or run.attempt < policy.max_attempts:
        return
    raise MaxRetriesExceeded(
        f"It failed {run.attempt} times, at last with: {document['message']}",
        details={"original_error": document["error"], "attempts": run.attempt},
    ) from error


async def _compensate(run: Run, workflow: str, error: BaseException) -> None:
    document = as_document(error)
    reason = f"{document['error']}: {document['message']}"
    with run.compensation() as undone:
        try:
            await run.run_child(workflow, {"original_input": run.facts.parameters, "failure_reason": reason})
        except Exception as failure:  # noqa: BLE001  the run still ends by its own error
            undone(workflow, False)
            facts = {"saga": "recovery", "step": workflow, "number": 1, "reason": str(failure)}
            await _ask(run, "compensation_failed", facts)
        else:
            undone(workflow, True)


async def _escalate(run: Run, error: BaseException) -> None:
    document = as_document(error)
    with run.compensation():  # so that it is done also where the time is over
        await _ask(run, "escalated", {"error": document["error"], "message": document["message"]})
    raise EscalatedError(
        f"Escalated: {document['message']}",
        details={"original_error": document["error"], "original_details": document["details"]},
    ) from error


async def _ask(run: Run, service: str, facts: dict[str, Any]) -> None:
    """As a step, so that it is asked for once."""
    try:
        await run_step(run, StepCall(service, partial(run.service, service), (facts,), options=ASKED))
    except Exception as failure:  # noqa: BLE001  the run still ends by its own error
        run.note("log", "error", {"message": f"Nobody could be told of it ({service}): {failure}", "data": None})
