"""Starting an execution that has ended again: a new one with the same input, linked to the old one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from integrations.sealing import unseal
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.errors import NotEnded, UnknownExecution
from workflows_app.executions import Outcome, Start, submit
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
    row = _ended(organization, execution, owner)
    start = Start(
        organization=organization,
        workflow=row.workflow,
        parameters=_input(organization, row),
        actor=actor,
        trigger={"type": "retry", **({"fresh": True} if fresh else {})},
        background=True,
        retry_of=row.id,
        code_version=row.code_version if same_code else None,
    )
    return submit(start)


def _ended(organization: OrganizationRecord, execution: UUID, owner: str | None) -> Execution:
    with org_context(organization):
        row = Execution.objects.defer("result", "result_sealed").filter(id=execution).first()
    if row is None or (owner is not None and row.actor != owner):
        raise UnknownExecution(NO_EXECUTION)
    if row.status not in TERMINAL:
        raise NotEnded(f"The execution has not ended: it is {row.status}.", {"status": row.status})
    return row


def _input(organization: OrganizationRecord, row: Execution) -> Any:
    return row.input if row.input_sealed is None else unseal(organization, bytes(row.input_sealed))
