"""A question to a person as an operation of a run: asked once, waited for without a worker, answered once.

The answer lies with the question, in its row (`workflows_app.approvals.asking`). The entry in the inbox only says that
there is one, as the end of a child does; so a decision and the end of the time cannot both count.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bifrost.sdk.errors import Detached, WorkflowException, as_document
from bifrost.sdk.questions import Asked
from integrations.sealing import seal
from workflows_app.actors import actor_key
from workflows_app.approvals import asking
from workflows_app.approvals.asking import Owner, Question
from workflows_app.engine import protection
from workflows_app.engine.operations import Operation, Outcome
from workflows_app.engine.run import Run
from workflows_app.engine.steps import sealed_where_shown_otherwise, told
from workflows_app.engine.waits import NEVER
from workflows_app.models import Approval

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

# The database's clock says when the time is over; where it is behind this one, it is asked again.
AGAIN_SECONDS = 0.2


async def ask(engine: Engine, run: Run, asked: Asked) -> Outcome:
    """What has come of it, now or when the code was first here: the "value" of a decision, or "timedOut"."""
    if asked.form is not None:
        for secret in asked.form.secrets_in(asked.form.initial):
            run.scrubber.add(secret)
    with run.operations.asked("approval", asked.title, _digest(run, asked)) as operation:
        try:
            if not await run.operations.recorded(operation):
                await _wait(engine, run, operation, asked)
            outcome = await operation.outcome
        except asyncio.CancelledError:
            if not run.detached and operation.key not in run.history.cancelled:
                key = _key(operation, run.facts.attempt)
                await protection.ask(run, partial(asking.withdraw, run.facts.organization, run.facts.id, key))
            raise
        _remember_secrets(run, asked, outcome)
        told(outcome, asked.title)
        return outcome


def _digest(run: Run, asked: Asked) -> str:
    """Stands for what the decision is about and for whom it was made: nobody else's request takes it over."""
    form = None if asked.form is None else asked.form.as_json()
    text = json.dumps([form, actor_key(run.facts.actor)], sort_keys=True)
    return hashlib.sha256(str(run.scrubber.scrub(text)).encode()).hexdigest()[:16]


async def _wait(engine: Engine, run: Run, operation: Operation, asked: Asked) -> None:
    """Asks, or finds what was asked, and journals what came of it."""
    begun = run.operations.begun(operation)
    if begun:
        approval, due = UUID(begun[0].data["approvalId"]), begun[0].data["due"]
    else:
        approval, due = await _asked(engine, run, operation, asked)
        of = list(asked.approvers) if asked.approvers is not None else asked.permission
        run.operations.note(operation, "started", approvalId=str(approval), due=due, askedOf=of)
    until = NEVER if due is None else float(due)
    look = partial(asking.answer, run.facts.organization, approval)
    answer = await protection.ask_with_vault(run, look)
    while answer is None:
        await run.waits.news(operation, "decision", str(approval), until)
        answer = await protection.ask_with_vault(run, look)
        until = max(until, time.time() + AGAIN_SECONDS) if due is not None else NEVER
    _end(run, operation, asked, approval, answer, await _sealed(run, asked, answer))


async def _asked(engine: Engine, run: Run, operation: Operation, asked: Asked) -> tuple[UUID, float | None]:
    question = await protection.ask_with_vault(run, partial(_question, run, operation, asked))
    facts = run.facts
    owner = Owner(facts.id, run.workflow_name, facts.actor, engine.id, run.stretch.epoch)
    found = await protection.ask(run, partial(asking.ask, facts.organization, owner, question))
    if found is None:
        raise Detached(f"Execution {facts.id} no longer runs here.")
    return found


def _question(run: Run, operation: Operation, asked: Asked) -> Question:
    """Without secrets where it is shown. Raises VaultUnavailable."""
    fields = sealed = None
    if asked.form is not None:
        initial = asked.form.initial
        shown = run.clean(asked.form.without_secrets(initial))
        sealed = seal(run.facts.organization, initial) if shown != initial else None
        fields = run.scrubber.scrub(asked.form.as_json(shown))
    attempt = run.facts.attempt
    return Question(
        key=_key(operation, attempt),
        earlier=tuple(_key(operation, number) for number in range(1, attempt)),
        title=run.scrubber.scrub(asked.title)[:200],
        message=run.scrubber.scrub(asked.message),
        form=fields,
        form_sealed=sealed,
        permission=asked.permission,
        approvers=None if asked.approvers is None else list(asked.approvers),
        seconds=asked.seconds,
    )


def _key(operation: Operation, attempt: int) -> str:
    """Which question of its execution this is. Another attempt asks anew what this one has asked in vain."""
    return f"{operation.key.path}:{operation.place}:{attempt}"


def _end(
    run: Run, operation: Operation, asked: Asked, approval: UUID, answer: asking.Answer, sealed: bytes | None
) -> None:
    facts: dict[str, Any] = {"approvalId": str(approval)}
    if answer.decision is not None:
        run.operations.end(operation, "done", sealed, value=answer.decision, **facts)
    elif answer.state == Approval.State.EXPIRED:
        run.operations.end(operation, "done", timedOut=True, **facts)
    else:
        gone = WorkflowException(f"The approval {asked.title!r} was withdrawn.", error_type="ApprovalWithdrawn")
        run.operations.end(operation, "failed", error=as_document(gone), **facts)


async def _sealed(run: Run, asked: Asked, answer: asking.Answer) -> bytes | None:
    if answer.decision is None:
        return None
    _remember_secrets(run, asked, {"value": answer.decision})
    return await sealed_where_shown_otherwise(run, answer.decision)


def _remember_secrets(run: Run, asked: Asked, outcome: Outcome) -> None:
    """What was filled into fields of type secret is removed from all that is recorded from now on."""
    if asked.form is not None and "value" in outcome:
        for secret in asked.form.secrets_in(outcome["value"]["values"]):
            run.scrubber.add(secret)
