"""The one way in: whatever starts a run calls `submit()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from bifrost.sdk.errors import WorkflowException
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog, following
from workflows_app.actors import actor_key
from workflows_app.checks.running import require_none_blocks, run_checks
from workflows_app.dispatch import hints, limits, settled
from workflows_app.engine import process
from workflows_app.engine.ending import Ending
from workflows_app.engine.finish import LOST, finish, finish_later
from workflows_app.engine.journal import FenceLost
from workflows_app.engine.limits import Limits
from workflows_app.engine.queueing import queue, queue_all
from workflows_app.engine.run import Run
from workflows_app.engine.runner import Outcome as Raw
from workflows_app.engine.runner import timed_out
from workflows_app.engine.start import Prepared, Request, begin, prepare
from workflows_app.engine.taking_over import TakeOver
from workflows_app.errors import IdempotencyConflict, PlatformUnavailable, Refused
from workflows_app.following import Outcome
from workflows_app.models import TERMINAL, Execution, Status
from workflows_app.permissions import require_exposed
from workflows_app.providers.checking import Chosen, check_parameters

__all__ = ["KEY_LIFETIME", "Outcome", "Start", "submit", "submit_all"]

# Who gets 429 beyond a rate; schedules, webhooks and children are accepted and wait.
RATED = frozenset({"api", "form"})
# Whose choices are looked at. A schedule's were when they were made, and a parent's are its author's.
CHOOSING = frozenset({"api", "form", "command"})
KEY_LIFETIME = timedelta(hours=24)
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Start:
    """Who wants to run what for whom, with which parameters.

    `key_lifetime`: how long the idempotency key is kept; None as long as the execution. `priority`: a
    `dispatch.models.Priority`, by the kind of actor unless given. `background`: workers run it, whatever its mode;
    `foreground`: this process does. `wait_seconds`: how long to wait for the end of a background run. `code_version`:
    of the code to run, where not the current one. `takes`: what a background run takes over from an ended one.
    `checked`: its checks were asked just now, and none blocks. `chosen`: was found among its options just now.
    """

    organization: OrganizationRecord
    workflow: str
    parameters: Mapping[str, Any]
    actor: Actor
    trigger: Mapping[str, Any] = field(default_factory=lambda: {"type": "api"})
    idempotency_key: str | None = None
    key_lifetime: timedelta | None = KEY_LIFETIME
    priority: int | None = None
    background: bool = False
    foreground: bool = False
    wait_seconds: float = 0.0
    retry_of: UUID | None = None
    code_version: str | None = None
    takes: TakeOver | None = None
    checked: bool = False
    chosen: Sequence[Chosen] = ()


def submit(start: Start) -> Outcome:
    """Validates, checks permission, rate and idempotency, and writes the execution.

    A sync one is run here, and the answer says how it ended; any other one waits for a worker or an approval. Raises
    the SDK's ValidationError and PermissionError, and the errors of `workflows_app.errors`. A failure of the workflow
    itself is an Outcome.
    """
    prepared = _prepared(start)
    if prepared.status == Status.RUNNING:
        with process.engine().admission.wait(start.organization.id):
            return _submit_sync(start, prepared)
    created = _queue(start, prepared)
    outcome = Outcome(str(prepared.facts.id), prepared.status) if created else _earlier(prepared)
    hints.send()
    if start.wait_seconds <= 0 or outcome.status in TERMINAL:
        return outcome
    with process.engine().admission.wait(start.organization.id):
        return following.wait_for_end(start.organization, UUID(outcome.execution_id), start.wait_seconds)


def submit_all(starts: Sequence[Start]) -> list[Outcome | Exception]:
    """The same for many background runs, in few transactions. Where one is refused, its place holds the reason."""
    prepared = [_prepared_or_refused(start) for start in starts]
    accepted = [each for each in prepared if isinstance(each, Prepared)]
    answers = iter(queue_all(accepted))
    outcomes: list[Outcome | Exception] = []
    for each in prepared:
        outcomes.append(_answer(each, next(answers)) if isinstance(each, Prepared) else each)
    hints.send()
    return outcomes


def _prepared(start: Start) -> Prepared:
    _check_rate(start)
    if start.trigger.get("type") == "form":
        require_exposed(catalog.find(start.workflow).spec)
    prepared = prepare(
        Request(
            organization=start.organization,
            workflow=start.workflow,
            parameters=start.parameters,
            actor=start.actor,
            trigger=start.trigger,
            idempotency_key=start.idempotency_key,
            priority=start.priority,
            background=start.background,
            foreground=start.foreground,
            retry_of=start.retry_of,
            code_version=start.code_version,
            takes=start.takes,
        )
    )
    _check_given(start, prepared)
    return prepared


def _check_given(start: Start, prepared: Prepared) -> None:
    """That what people and programs chose is among the options, and what the workflow's checks say of it.

    What goes on or is run again is not asked about. Nor is a start that is repeated: what it takes may be gone by now,
    and it is told what became of the first.
    """
    facts = prepared.facts
    spec, kind = facts.loaded.spec, start.trigger.get("type")
    anew = start.retry_of is None and start.takes is None
    choosing = anew and kind in CHOOSING and any(parameter.data_provider for parameter in spec.parameters)
    checking = kind in RATED and bool(spec.checks) and not start.checked
    if not (choosing or checking) or _repeats(start, prepared):
        return
    if choosing:
        check_parameters(facts.organization, spec, facts.parameters, found=start.chosen)
    if checking:
        require_none_blocks(run_checks(facts.organization, facts.loaded, facts.parameters, facts.actor))


def _prepared_or_refused(start: Start) -> Prepared | Exception:
    try:
        return _prepared(replace(start, background=True, foreground=False))
    except (Refused, WorkflowException) as refused:
        return refused


def _answer(prepared: Prepared, answer: bool | Exception) -> Outcome | Exception:
    if isinstance(answer, Exception):
        return answer
    if answer:
        return Outcome(str(prepared.facts.id), prepared.status)
    try:
        return _earlier(prepared)
    except Refused as refused:
        return refused


def _check_rate(start: Start) -> None:
    """Programs and people are told to come later; what starts by itself waits in the queue instead."""
    if start.trigger.get("type") in RATED:
        limits.require_rate(start.organization.id, start.workflow)


def _queue(start: Start, prepared: Prepared) -> bool:
    created = queue(prepared)
    return created or (_expire_key(start, prepared) and queue(prepared))


def _submit_sync(start: Start, prepared: Prepared) -> Outcome:
    organization, workflow = start.organization.id, start.workflow
    if settled.settings_for(organization, workflow).limited:
        with limits.room_for(organization, workflow, Limits.from_settings().sync_limit_seconds):
            run = _begin(start, prepared)
    else:
        run = _begin(start, prepared)
    return _earlier(prepared) if run is None else _run_to_end(run)


def _begin(start: Start, prepared: Prepared) -> Run | None:
    """The run, or None where the idempotency key is taken by an execution of the last 24 hours."""
    run = _begin_fenced(prepared)
    if run is None and _expire_key(start, prepared):
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
    times = run.engine.limits
    spec = run.facts.loaded.spec
    seconds = spec.timeout_seconds
    if spec.execution_mode == "sync":
        seconds = min(seconds, times.sync_limit_seconds)
    run.fetch_secret_configs(run.engine.secret_configs(run.facts.loaded.code_version))
    run.engine.launch(run, seconds)
    try:
        raw = run.finished.result(seconds + times.blocked_limit_seconds + PATIENCE_SECONDS)
    except TimeoutError:
        if run.compensating:
            # It undoes what it has done, which takes the time that it takes; nobody waits for it any more.
            run.finished.add_done_callback(lambda ended: _leave(run, ended.result()))
            return Outcome(run.execution_id, Status.RUNNING)
        run.still_running = True
        raw = Raw(error=timed_out(seconds))
    return _outcome(run.execution_id, finish(run, raw, PATIENCE_SECONDS))


def _leave(run: Run, raw: Raw | Ending) -> None:
    if raw is not LOST:
        finish_later(run, raw)


def _outcome(execution_id: str, ending: Ending) -> Outcome:
    """How it ended, or that it goes on later: a retry waits for its time, what goes on in its place for a worker."""
    if ending.successor is not None:
        return Outcome(str(ending.successor.facts.id), Status.QUEUED)
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
        return following.outcome_of(prepared.facts.organization, execution.id)
    try:
        return _outcome(run.execution_id, run.ended.result(run.engine.limits.sync_limit_seconds))
    except TimeoutError:
        return Outcome(run.execution_id, Status.RUNNING)


def _holder(prepared: Prepared) -> Execution:
    with org_context(prepared.facts.organization):
        return _holders(prepared).only("id", "idempotency_digest", "created_at").get()


def _holders(prepared: Prepared) -> QuerySet[Execution]:
    """The execution that holds the key, if there is one. Call inside `org_context`."""
    facts = prepared.facts
    return Execution.objects.filter(
        workflow=facts.loaded.spec.name, actor=actor_key(facts.actor), idempotency_key=prepared.idempotency_key
    )


def _repeats(start: Start, prepared: Prepared) -> bool:
    """Whether the key is taken, by an execution that is not older than it is kept."""
    if prepared.idempotency_key is None:
        return False
    with org_context(prepared.facts.organization):
        rows = _holders(prepared)
        if start.key_lifetime is not None:
            rows = rows.filter(created_at__gte=timezone.now() - start.key_lifetime)
        return rows.exists()


def _expire_key(start: Start, prepared: Prepared) -> bool:
    """Frees a key that was used longer ago than it is kept. Returns whether it did."""
    if start.key_lifetime is None:
        return False
    with org_context(prepared.facts.organization):
        old = _holders(prepared).filter(created_at__lt=timezone.now() - start.key_lifetime)
        return bool(old.update(idempotency_key=None))
