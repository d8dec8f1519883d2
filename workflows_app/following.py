"""What became of an execution, for whoever waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Subquery

from integrations.sealing import unseal
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import TERMINAL, Execution

FIRST_LOOK_SECONDS = 0.01
LONGEST_LOOK_SECONDS = 0.25
# Large, and of no interest here.
INPUTS = ("input", "input_sealed", "approved_input", "approved_input_sealed")


@dataclass(frozen=True)
class Outcome:
    """What the caller is told. `result` is exact but for secrets that the run read."""

    execution_id: str
    status: str
    result: Any = None
    error: dict[str, Any] | None = None
    duration_ms: int | None = None


def outcome_of(organization: OrganizationRecord, execution_id: UUID) -> Outcome:
    """What the record says now: of the execution, or of the last one that goes on in its place."""
    with org_context(organization):
        execution = last_of(execution_id).defer(*INPUTS).get()
    sealed = execution.result_sealed
    result = execution.result if sealed is None else unseal(organization, bytes(sealed))
    return Outcome(str(execution.id), execution.status, result, execution.error, execution.duration_ms)


def wait_for_end(organization: OrganizationRecord, execution_id: UUID, seconds: float) -> Outcome:
    """Waits until it has ended, and so has what goes on in its place, at most so long; looks less often the longer it
    takes."""
    deadline = time.monotonic() + seconds
    pause = FIRST_LOOK_SECONDS
    while (status := status_of(organization, execution_id)) not in TERMINAL and time.monotonic() < deadline:
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
        pause = min(pause * 1.5, LONGEST_LOOK_SECONDS)
    return outcome_of(organization, execution_id) if status in TERMINAL else Outcome(str(execution_id), status)


def last_of(execution_id: UUID) -> QuerySet[Execution]:
    """The execution, or the last of those that went on one after the other in its place. Call inside `org_context`.

    The first of a chain is found by its id also once its own record is gone.
    """
    chain = Execution.objects.filter(id=execution_id).values("chain")[:1]
    same = Q(id=execution_id) | Q(chain=execution_id) | Q(chain=Subquery(chain))
    return Execution.objects.filter(same, continued_as__isnull=True)


def status_of(organization: OrganizationRecord, execution_id: UUID) -> str:
    """The status now: of the execution, or of the last one that goes on in its place."""
    with org_context(organization):
        return str(last_of(execution_id).values_list("status", flat=True).get())
