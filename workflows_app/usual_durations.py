"""How long a workflow usually runs in an organization."""

from __future__ import annotations

from statistics import median

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Execution, Status

LOOKED_AT = 50
FEWEST = 3


def usual_seconds(organization: OrganizationRecord, workflow: str) -> float | None:
    """The median running time of those among its last executions that went well; None where these are too few to say.
    One query, whose cost the number looked at bounds."""
    with org_context(organization):
        last = Execution.objects.filter(workflow=workflow).order_by("-id")
        rows = list(last.values_list("status", "duration_ms", "trigger")[:LOOKED_AT])
    times = [
        milliseconds / 1000
        for status, milliseconds, trigger in rows
        if status == Status.SUCCESS and milliseconds is not None and not trigger.get("dryRun")
    ]
    return median(times) if len(times) >= FEWEST else None
