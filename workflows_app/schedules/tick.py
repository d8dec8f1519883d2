"""One look at the clock for all organizations: what is due is started once, and what is not started is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings

from orgs.tenancy import shared_context
from workflows_app import catalog
from workflows_app.dispatch import schedules
from workflows_app.dispatch.schedules import Due
from workflows_app.schedules.cases import Case, Report, Tick, case_of
from workflows_app.schedules.deciding import Decision, decide
from workflows_app.schedules.enabling import obstacle, sync_audiences
from workflows_app.schedules.recording import record
from workflows_app.schedules.starting import start

__all__ = ["Report", "Tick", "dispatch_due"]

log = structlog.get_logger(__name__)

AT_ONCE = 1000
MOST_BATCHES = 100


def dispatch_due(now: datetime | None = None) -> Tick:
    """Starts what is due by the database's clock, for all organizations, each planned time once however many processes
    look. `now` takes that clock's place in tests.

    Raises DatabaseAway and OperationalError when the database is away; another tick repeats the rest without harm.
    """
    with shared_context():
        now = (now or schedules.database_time()).astimezone(UTC)
        # Nobody else does so in a process that runs no executions.
        catalog.refresh()
        sync_audiences(now, wait=False)
        reports: list[Report] = []
        after: Due | None = None
        for _batch in range(MOST_BATCHES):
            with schedules.taken(now, AT_ONCE, after) as taken:
                cases = _handle(taken.rows, now)
                taken.advance([case.advance() for case in cases])
            reports += [report for case in cases for report in case.reports]
            if len(taken.rows) < AT_ONCE:
                break
            after = taken.rows[-1]
    if reports:
        tick = Tick(now, tuple(reports))
        log.info("schedules", started=tick.started, skipped=tick.skipped, waiting=tick.waiting)
    return Tick(now, tuple(reports))


def _handle(rows: Sequence[Due], now: datetime) -> list[Case]:
    late = timedelta(seconds=settings.SCHEDULES["late_seconds"])
    obstacles = {workflow: obstacle(workflow) for workflow in {due.workflow for due in rows}}
    cases = [case_of(due, _decide(due, now, late, obstacles[due.workflow])) for due in rows]
    record([case for case in cases if case.decision.runs])
    start([case for case in cases if case.open])
    return cases


def _decide(due: Due, now: datetime, late: timedelta, obstacle: str) -> Decision:
    try:
        return decide(due, now, late, obstacle)
    except Exception as error:
        log.error("a schedule cannot be decided", schedule=str(due.schedule), exc_info=error)
        return Decision((), None, f"It cannot be decided: {type(error).__name__}.")
