"""Whether today's code goes the way that a recorded execution went: nothing is done, written or asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from django.conf import settings

from bifrost.sdk.building import build_workflow
from bifrost.sdk.declarations import declaration_of
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.replayed import Replayed
from orgs.records import OrganizationRecord
from orgs.tenancy import guard_thread, org_context
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine import verdict
from workflows_app.engine.replaying import Recorded, played
from workflows_app.engine.stand_in import StandIn
from workflows_app.errors import UnknownExecution
from workflows_app.models import Execution
from workflows_app.recording import recorded_document, recorded_execution
from workflows_app.sending import NO_EXECUTION

SECONDS = 60.0


def replay_execution(organization: OrganizationRecord, execution: UUID) -> Replayed:
    """Runs the workspace's code against the execution's journal.

    Raises UnknownExecution, UnknownWorkflow where the workspace has it no more, and VaultUnavailable.
    """
    with org_context(organization):
        workflow = Execution.objects.values_list("workflow", flat=True).filter(id=execution).first()
    if workflow is None:
        raise UnknownExecution(NO_EXECUTION)
    loaded = catalog.find(workflow)
    with catalog.lease(loaded):
        return replay(recorded_execution(organization, execution, loaded))


def replay_document(document: Mapping[str, Any]) -> Replayed:
    """Runs the workspace's code against a kept history. Raises BadHistory and UnknownWorkflow."""
    loaded = catalog.find(str(document.get("workflowName")))
    with catalog.lease(loaded):
        return replay(recorded_document(document, loaded))


def replay_function(function: Callable[..., Any], document: Mapping[str, Any]) -> Replayed:
    """Runs this workflow function against a kept history. Raises BadHistory, and DeclarationError where it is no
    workflow."""
    declaration = declaration_of(function)
    if declaration is None or not declaration.workflows:
        raise DeclarationError(f"{getattr(function, '__name__', function)!r} is no function with @workflow.")
    spec, problems = build_workflow(function, declaration)
    if spec is None:
        raise DeclarationError("; ".join(problem.message for problem in problems))
    # Nothing but its spec is asked of a workflow that is run as it is.
    loaded = LoadedWorkflow(spec, spec.file, "", {}, cast(Any, None))
    return replay(recorded_document(document, loaded))


def replay(recorded: Recorded, seconds: float | None = None) -> Replayed:
    """Runs it in a thread and on a loop of its own, so that the caller may have a loop that runs."""
    done: Future[Replayed] = Future()
    thread = threading.Thread(
        target=_run, args=(recorded, SECONDS if seconds is None else seconds, done), name="replay", daemon=True
    )
    thread.start()
    return done.result()


def _run(recorded: Recorded, seconds: float, done: Future[Replayed]) -> None:
    guard_thread()
    own = Path(recorded.facts.loaded.spec.function.__code__.co_filename).parent
    engine = StandIn(settings.WORKSPACE, settings.EARLIER_CODE, own)
    asyncio.set_event_loop(engine.loop)
    try:
        done.set_result(engine.loop.run_until_complete(_judged(recorded, engine, seconds)))
    except BaseException as error:  # noqa: BLE001  handed to the caller
        done.set_exception(error)
    finally:
        asyncio.set_event_loop(None)
        engine.loop.close()


async def _judged(recorded: Recorded, engine: StandIn, seconds: float) -> Replayed:
    try:
        return await played(recorded, engine, seconds, partial(verdict.verdict, recorded))
    except TimeoutError:
        return verdict.out_of_time(recorded, seconds)
