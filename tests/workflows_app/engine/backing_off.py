"""Executions that wait for their next attempt."""

from __future__ import annotations

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.dispatch.models import Dispatch
from workflows_app.executions import Outcome
from workflows_app.models import ExecutionEvent

LONG_AGO = "2026-01-01T00:00+00:00"


def let_be_due(organization: OrganizationRecord, outcome: Outcome) -> None:
    """As if the wait for its next attempt were over."""
    with org_context(organization):
        lines = ExecutionEvent.objects.filter(execution=outcome.execution_id, kind="status", data__has_key="until")
        for line in lines:
            line.data["until"] = LONG_AGO
            line.save()
    Dispatch.objects.filter(execution=outcome.execution_id).update(run_at=LONG_AGO)
