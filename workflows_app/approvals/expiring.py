"""Rejects what nobody decided in time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from orgs import directory
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.approvals.done import mark_done
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval, Status
from workflows_app.unowned import end

log = structlog.get_logger(__name__)

AT_ONCE = 100
EXPIRED = {"error": "ApprovalExpired", "message": "Nobody approved or rejected this in time.", "details": {}}


def expire_due() -> int:
    """Ends at most a hundred executions whose approvals are overdue, of whichever organizations. Returns how many."""
    with shared_context():
        due = Dispatch.objects.filter(status=Status.PENDING_APPROVAL, run_at__lte=Now())
        rows = sorted(due.order_by("run_at").values_list("organization", "execution")[:AT_ONCE])
    return sum(
        _expire_of(organization, [execution for _, execution in group])
        for organization, group in groupby(rows, key=lambda row: row[0])
    )


def _expire_of(organization_id: UUID, executions: Sequence[UUID]) -> int:
    organization = directory.organization_by_id(organization_id)
    try:
        if organization is None:
            with shared_context():
                return Dispatch.objects.filter(execution__in=executions).delete()[0]
        return _expire(organization, executions)
    except DatabaseError:
        # One organization's trouble, such as a schema that is just being dropped, is not the others'.
        log.exception("approvals were not expired", organization=str(organization_id))
        return 0


def _expire(organization: OrganizationRecord, executions: Sequence[UUID]) -> int:
    with org_context(organization), transaction.atomic():
        held = list(
            Dispatch.objects.select_for_update(skip_locked=True)
            .filter(execution__in=executions, status=Status.PENDING_APPROVAL, run_at__lte=Now())
            .order_by("execution")
            .values_list("execution", flat=True)
        )
        end(organization, held, Status.REJECTED, EXPIRED, {"reason": "nobody decided in time"})
        Approval.objects.filter(execution__in=held, state=Approval.State.PENDING).update(
            state=Approval.State.EXPIRED, decided_at=Now()
        )
        mark_done(held)
    return len(held)
