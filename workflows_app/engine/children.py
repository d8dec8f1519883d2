"""Child executions: each is an operation of its parent, with a record of its own.

One that is run begins in its parent's process, owned at once. Where it goes on elsewhere (it waits, is tried again, or
an earlier stretch of the parent began it) the parent waits for its end without a worker. One that is started is queued,
and its end is an operation of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from contextlib import suppress
from contextvars import Context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import WorkflowException, as_document
from orgs.tenancy import org_context
from workflows_app import following, sending
from workflows_app.actors import actor_key
from workflows_app.dispatch import hints
from workflows_app.engine.connection import DatabaseAway
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import finish
from workflows_app.engine.history import TAKEN_OVER
from workflows_app.engine.operations import Operation
from workflows_app.engine.protection import afresh, ask, ask_with_vault
from workflows_app.engine.queueing import queue
from workflows_app.engine.run import Run
from workflows_app.engine.runner import Outcome
from workflows_app.engine.start import Prepared, Request, begin, prepare
from workflows_app.engine.steps import sealed_where_shown_otherwise, told
from workflows_app.engine.stops import Cancelled
from workflows_app.engine.waits import NEVER
from workflows_app.errors import PlatformUnavailable, Refused
from workflows_app.models import TERMINAL, Execution, Status

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

PATIENCE_SECONDS = 30.0
AWAY_SECONDS = 1.0
FOREIGN_SECONDS = 60.0
STOPPED = "Its parent was stopped."
FAILED = TERMINAL - {Status.SUCCESS, Status.COMPLETED_WITH_ERRORS}


async def run_child(engine: Engine, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
    """Runs the workflow as the parent's child and returns its exact result, or raises its error.

    A parent that is stopped stops its child, which ends as Cancelled.
    """
    given = exact(parameters, "child's parameters")
    with parent.operations.asked("child", workflow, _digest(parent, given)) as operation:
        parent.has_children = True
        if not await parent.operations.recorded(operation):
            await _run(engine, parent, operation, given)
        return told(await operation.outcome, workflow)


async def start_child(parent: Run, workflow: str, parameters: dict[str, Any], close: str) -> str:
    """Queues the workflow as the parent's child and returns its id. `close`: what becomes of it at the parent's end."""
    given = exact(parameters, "child's parameters")
    with parent.operations.asked("start", workflow, _digest(parent, [given, close])) as operation:
        parent.has_children |= close == "cancel"
        again = await _has_failed_before(parent, operation)
        if not await parent.operations.recorded(operation):
            await _start(parent, operation, given, close, again=again)
        child: str = told(await operation.outcome, workflow)
    if close == "wait":
        parent.waited_for[child] = workflow
    return child


async def child_result(parent: Run, workflow: str, child: str) -> Any:
    """The exact result of a child that was started, or its error. Who gives up waiting does not stop it."""
    with parent.operations.asked("child", workflow, _digest(parent, child)) as operation:
        if not await parent.operations.recorded(operation):
            if not parent.operations.begun(operation):
                parent.operations.note(operation, "waiting", executionId=child)
            _end(operation, parent, *await _ended(parent, operation, UUID(child)))
        outcome = await operation.outcome
    parent.waited_for.pop(child, None)
    return told(outcome, workflow)


async def wait_for_children(parent: Run) -> None:
    """Waits until those have ended that the parent's end waits for; how they ended is theirs."""
    for child, workflow in list(parent.waited_for.items()):
        with suppress(Exception):
            await child_result(parent, workflow, child)


def _digest(parent: Run, given: Any) -> str:
    return hashlib.sha256(parent.scrubber.scrub(json.dumps(given, sort_keys=True)).encode()).hexdigest()[:16]


async def _has_failed_before(parent: Run, operation: Operation) -> bool:
    """Whether an attempt before started the child, and it has failed: this attempt then starts another one."""
    history, key = parent.history, operation.key
    line = history.reused.get(key)
    if line is None or key in history.ended or key in history.cancelled:
        return False
    status = await ask(parent, partial(following.status_of, parent.facts.organization, UUID(line.data["value"])))
    if status not in FAILED:
        return False
    del history.reused[key]
    return True


async def _start(parent: Run, operation: Operation, parameters: dict[str, Any], close: str, *, again: bool) -> None:
    """Queues the child, or finds it, and journals that."""
    key = operation.key
    # The same in another attempt: what was started is not started again, and what was refused has no execution.
    attempt = f":{parent.facts.attempt}" if again else ""
    name = f"{parent.facts.id}:start{attempt}:{operation.digest}:{key.number}:{key.path}"[:255]
    while True:
        try:
            request = _request(parent, operation, parameters, name)
            request = replace(request, background=True, closes=close == "cancel")
            child = await ask(parent, partial(_queued, request))
        except PlatformUnavailable:
            await asyncio.sleep(AWAY_SECONDS)
        except (WorkflowException, Refused) as refused:
            parent.operations.end(operation, "failed", error=as_document(_told_of(refused)))
            return
        else:
            parent.operations.end(operation, "done", value=str(child), executionId=str(child), parentClose=close)
            return


def _queued(request: Request) -> UUID:
    prepared = prepare(request)
    if not queue(prepared):
        return _begun_before(prepared)
    hints.send()
    return prepared.facts.id


async def _run(engine: Engine, parent: Run, operation: Operation, parameters: dict[str, Any]) -> None:
    """Begins the child, or finds it, and journals what came of it."""
    key = operation.key
    # Another attempt of the parent begins it anew, where it failed.
    name = f"{parent.facts.id}:{key.path}:{key.number}:{parent.facts.attempt}:{key.name}"[:255]
    try:
        request = _request(parent, operation, parameters, name)
        child = await _begun(engine, parent, request)
    except WorkflowException as refused:
        parent.operations.end(operation, "failed", error=as_document(refused))
        return
    id_ = child if isinstance(child, UUID) else child.facts.id
    parent.operations.note(operation, "started", executionId=str(id_))
    try:
        here = None if isinstance(child, UUID) else await _here(engine, parent, child)
        ended = await _ended(parent, operation, id_, here)
    except asyncio.CancelledError:
        await ask(parent, partial(sending.cancel_child, parent.facts.organization, id_))
        raise
    _end(operation, parent, *ended)


async def _begun(engine: Engine, parent: Run, request: Request) -> Run | UUID:
    """What `_begin` gives, when the database and the vault are there."""
    while True:
        try:
            return await _begun_now(engine, parent, request)
        except (PlatformUnavailable, DatabaseAway):
            # Here and not in the task that begins it: a parent that gives up meanwhile gets no child any more.
            await asyncio.sleep(AWAY_SECONDS)


async def _begun_now(engine: Engine, parent: Run, request: Request) -> Run | UUID:
    """What `_begin` gives. Who gives up waiting for that ends the child that begins all the same."""
    work = engine.in_database_thread(afresh, partial(_begin, engine, request, parent.stretch.epoch))
    beginning = engine.loop.create_task(work, context=Context())
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        beginning.add_done_callback(lambda done: _give_up(engine, parent, done))
        raise


def _give_up(engine: Engine, parent: Run, beginning: asyncio.Task[Run | UUID]) -> None:
    if beginning.cancelled() or beginning.exception() is not None:
        return
    child = beginning.result()
    if isinstance(child, UUID):
        engine.in_background(afresh, partial(sending.cancel_child, parent.facts.organization, child))
    else:
        stopped = Outcome(error=Cancelled(STOPPED))
        engine.in_background(finish, child, stopped, PATIENCE_SECONDS)


async def _ended(
    parent: Run, operation: Operation, child: UUID, ended: Ending | None = None
) -> tuple[dict[str, Any], bytes | None]:
    """What the journal says of the child's end, or of the end of what went on in its place, once it has ended."""
    while ended is None or ended.status not in TERMINAL or ended.successor is not None:
        ended = await _looked_up(parent, child)
        if ended.status not in TERMINAL:
            await parent.waits.news(operation, "child_end", str(child), _looks_again(parent, child))
    facts: dict[str, Any] = {"executionId": str(child), "status": str(ended.status)}
    if ended.error is not None:
        return {"state": "failed", "error": ended.error, **facts}, None
    return {"state": "done", "value": ended.result, **facts}, await sealed_where_shown_otherwise(parent, ended.result)


def _looks_again(parent: Run, child: UUID) -> float:
    """When to look at the child's record again. One that was taken over tells its own parent of its end, not this."""
    starts = (line.data for key, line in parent.history.reused.items() if key.kind == "start")
    foreign = any(TAKEN_OVER in data and data.get("value") == str(child) for data in starts)
    return time.time() + FOREIGN_SECONDS if foreign else NEVER


def _end(operation: Operation, parent: Run, line: dict[str, Any], sealed: bytes | None) -> None:
    state = line.pop("state")
    parent.operations.end(operation, state, sealed, **line)


async def _here(engine: Engine, parent: Run, child: Run) -> Ending:
    """Its end, or that it goes on later, in this process."""
    # A task of the engine, not of the parent: it writes the child's end whatever becomes of the parent.
    ending = engine.loop.create_task(_to_end(engine, child), context=Context())
    try:
        return await asyncio.shield(ending)
    except asyncio.CancelledError:
        if child.stop is not None:
            child.stop(Cancelled(STOPPED))
        raise


async def _to_end(engine: Engine, child: Run) -> Ending:
    engine.launch(child, child.time_left())
    outcome = await asyncio.wrap_future(child.finished)
    try:
        return await engine.in_database_thread(finish, child, outcome, PATIENCE_SECONDS)
    except PlatformUnavailable:
        return cast("Ending", await asyncio.wrap_future(child.ended))  # as soon as the database is back


async def _looked_up(parent: Run, child: UUID) -> Ending:
    """What its record says now. Waits for the vault where its result is encrypted."""
    found = await ask_with_vault(parent, partial(following.outcome_of, parent.facts.organization, child))
    return Ending(found.status, found.result, found.error, found.duration_ms)


def _request(parent: Run, operation: Operation, parameters: dict[str, Any], idempotency_key: str) -> Request:
    facts = parent.facts
    if facts.depth + 1 > parent.engine.limits.max_child_depth:
        raise WorkflowException(
            f"Children are nested {facts.depth + 1} deep; the limit is {parent.engine.limits.max_child_depth}.",
            error_type="ChildDepthExceeded",
        )
    return Request(
        organization=facts.organization,
        workflow=operation.key.name,
        parameters=parameters,
        actor=facts.actor,
        trigger={
            "type": "parent",
            "executionId": str(facts.id),
            **({"dryRun": True} if facts.dry_run else {}),
            **({"byForm": True} if facts.by_form else {}),
        },
        idempotency_key=idempotency_key,
        parent=facts.id,
        depth=facts.depth + 1,
        closes=True,
    )


def _begin(engine: Engine, request: Request, epoch: int) -> Run | UUID:
    """The child's run; the id of one that an earlier stretch of this parent began, or that waits for an approval.

    Raises PlatformUnavailable, after which the same request may be made again.
    """
    try:
        prepared = prepare(request)
        if prepared.status != Status.RUNNING:
            return prepared.facts.id if queue(prepared) else _begun_before(prepared)
        run = begin(engine, prepared)
        if run is None:
            return _begun_before(prepared)
        run.parent_epoch = epoch
        run.fetch_secret_configs(engine.secret_configs(run.facts.loaded.code_version))
        return run
    except PlatformUnavailable:
        raise
    except Refused as refused:
        raise _told_of(refused) from refused


def _told_of(refused: Refused | WorkflowException) -> WorkflowException:
    if isinstance(refused, WorkflowException):
        return refused
    return WorkflowException(refused.message, error_type=refused.error, details=refused.details)


def _begun_before(prepared: Prepared) -> UUID:
    facts = prepared.facts
    with org_context(facts.organization):
        return Execution.objects.values_list("id", flat=True).get(
            workflow=facts.loaded.spec.name, actor=actor_key(facts.actor), idempotency_key=prepared.idempotency_key
        )
