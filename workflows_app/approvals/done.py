"""What nobody has to decide any more needs nobody's attention: the notices that asked for it are read."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from workflows_app.alerts.models import Notice
from workflows_app.models import Approval


def mark_done(executions: Iterable[UUID]) -> None:
    """Notes as read what asked for those approvals of the executions that are not open. Call inside `org_context`. One
    statement.

    A notice that its owner is just reading is left to that one.
    """
    settled = Approval.objects.filter(execution__in=list(executions)).exclude(state=Approval.State.PENDING)
    with transaction.atomic():
        asking = Notice.objects.select_for_update(skip_locked=True).filter(approval__in=settled.values("id"))
        Notice.objects.filter(id__in=asking.filter(read_at=None).values("id")).update(read_at=Now())
