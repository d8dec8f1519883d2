"""Child executions: each is an operation of its parent, with a record of its own.

One begins in its parent's process, owned at once. Where it goes on elsewhere (it waits, is tried again, or an earlier
stretch of the parent began it) the parent waits for its end without a worker.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextvars import Context
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import WorkflowException, as_document
from orgs.tenancy import org_context
from workflows_app import following, sending
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import finish
from workflows_app.engine.operations import Operation
from workflows_app.engine.queueing import queue
from workflows_app.engine.run import Run
from workflows_app.engine.start import Prepared, Request, actor_key, begin, prepare
from workflows_app.engine.steps import sealed_where_shown_otherwise, told
from workflows_app.engine.stops import Cancelled
from workflows_app.errors import Refused
from workflows_app.models import TERMINAL, Execution, Status

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

PATIENCE_SECONDS = 30.0


async def run_child(engine: Engine, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
    """Runs the workflow as the parent's child and returns its exact result, or raises its error.

    A parent that is stopped stops its child, which ends as Cancelled.
    """
    given = exact(parameters, "child's parameters")
    digest = hashlib.sha256(parent.scrubber.scrub(json.dumps(given, sort_keys=True)).encode()).hexdigest()[:16]
    with parent.operations.asked("child", workflow, digest) as operation:
        if not await parent.operations.recorded(operation):
            await _run(engine, parent, operation, given)
        return told(await operation.outcome, workflow)


async def _run(engine: Engine, parent: Run, operation: Operation, parameters: dict[str, Any]) -> None:
    """Begins the child, or finds it, and journals what came of it."""
    try:
        request = _request(parent, operation, parameters)
        child = await engine.in_database_thread(_begin, engine, request, parent.stretch.epoch)
    except WorkflowException as refused:
        parent.operations.end(operation, "failed", error=as_document(refused))
        return
    id_ = child if isinstance(child, UUID) else child.facts.id
    parent.operations.note(operation, "started", executionId=str(id_))
    try:
        ended = None if isinstance(child, UUID) else await _here(engine, parent, child)
        while ended is None or ended.status not in TERMINAL:
            ended = await _looked_up(engine, parent, id_)
            if ended.status not in TERMINAL:
                await parent.waits.entry(operation, "child_end", str(id_))
    except asyncio.CancelledError:
        await engine.in_database_thread(sending.cancel_child, parent.facts.organization, id_)
        raise
    facts: dict[str, Any] = {"executionId": str(id_), "status": str(ended.status)}
    if ended.error is not None:
        parent.operations.end(operation, "failed", error=ended.error, **facts)
    else:
        sealed = await sealed_where_shown_otherwise(parent, ended.result)
        parent.operations.end(operation, "done", sealed, value=ended.result, **facts)


async def _here(engine: Engine, parent: Run, child: Run) -> Ending:
    """Its end, or that it goes on later, in this process."""
    # A task of the engine, not of the parent: it writes the child's end whatever becomes of the parent.
    ending = engine.loop.create_task(_to_end(engine, child), context=Context())
    try:
        return await asyncio.shield(ending)
    except asyncio.CancelledError:
        if child.stop is not None:
            child.stop(Cancelled("Its parent was stopped."))
        raise


async def _to_end(engine: Engine, child: Run) -> Ending:
    engine.launch(child, child.time_left())
    outcome = await asyncio.wrap_future(child.finished)
    return await engine.in_database_thread(finish, child, outcome, PATIENCE_SECONDS)


async def _looked_up(engine: Engine, parent: Run, child: UUID) -> Ending:
    """What its record says now."""
    found = await engine.in_database_thread(following.outcome_of, parent.facts.organization, child)
    return Ending(found.status, found.result, found.error, found.duration_ms)


def _request(parent: Run, operation: Operation, parameters: dict[str, Any]) -> Request:
    facts, key = parent.facts, operation.key
    if facts.depth + 1 > parent.engine.limits.max_child_depth:
        raise WorkflowException(
            f"Children are nested {facts.depth + 1} deep; the limit is {parent.engine.limits.max_child_depth}.",
            error_type="ChildDepthExceeded",
        )
    return Request(
        organization=facts.organization,
        workflow=key.name,
        parameters=parameters,
        actor=facts.actor,
        trigger={"type": "parent", "executionId": str(facts.id)},
        # Another attempt of the parent begins it anew, where it failed.
        idempotency_key=f"{facts.id}:{key.path}:{key.number}:{facts.attempt}:{key.name}"[:255],
        parent=facts.id,
        depth=facts.depth + 1,
    )


def _begin(engine: Engine, request: Request, epoch: int) -> Run | UUID:
    """The child's run; the id of one that an earlier stretch of this parent began, or that waits for an approval."""
    try:
        prepared = prepare(request)
        if prepared.status != Status.RUNNING:
            return prepared.facts.id if queue(prepared) else _begun_before(prepared)
        run = begin(engine, prepared)
        if run is None:
            return _begun_before(prepared)
        run.parent_epoch = epoch
        return run
    except Refused as refused:
        raise WorkflowException(refused.message, error_type=refused.error, details=refused.details) from refused


def _begun_before(prepared: Prepared) -> UUID:
    facts = prepared.facts
    with org_context(facts.organization):
        return Execution.objects.values_list("id", flat=True).get(
            workflow=facts.loaded.spec.name, actor=actor_key(facts.actor), idempotency_key=prepared.idempotency_key
        )
