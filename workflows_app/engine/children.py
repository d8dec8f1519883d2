"""Child executions: run in the same process as their parent, owned at once, with a record of their own."""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import WorkflowException, from_document
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import finish
from workflows_app.engine.position import position
from workflows_app.engine.run import Cancelled, Run
from workflows_app.engine.start import Request, begin, prepare
from workflows_app.errors import Refused

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

PATIENCE_SECONDS = 30.0


async def run_child(engine: Engine, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
    """Runs the workflow as the parent's child and returns its exact result, or raises its error.

    A parent that is stopped stops its child, which ends as Cancelled.
    """
    request = _request(parent, workflow, exact(parameters, "child's parameters"))
    child = await engine.in_database_thread(_begin, engine, request)
    parent.record("child", workflow, {"executionId": str(child.facts.id), "status": "Running"})
    # A task of the engine, not of the parent: it writes the child's end whatever becomes of the parent.
    ended = engine.loop.create_task(_to_end(engine, child), context=Context())
    try:
        ending = await asyncio.shield(ended)
    except asyncio.CancelledError:
        if child.stop is not None:
            child.stop(Cancelled("Its parent was stopped.", error_type="Cancelled"))
        raise
    parent.record("child", workflow, {"executionId": str(child.facts.id), "status": ending.status})
    if ending.error is not None:
        raise from_document(ending.error)
    return ending.result


def _request(parent: Run, workflow: str, parameters: dict[str, Any]) -> Request:
    facts = parent.facts
    if facts.depth + 1 > parent.engine.limits.max_child_depth:
        raise WorkflowException(
            f"Children are nested {facts.depth + 1} deep; the limit is {parent.engine.limits.max_child_depth}.",
            error_type="ChildDepthExceeded",
        )
    where = position.get(parent.position)
    return Request(
        organization=facts.organization,
        workflow=workflow,
        parameters=parameters,
        actor=facts.actor,
        trigger={"type": "parent", "executionId": str(facts.id)},
        idempotency_key=f"{facts.id}:{where.path}:{where.next('child-start', workflow)}:{workflow}"[:255],
        parent=facts.id,
        depth=facts.depth + 1,
    )


def _begin(engine: Engine, request: Request) -> Run:
    try:
        child = begin(engine, prepare(request))
    except Refused as refused:
        raise WorkflowException(refused.message, error_type=refused.error, details=refused.details) from refused
    if child is None:
        raise WorkflowException(f"The child {request.workflow!r} was already started.", error_type="Conflict")
    return child


async def _to_end(engine: Engine, child: Run) -> Ending:
    engine.launch(child, child.facts.loaded.spec.timeout_seconds)
    outcome = await asyncio.wrap_future(child.finished)
    return await engine.in_database_thread(finish, child, outcome, PATIENCE_SECONDS)
