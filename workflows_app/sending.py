"""What others send to an execution: an entry in its inbox, in one transaction with what wakes it (engine.md, 6).

Nobody but its owner writes the journal of an execution that runs, or ends it. What nobody owns and has never begun is
ended here, by compare-and-set.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from bifrost.sdk.documents import size
from bifrost.sdk.sanitizing import redact_keys
from integrations.sealing import VaultUnavailable, seal
from orgs import audit
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import following, recovery
from workflows_app.approvals.withdrawing import withdraw
from workflows_app.dispatch import hints
from workflows_app.dispatch.models import Dispatch
from workflows_app.errors import HasEnded, PlatformUnavailable, Refused, SignalTooLarge, UnknownExecution
from workflows_app.models import Execution, Inbox, Status

NO_EXECUTION = "There is no such execution."
PARENT = Actor("system", "parent", "", "its parent", frozenset())
NOBODYS = (Status.PENDING_APPROVAL, Status.QUEUED, Status.SUSPENDED)


def cancel(
    organization: OrganizationRecord, execution: UUID, actor: Actor, owner: str | None = None, key: str | None = None
) -> str:
    """Asks for the execution's end and returns its status: Cancelled at once where it has never begun.

    `owner`: whose executions alone the actor may end. `key`: what was sent with it before is not sent again. Raises
    UnknownExecution, and HasEnded for one that has ended already.
    """
    with org_context(organization), transaction.atomic():
        _require_owner(execution, owner)
        if _was_sent(key):
            return _status(execution)
        row = _locked(organization, execution)
        status = _cancel(organization, row, actor, key)
        if key is None and actor is not PARENT:  # else a run has sent it, whose journal tells of it
            _audit(organization, row, actor, "execution.cancel")
    hints.send()
    return status


def _cancel(organization: OrganizationRecord, row: Dispatch, actor: Actor, key: str | None = None) -> str:
    by = {"by": actor.name, "kind": actor.kind, "id": actor.id}
    begun = Execution.objects.values_list("started_at", flat=True).get(id=row.execution) is not None
    if row.status not in NOBODYS or begun:
        return send_entry(row, Inbox(kind="cancel", data=by, key=key))
    withdraw(organization, row.execution, actor)
    recovery.end_unbegun(organization, row.execution, Status.CANCELLED, f"Cancelled by {actor.name}.", by)
    return str(Status.CANCELLED)


def cancel_all(
    organization: OrganizationRecord, executions: Iterable[UUID], actor: Actor, owner: str | None = None
) -> list[str | Refused]:
    """The same for several, each by itself: an execution's end is its own transaction. In the place of one that is
    refused stands why."""
    answers: list[str | Refused] = []
    for execution in executions:
        try:
            answers.append(cancel(organization, execution, actor, owner))
        except Refused as refused:
            answers.append(refused)
    return answers


def signal(
    organization: OrganizationRecord,
    execution: UUID,
    name: str,
    body: Any,
    actor: Actor,
    owner: str | None = None,
    key: str | None = None,
) -> str:
    """Sends a signal, which waits in the inbox until the execution asks for it. Returns the execution's status. Where
    another one goes on in its place, that one gets it.

    `body` is JSON. `key`: what was sent with it before is not sent again. Raises UnknownExecution, HasEnded,
    SignalTooLarge, and PlatformUnavailable where the body holds what must be encrypted and the vault is away.
    """
    if (length := size(body)) > settings.ENGINE["max_value_bytes"]:
        raise SignalTooLarge(f"A signal has at most {settings.ENGINE['max_value_bytes']:,} bytes; this has {length:,}.")
    shown = redact_keys(body)
    sealed = None
    if shown is not body:
        try:
            sealed = seal(organization, body)
        except VaultUnavailable as error:
            raise PlatformUnavailable("The vault is away, and the signal holds what must be encrypted.") from error
    data = {"by": actor.name, "kind": actor.kind, "id": actor.id, "value": shown}
    with org_context(organization), transaction.atomic():
        _require_owner(execution, owner)
        if _was_sent(key):
            return _status(execution)
        row = _locked(organization, execution)
        status = send_entry(row, Inbox(kind="signal", name=name[:200], data=data, data_sealed=sealed, key=key))
        if key is None:
            _audit(organization, row, actor, "execution.signal", signal=name)
    hints.send()
    return status


def cancel_child(organization: OrganizationRecord, execution: UUID) -> None:
    """The same for a child whose parent was stopped; one that has ended meanwhile stays as it is."""
    with suppress(HasEnded, UnknownExecution):
        cancel(organization, execution, PARENT)


def close_child(organization: OrganizationRecord, execution: UUID) -> None:
    """Cancels a child whose parent has ended, once."""
    with org_context(organization), transaction.atomic():
        waiting = Dispatch.objects.filter(execution=execution, organization=organization.id, closes_with__isnull=False)
        row = waiting.select_for_update().first()
        if row is not None:
            waiting.update(closes_with=None)
            _cancel(organization, row, PARENT)
    hints.send()


def _audit(organization: OrganizationRecord, row: Dispatch, actor: Actor, operation: str, **facts: Any) -> None:
    audit.record(
        actor,
        operation,
        organization=organization,
        target=f"execution:{row.execution}",
        metadata={"workflow": row.workflow, **facts},
        execution=row.execution,
    )


def _require_owner(execution: UUID, owner: str | None) -> None:
    if owner is not None and not Execution.objects.filter(id=execution, actor=owner).exists():
        raise UnknownExecution(NO_EXECUTION)


def _was_sent(key: str | None) -> bool:
    """Whether an entry with this key was sent. Its column is unique, so that two at once do not both get through."""
    return key is not None and Inbox.objects.filter(key=key).exists()


def _status(execution: UUID) -> str:
    return str(following.last_of(execution).values_list("status", flat=True).get())


def _locked(organization: OrganizationRecord, execution: UUID) -> Dispatch:
    """Its row in the run queue, which holds all organizations' rows, or that of the one that goes on in its place."""
    while True:
        row = Dispatch.objects.select_for_update().filter(execution=execution, organization=organization.id).first()
        if row is not None:
            return row
        last = following.last_of(execution).values_list("id", "status").first()
        if last is None:
            raise UnknownExecution(NO_EXECUTION)
        if last[0] == execution:
            raise HasEnded(f"The execution has ended already, as {last[1]}.", {"status": last[1]})
        execution = last[0]


def send_entry(row: Dispatch, entry: Inbox) -> str:
    """Adds the entry and wakes what is suspended. Call inside the transaction that has locked the row."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE public.dispatch_dispatch SET inbox = inbox + 1,
                status = CASE WHEN status = 'Suspended' THEN 'Queued' ELSE status END,
                queued_at = CASE WHEN status = 'Suspended' THEN now() ELSE queued_at END,
                run_at = CASE WHEN status = 'Suspended' THEN now() ELSE run_at END
            WHERE execution = %s RETURNING inbox, status""",
            [row.execution],
        )
        number, status = cursor.fetchone()
    entry.execution_id, entry.number = row.execution, number
    entry.save(force_insert=True)
    if status == Status.QUEUED:
        Execution.objects.filter(id=row.execution, status=Status.SUSPENDED).update(status=Status.QUEUED)
    return str(status)
