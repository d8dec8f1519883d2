"""What breaks when a connection dies: the workflows that used it lately, and schedules of those."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection as database
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Now

from integrations.fleet.models import ConnectionUse
from integrations.oauth.fleet import USED_DAYS
from orgs.models import Organization
from workflows_app.dispatch.models import Schedule

_OF_ONE = """
SELECT array_agg(DISTINCT u.workflow ORDER BY u.workflow), count(DISTINCT u.organization), count(DISTINCT s.id)
FROM public.fleet_connectionuse u
LEFT JOIN public.dispatch_schedule s ON s.organization = u.organization AND s.workflow = u.workflow AND s.enabled
WHERE u.connection = %s AND u.last_used_at > now() - %s * interval '1 day'
"""


def with_what_breaks(rows: QuerySet[Any], covered: QuerySet[Organization]) -> QuerySet[Any]:
    """Each row of the fleet's with `workflows` and `scheduled`, those of them with a schedule; all in its one query. Of
    organizations that are not covered, nothing is told."""
    uses = ConnectionUse.objects.filter(
        connection=OuterRef("connection"),
        organization__in=covered.order_by().values("id"),
        last_used_at__gt=Now() - timedelta(days=USED_DAYS),
    )
    runs = Schedule.objects.filter(organization=OuterRef("organization"), workflow=OuterRef("workflow"), enabled=True)
    names = uses.order_by("workflow").values("workflow").distinct()
    annotated: QuerySet[Any] = rows.annotate(
        workflows=ArraySubquery(names),
        scheduled=ArraySubquery(names.filter(Exists(runs)).annotate(at=F("workflow")).values("at")),
    )
    return annotated


def words_for(connection: UUID) -> str:
    """The same of one connection, for an alert. Call in the shared schema; one query."""
    with database.cursor() as cursor:
        cursor.execute(_OF_ONE, [connection, USED_DAYS])
        workflows, organizations, schedules = cursor.fetchone()
    return _sentence(workflows or [], organizations, schedules)


def _sentence(workflows: Sequence[str], organizations: int, schedules: int) -> str:
    if not workflows:
        return f"No workflow has used it within {USED_DAYS} days."
    shown = ", ".join(workflows[:10]) + (f" and {len(workflows) - 10} more" if len(workflows) > 10 else "")
    of = f" of {organizations} organizations" if organizations > 1 else ""
    clock = f", and {schedules} schedule{'s' if schedules > 1 else ''} of them" if schedules else ""
    return f"Used within {USED_DAYS} days by: {shown}{of}{clock}."
