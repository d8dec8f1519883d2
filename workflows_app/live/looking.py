"""How far executions are: what is asked of the database for all who watch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db.models import OuterRef, Subquery

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import TERMINAL, Execution, ExecutionEvent


@dataclass(frozen=True, slots=True)
class State:
    """The number of the journal's last line, and the status."""

    seq: int
    status: str

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL


def states(
    organization: OrganizationRecord, executions: Collection[UUID], owner: str | None = None
) -> dict[UUID, State]:
    """How far each of them is; those that do not exist are missing, and others' where `owner` is given. One query."""
    last = ExecutionEvent.objects.filter(execution=OuterRef("id")).order_by("-seq").values("seq")[:1]
    rows = Execution.objects.filter(id__in=executions)
    if owner is not None:
        rows = rows.filter(actor=owner)
    with org_context(organization):
        found = list(rows.values_list("id", "status", Subquery(last)))
    return {id_: State(seq or 0, status) for id_, status, seq in found}
