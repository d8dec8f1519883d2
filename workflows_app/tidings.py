"""What people are to be told of: approvals that are asked of them, what was decided, and own requests that have ended.

Each is a thin row in the shared schema, written in the transaction of what it tells of: the approval, the decision, or
the use of a form before its run starts. So nobody is left out, wherever a process dies. The maintenance finds what is
due with one look for all organizations; `settings.TELLER`, which knows the forms and their words, leaves the notices;
and the row goes in the same transaction, so that nobody is told twice.

The row of an approval stays until its execution has ended: whatever took the question back, its notices are done then.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import Now, RowNumber
from django.utils.module_loading import import_string

from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.dispatch.models import Dispatch, Tiding

log = structlog.get_logger(__name__)

Kind = Tiding.Kind
AT_ONCE = 50
SECONDS_A_TURN = 30.0
# After so long, what was about to start has started or never will.
UNSTARTED_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Due:
    """One that is to be told now. `item`: the approval or the submission. `told`: only its end is left to be noted."""

    id: UUID
    kind: str
    item: UUID
    execution: UUID | None
    told: bool


class Teller(Protocol):
    def __call__(self, organization: OrganizationRecord, due: Sequence[Due]) -> Iterable[Due]:
        """Tells of them, inside the organization's context and a transaction. Returns those that are not over, as they
        are from now on."""


# --- noting it, in the transaction of whatever happens ----------------------------------------------------------------


def note(organization: OrganizationRecord, kind: Kind, item: UUID, execution: UUID | None = None) -> None:
    """Somebody is to be told. What is noted already counts from now."""
    row = Tiding(organization=organization.id, kind=kind, item=item, execution=execution, at=Now())
    with shared_context():
        Tiding.objects.bulk_create([row], update_conflicts=True, update_fields=["at"], unique_fields=["kind", "item"])


def started(submission: UUID, execution: UUID) -> None:
    """The request that was noted under this id runs as that execution."""
    with shared_context():
        Tiding.objects.filter(kind=Kind.REQUEST, item=submission).update(execution=execution)


def forget(submission: UUID) -> None:
    """There is nothing to tell: whoever asked knows."""
    with shared_context():
        Tiding.objects.filter(kind=Kind.REQUEST, item=submission).delete()


# --- telling it ---------------------------------------------------------------------------------------------------


def tell_due() -> int:
    """Tells what is due, for all organizations in turn, until nothing is or half a minute is over. Call in the shared
    schema. Returns how many were handled."""
    handled, ends = 0, time.monotonic() + SECONDS_A_TURN
    while time.monotonic() < ends and (now := sum(_tell_of(id_, rows) for id_, rows in _found().items())):
        handled += now
    return handled


def _due() -> Q:
    over = Q(~Exists(Dispatch.objects.filter(execution=OuterRef("execution"))), execution__isnull=False)
    news = Q(kind=Kind.DECISION) | Q(kind=Kind.APPROVAL, told=False)
    unstarted = Q(execution=None, at__lt=Now() - UNSTARTED_FOR)
    return news | unstarted | over


def _found() -> dict[UUID, list[UUID]]:
    """The oldest of each organization first, so that a busy one does not keep the others waiting. One query."""
    place = Window(RowNumber(), partition_by=F("organization"), order_by="id")
    with shared_context():
        rows = Tiding.objects.filter(_due()).annotate(place=place).order_by("place", "id")
        found: dict[UUID, list[UUID]] = defaultdict(list)
        for organization, id_ in rows.values_list("organization", "id")[:AT_ONCE]:
            found[organization].append(id_)
    return found


def _tell_of(id_: UUID, rows: Sequence[UUID]) -> int:
    organization = directory.organization_by_id(id_)
    if organization is None:
        with shared_context():
            return Tiding.objects.filter(id__in=rows).delete()[0]
    if not organization.ready:
        return 0
    try:
        return _tell(organization, rows)
    except Exception:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("people were not told", org_id=organization.org_id)
        return 0


def _tell(organization: OrganizationRecord, rows: Sequence[UUID]) -> int:
    teller: Teller = import_string(settings.TELLER)
    with org_context(organization), transaction.atomic():
        held = Tiding.objects.select_for_update(skip_locked=True).filter(_due(), id__in=rows).order_by("id")
        due = [Due(*row) for row in held.values_list("id", "kind", "item", "execution", "told")]
        staying = {each.id: each for each in teller(organization, due)}
        _keep(staying.values())
        Tiding.objects.filter(id__in=[each.id for each in due if each.id not in staying]).delete()
    return len(due)


def _keep(staying: Iterable[Due]) -> None:
    rows = [Tiding(id=each.id, execution=each.execution, told=each.told) for each in staying]
    Tiding.objects.bulk_update(rows, ["execution", "told"])
