"""The one way in: whatever starts a run calls `submit()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from integrations.sealing import unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine import process
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import finish
from workflows_app.engine.journal import FenceLost
from workflows_app.engine.run import Run
from workflows_app.engine.runner import Outcome as Raw
from workflows_app.engine.runner import timed_out
from workflows_app.engine.start import Prepared, Request, actor_key, begin, prepare
from workflows_app.errors import IdempotencyConflict, PlatformUnavailable
from workflows_app.models import Execution, Status

KEY_LIFETIME = timedelta(hours=24)
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Start:
    """Who wants to run what for whom, with which parameters."""

    organization: OrganizationRecord
    workflow: str
    parameters: Mapping[str, Any]
    actor: Actor
    trigger: Mapping[str, Any] = field(default_factory=lambda: {"type": "api"})
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What the caller is told. `result` is exact but for secrets that the run read."""

    execution_id: str
    status: str
    result: Any = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None


def submit(start: Start) -> Outcome:
    """Validates, checks permission and idempotency, writes the execution, runs it, and returns how it ended.

    Raises the SDK's ValidationError and PermissionError, and the errors of `workflows_app.errors`. A failure of the
    workflow itself is an Outcome.
    """
    request = Request(
        organization=start.organization,
        workflow=start.workflow,
        parameters=start.parameters,
        actor=start.actor,
        trigger=start.trigger,
        idempotency_key=start.idempotency_key,
    )
    prepared = prepare(request)
    with process.engine().admission.wait(start.organization.id):
        run = _begin(prepared)
        if run is None:
            return _earlier(prepared)
        return _run_to_end(run)


def _begin(prepared: Prepared) -> Run | None:
    """The run, or None where the idempotency key is taken by an execution of the last 24 hours."""
    run = _begin_fenced(prepared)
    if run is None and _expire_key(prepared):
        run = _begin_fenced(prepared)
    return run


def _begin_fenced(prepared: Prepared) -> Run | None:
    for _try in range(2):
        engine = process.engine()
        try:
            return begin(engine, prepared)
        except FenceLost:
            engine.lost()
    raise PlatformUnavailable("This process lost its place twice; try again.")


def _run_to_end(run: Run) -> Outcome:
    limits = run.engine.limits
    seconds = min(run.facts.loaded.spec.timeout_seconds, limits.sync_limit_seconds)
    run.engine.launch(run, seconds)
    try:
        raw = run.finished.result(seconds + limits.blocked_limit_seconds + PATIENCE_SECONDS)
    except TimeoutError:
        run.still_running = True
        raw = Raw(error=timed_out(run, seconds))
    return _outcome(run.execution_id, finish(run, raw, PATIENCE_SECONDS))


def _outcome(execution_id: str, ending: Ending) -> Outcome:
    return Outcome(execution_id, ending.status, ending.result, ending.error, ending.duration_ms)


# --- idempotency (engine.md, section 3): the same key answers with the same execution ---------------------------------


def _earlier(prepared: Prepared) -> Outcome:
    """The outcome of the execution that holds the key; waits for it where it runs in this process.

    Raises IdempotencyConflict where that execution was started with other parameters.
    """
    execution = _holder(prepared)
    if execution.idempotency_digest != prepared.idempotency_digest:
        raise IdempotencyConflict(
            "This Idempotency-Key was used with other parameters within the last 24 hours.",
            {"executionId": str(execution.id)},
        )
    engine = process.running()
    run = engine.runs.get(execution.id) if engine is not None else None
    if run is None:
        return _recorded(prepared.facts.organization, execution.id)
    try:
        return _outcome(run.execution_id, run.ended.result(run.engine.limits.sync_limit_seconds))
    except TimeoutError:
        return Outcome(run.execution_id, Status.RUNNING)


def _holder(prepared: Prepared) -> Execution:
    facts = prepared.facts
    with org_context(facts.organization):
        return Execution.objects.only("id", "idempotency_digest", "created_at").get(
            workflow=facts.loaded.spec.name, actor=actor_key(facts.actor), idempotency_key=prepared.idempotency_key
        )


def _expire_key(prepared: Prepared) -> bool:
    """Frees a key that was used longer ago than keys are kept. Returns whether it did."""
    facts = prepared.facts
    with org_context(facts.organization):
        freed = Execution.objects.filter(
            workflow=facts.loaded.spec.name,
            actor=actor_key(facts.actor),
            idempotency_key=prepared.idempotency_key,
            created_at__lt=timezone.now() - KEY_LIFETIME,
        ).update(idempotency_key=None)
    return bool(freed)


def _recorded(organization: OrganizationRecord, execution_id: UUID) -> Outcome:
    with org_context(organization):
        execution = Execution.objects.get(id=execution_id)
    sealed = execution.result_sealed
    result = execution.result if sealed is None else unseal(organization, bytes(sealed))
    return Outcome(str(execution.id), execution.status, result, execution.error, execution.duration_ms)
