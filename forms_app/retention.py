"""Old submissions go, once the executions that they started are gone."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef

from forms_app.models import Submission
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Execution


def forget_before(organization: OrganizationRecord, moment: datetime) -> None:
    """Deletes the submissions from before then. The versions that were filled in stay: there are few."""
    kept = Exists(Execution.objects.filter(id=OuterRef("execution")))
    with org_context(organization):
        Submission.objects.filter(~kept, submitted_at__lt=moment).delete()
