"""What has to be done once a minute for all organizations, whoever's turn it is.

django-q2's one schedule calls `run` in the cluster of ordinary tasks (`workflows_app.dispatch.queue`). It may be called
by several processes at once, late, or twice in a minute: each part bears that. One that fails does not keep the others
from their turn.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from integrations.oauth.upkeep import mark_ended, refresh_idle
from workflows_app.alerts.connections import watch_connections
from workflows_app.alerts.failing import watch_schedules
from workflows_app.alerts.overdue import watch_executions
from workflows_app.alerts.sending import send_due
from workflows_app.approvals.expiring import expire_due
from workflows_app.closing import close_orphans
from workflows_app.dispatch.limit_settings import renew_lanes
from workflows_app.metrics.keeping import maintain
from workflows_app.retention import forget_old
from workflows_app.schedules import dispatch_due
from workflows_app.tidings import tell_due

log = structlog.get_logger(__name__)

PARTS: tuple[Callable[[], object], ...] = (
    dispatch_due,
    expire_due,
    renew_lanes,
    close_orphans,
    watch_schedules,
    watch_executions,
    mark_ended,
    watch_connections,
    tell_due,
    send_due,
    forget_old,
    maintain,
    refresh_idle,  # asks providers, which may take a minute
)


def run() -> None:
    """One turn of the maintenance. Call in the shared schema.

    Raises RuntimeError that names the parts that failed, after all had their turn.
    """
    failed = []
    for part in PARTS:
        try:
            part()
        except Exception:
            log.exception("a part of the maintenance failed", part=part.__name__)
            failed.append(part.__name__)
    if failed:
        raise RuntimeError(f"Maintenance failed in part: {', '.join(failed)}.")
