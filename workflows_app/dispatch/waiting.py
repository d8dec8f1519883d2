"""Whether anything waits in the run queue. Asked twice a second by every cluster, so by indexes alone."""

from __future__ import annotations

from django.db import connection
from django.db.models.functions import Now

from orgs.tenancy import shared_context
from workflows_app.dispatch.models import Schedule

_DUE = """
SELECT EXISTS (SELECT FROM public.dispatch_dispatch WHERE status = 'Queued' AND lane = 0 AND run_at <= now())
    OR EXISTS (SELECT FROM public.dispatch_dispatch WHERE status = 'Queued' AND lane = 1 AND run_at <= now())
    OR EXISTS (SELECT FROM public.dispatch_dispatch WHERE status = 'Queued' AND lane = 2 AND run_at <= now())
    OR EXISTS (SELECT FROM public.dispatch_dispatch
               WHERE status = 'Suspended' AND run_at <= now())
"""
_UNATTENDED = """
SELECT extract(epoch FROM now() - min(greatest(run_at, queued_at)))
FROM public.dispatch_dispatch
WHERE status = 'Queued' AND run_at <= now()
  AND NOT EXISTS (
    SELECT FROM public.dispatch_worker WHERE kind = 'worker' AND beat_at > now() - %s * interval '1 second')
"""


def work_is_due() -> bool:
    """Whether a row is due. Raises what Django raises while the database is away."""
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_DUE)
        return bool(cursor.fetchone()[0])


def schedule_is_due() -> bool:
    """Whether the time of an enabled schedule has come. Raises what Django raises while the database is away."""
    with shared_context():
        return Schedule.objects.filter(enabled=True, next_run__lte=Now()).exists()


def unattended_seconds(silent_seconds: float = 30.0) -> float:
    """For how long the oldest due row has waited while no worker process lives; 0 where one does or nothing waits.

    A worker lives that has beaten within `silent_seconds` by the database's clock.
    """
    with shared_context(), connection.cursor() as cursor:
        cursor.execute(_UNATTENDED, [silent_seconds])
        return float(cursor.fetchone()[0] or 0.0)
