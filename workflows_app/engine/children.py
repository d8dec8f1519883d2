"""Child executions: run in the same process as their parent, owned at once, with a record of their own.

One that an earlier stretch of the parent started, or that waits for another attempt, runs elsewhere by now: its parent
waits for its record.
"""

from __future__ import annotations

import asyncio
from contextvars import Context
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import WorkflowException, from_document
from orgs.tenancy import org_context
from workflows_app import following, sending
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import finish
from workflows_app.engine.position import position
from workflows_app.engine.run import Cancelled, Run
from workflows_app.engine.start import Prepared, Request, actor_key, begin, prepare
from workflows_app.errors import Refused
from workflows_app.models import TERMINAL, Execution, Status

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.25


async def run_child(engine: Engine, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
    """Runs the workflow as the parent's child and returns its exact result, or raises its error.

    A parent that is stopped stops its child, which ends as Cancelled.
    """
    request = _request(parent, workflow, exact(parameters, "child's parameters"))
    child = await engine.in_database_thread(_begin, engine, request)
    if isinstance(child, Run):
        id_, ended = child.facts.id, _to_end(engine, child)
    else:
        id_, ended = child, _elsewhere(engine, parent, child)
    parent.record("child", workflow, {"executionId": str(id_), "status": "Running"})
    # A task of the engine, not of the parent: it writes the child's end whatever becomes of the parent.
    ending = engine.loop.create_task(ended, context=Context())
    try:
        known = await asyncio.shield(ending)
    except asyncio.CancelledError:
        await _stop(engine, parent, child)
        raise
    parent.record("child", workflow, {"executionId": str(id_), "status": known.status})
    if known.error is not None:
        raise from_document(known.error)
    return known.result


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


def _begin(engine: Engine, request: Request) -> Run | UUID:
    """The child's run; the id of one that an earlier stretch of this parent began."""
    try:
        prepared = prepare(request)
        if prepared.status == Status.PENDING_APPROVAL:
            raise WorkflowException(
                f"The child {request.workflow!r} needs an approval, for which a parent cannot wait yet.",
                error_type="NotAvailable",
            )
        return begin(engine, prepared) or _begun_before(prepared)
    except Refused as refused:
        raise WorkflowException(refused.message, error_type=refused.error, details=refused.details) from refused


def _begun_before(prepared: Prepared) -> UUID:
    facts = prepared.facts
    with org_context(facts.organization):
        return Execution.objects.values_list("id", flat=True).get(
            workflow=facts.loaded.spec.name, actor=actor_key(facts.actor), idempotency_key=prepared.idempotency_key
        )


async def _to_end(engine: Engine, child: Run) -> Ending:
    engine.launch(child, child.time_left())
    outcome = await asyncio.wrap_future(child.finished)
    ending = await engine.in_database_thread(finish, child, outcome, PATIENCE_SECONDS)
    if ending.status in TERMINAL:
        return ending
    return await _elsewhere(engine, child, child.facts.id)


async def _elsewhere(engine: Engine, asking: Run, child: UUID) -> Ending:
    """How it ended, once it has."""
    while True:
        found = await engine.in_database_thread(following.outcome_of, asking.facts.organization, child)
        if found.status in TERMINAL:
            return Ending(found.status, found.result, found.error, found.duration_ms)
        await asyncio.sleep(LOOK_SECONDS)


async def _stop(engine: Engine, parent: Run, child: Run | UUID) -> None:
    if isinstance(child, UUID):
        await engine.in_database_thread(sending.cancel_child, parent.facts.organization, child)
    elif child.stop is not None:
        child.stop(Cancelled("Its parent was stopped.", error_type="Cancelled"))
