"""Starting an execution that has ended again: a new one with the same input, linked to the old one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from bifrost.sdk.errors import WorkflowException
from integrations.errors import SealBroken
from integrations.sealing import unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.errors import NotEnded, Refused, UnknownExecution
from workflows_app.executions import Outcome, Start, submit, submit_all
from workflows_app.models import TERMINAL, Execution
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
    row = _rows(organization, [execution]).get(execution)
    return submit(_start(organization, _ended(row, owner), actor, same_code=same_code, fresh=fresh))


def start_all_again(
    organization: OrganizationRecord,
    executions: Sequence[UUID],
    actor: Actor,
    owner: str | None = None,
    *,
    same_code: bool = False,
) -> list[Outcome | Exception]:
    """The same for several, in few transactions. Where one is refused, its place holds the reason."""
    rows = _rows(organization, executions)
    prepared: list[Start | Exception] = []
    for execution in executions:
        try:
            row = _ended(rows.get(execution), owner)
            prepared.append(_start(organization, row, actor, same_code=same_code, fresh=False))
        except (Refused, WorkflowException, SealBroken) as refused:
            prepared.append(refused)
    answers = iter(submit_all([start for start in prepared if isinstance(start, Start)]))
    return [next(answers) if isinstance(each, Start) else each for each in prepared]


def _start(organization: OrganizationRecord, row: Execution, actor: Actor, *, same_code: bool, fresh: bool) -> Start:
    return Start(
        organization=organization,
        workflow=row.workflow,
        parameters=_input(organization, row),
        actor=actor,
        trigger={"type": "retry", **({"fresh": True} if fresh else {})},
        background=True,
        retry_of=row.id,
        code_version=row.code_version if same_code else None,
    )


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
    return row.input if row.input_sealed is None else unseal(organization, bytes(row.input_sealed))
