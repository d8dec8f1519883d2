"""Old records go, in small batches: what has ended, with its journal, deliveries, the history of schedules, alerts
that are resolved, notices, files, and the audit log.

How many days an organization's records are kept is its own setting; `settings.RETENTION_DAYS` where it has none. What
has not ended is never touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from integrations import rates
from orgs import audit, directory
from orgs.models import Organization
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from workflows_app.alerts.models import Alert, Notice
from workflows_app.dispatch.models import Fleet
from workflows_app.dispatch.queue import forget_failures
from workflows_app.files import forgetting
from workflows_app.models import Approval, Execution, ExecutionEvent, Inbox, ScheduleRun, WebhookDelivery
from workflows_app.providers.models import ProviderHealth

log = structlog.get_logger(__name__)

OF_ONE_ORGANIZATION = 100
AT_ONCE = 1000

# By the index on organization and end: a look at each organization, however many records the others keep.
_EXPIRED = """
SELECT o.id, f.execution FROM public.orgs_organization o CROSS JOIN LATERAL (
    SELECT execution FROM public.dispatch_fleet
    WHERE organization = o.id AND finished_at < now() - coalesce(o.retention_days, %s) * interval '1 day'
    ORDER BY finished_at LIMIT %s) f
WHERE o.ready LIMIT %s
"""


def forget_old(now: datetime | None = None) -> int:
    """One turn: some old executions of every organization, and all other old rows of one organization, a different one
    each minute. Call in the shared schema. Returns how many executions went."""
    moment = now or timezone.now()
    forget_failures(moment - timedelta(days=settings.RETENTION_DAYS))
    organization = _whose_turn(moment)
    if organization is not None:
        _forget_rows(organization, moment)
        rates.forget_unused(organization)
    audit.forget_before(None, moment - timedelta(days=settings.RETENTION_DAYS))
    return sum(_forget_executions(id_, executions) for id_, executions in _expired().items())


def _expired() -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [settings.RETENTION_DAYS, OF_ONE_ORGANIZATION, AT_ONCE])
        for organization, execution in cursor.fetchall():
            found[organization].append(execution)
    return found


def _forget_executions(id_: UUID, executions: Sequence[UUID]) -> int:
    organization = directory.organization_by_id(id_)
    if organization is None:
        return 0
    with org_context(organization), transaction.atomic():
        forgetting.forget_of(executions)
        for model in (ExecutionEvent, Inbox, Approval):
            model.objects.filter(execution_id__in=executions).delete()
        Execution.objects.filter(id__in=executions).delete()
        with shared_context():
            Fleet.objects.filter(execution__in=executions).delete()
    log.info("old executions are forgotten", org_id=organization.org_id, executions=len(executions))
    return len(executions)


def _whose_turn(moment: datetime) -> OrganizationRecord | None:
    organizations = Organization.objects.filter(ready=True).order_by("id")
    count = organizations.count()
    if not count:
        return None
    minute = int(moment.timestamp() // 60)
    chosen = organizations.values_list("id", flat=True)[minute % count]
    return directory.organization_by_id(chosen)


def _forget_rows(organization: OrganizationRecord, moment: datetime) -> None:
    days = Organization.objects.values_list("retention_days", flat=True).get(id=organization.id)
    before = moment - timedelta(days=settings.RETENTION_DAYS if days is None else days)
    with org_context(organization):
        WebhookDelivery.objects.filter(received_at__lt=before).delete()
        ScheduleRun.objects.filter(recorded_at__lt=before).delete()
        Alert.objects.filter(resolved_at__lt=before).delete()
        Notice.objects.filter(created_at__lt=before).delete()
        ProviderHealth.objects.filter(asked_at__lt=before).delete()
        forgetting.forget_unused(moment)
    for step in settings.RETENTION_STEPS:
        import_string(step)(organization, before)
    audit.forget_before(organization.id, before)
