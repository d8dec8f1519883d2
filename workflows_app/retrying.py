"""Starting an execution that has ended again: a new one with the same input, linked to the old one.

It takes over what the old one recorded as done well; a fork what came before the operation from which it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from bifrost.sdk.errors import ValidationError, WorkflowException
from integrations.errors import SealBroken
from integrations.sealing import unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.engine.recorded import operations_of
from workflows_app.engine.taking_over import TakeOver, outcomes_before, outlines, successes
from workflows_app.errors import NotEnded, Refused, UnknownExecution
from workflows_app.executions import Outcome, Start, submit, submit_all
from workflows_app.models import TERMINAL, Execution, Status
from workflows_app.sending import NO_EXECUTION


def start_again(
    organization: OrganizationRecord,
    execution: UUID,
    actor: Actor,
    owner: str | None = None,
    *,
    same_code: bool = False,
    fresh: bool = False,
) -> Outcome:
    """Starts it again in the background, by the current code or by the code that it ran.

    `owner`: whose executions alone the actor may see. `fresh`: what the old one recorded is not taken over. Raises
    UnknownExecution, NotEnded, UnknownWorkflow where its code is not there any more, and what `submit` raises.
    """
    row = _ended(_rows(organization, [execution]).get(execution), owner)
    takes = None if fresh else _takes(organization, [row])[execution]
    return submit(_start(organization, row, actor, same_code=same_code, takes=takes))


def fork(
    organization: OrganizationRecord, execution: UUID, step: int, actor: Actor, owner: str | None = None
) -> Outcome:
    """Starts it again from its recorded operation of this number on, in the background and by the current code.

    What came of the operations before it is taken over. Raises ValidationError where there is no such operation, and
    what `start_again` raises.
    """
    row = _ended(_rows(organization, [execution]).get(execution), owner)
    lines = outlines(organization, [execution]).get(execution, [])
    takes = outcomes_before(execution, lines, step)
    if takes is None:
        raise _no_such_step(step, len(operations_of(lines)))
    start = _start(organization, row, actor, same_code=False, takes=takes)
    trigger = {"type": "fork", "forkedFrom": str(execution), "step": step, **_dry(row)}
    return submit(replace(start, trigger=trigger, retry_of=None))


def start_all_again(
    organization: OrganizationRecord,
    executions: Sequence[UUID],
    actor: Actor,
    owner: str | None = None,
    *,
    same_code: bool = False,
    fresh: bool = False,
) -> list[Outcome | Exception]:
    """The same for several, in few transactions. Where one is refused, its place holds the reason."""
    rows = _rows(organization, executions)
    takes = {} if fresh else _takes(organization, list(rows.values()))
    prepared: list[Start | Exception] = []
    for execution in executions:
        try:
            row = _ended(rows.get(execution), owner)
            prepared.append(_start(organization, row, actor, same_code=same_code, takes=takes.get(execution)))
        except (Refused, WorkflowException, SealBroken) as refused:
            prepared.append(refused)
    answers = iter(submit_all([start for start in prepared if isinstance(start, Start)]))
    return [next(answers) if isinstance(each, Start) else each for each in prepared]


def _start(
    organization: OrganizationRecord, row: Execution, actor: Actor, *, same_code: bool, takes: TakeOver | None
) -> Start:
    """`takes` None: it begins afresh."""
    return Start(
        organization=organization,
        workflow=row.workflow,
        parameters=_input(organization, row),
        actor=actor,
        trigger={"type": "retry", **({"fresh": True} if takes is None else {}), **_dry(row)},
        background=True,
        retry_of=row.id,
        code_version=row.code_version if same_code else None,
        takes=takes,
    )


def _dry(row: Execution) -> dict[str, bool]:
    return {"dryRun": True} if row.trigger.get("dryRun") else {}


def _takes(organization: OrganizationRecord, rows: Sequence[Execution]) -> dict[UUID, TakeOver]:
    """What each of them did well, by their ids; nothing where that was undone."""
    lines = outlines(organization, [row.id for row in rows if row.status != Status.COMPENSATED])
    return {row.id: successes(row.id, lines.get(row.id, [])) for row in rows}


def _no_such_step(step: int, number: int) -> ValidationError:
    recorded = f"{number} operation{'' if number == 1 else 's'}" if number else "no operation"
    return ValidationError(f"The execution recorded {recorded}; there is no number {step}.", field="step")


def _rows(organization: OrganizationRecord, executions: Sequence[UUID]) -> dict[UUID, Execution]:
    with org_context(organization):
        return Execution.objects.defer("result", "result_sealed").in_bulk(list(executions))


def _ended(row: Execution | None, owner: str | None) -> Execution:
    if row is None or (owner is not None and row.actor != owner):
        raise UnknownExecution(NO_EXECUTION)
    if row.status not in TERMINAL:
        raise NotEnded(f"The execution has not ended: it is {row.status}.", {"status": row.status})
    return row


def _input(organization: OrganizationRecord, row: Execution) -> Any:
    shown, sealed = row.ran_input
    return shown if sealed is None else unseal(organization, sealed)
