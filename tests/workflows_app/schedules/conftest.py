"""A workspace with workflows that run by the clock, and rows of schedules as a test needs them."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app import catalog
from workflows_app.dispatch.cron_times import next_after
from workflows_app.dispatch.models import Dispatch, Schedule
from workflows_app.models import Execution, ScheduleRun

SOURCE = """
    from bifrost import OrganizationContext, param, workflow

    @workflow(name="hourly", execution_mode="scheduled", schedule="0 * * * *")
    async def hourly(context: OrganizationContext, days: int = 1):
        return days

    @workflow(name="nightly", execution_mode="scheduled", schedule="0 2 * * *")
    async def nightly(context: OrganizationContext):
        return None

    @workflow(name="sync_users", execution_mode="scheduled", schedule="30 6 * * 1-5")
    async def sync_users(context: OrganizationContext, source: str = "ad", api_key: str = ""):
        return source

    @workflow(name="guarded", execution_mode="scheduled", schedule="0 * * * *", required_permission="canDelete")
    async def guarded(context: OrganizationContext):
        return None

    @workflow(name="on_demand", execution_mode="async")
    async def on_demand(context: OrganizationContext):
        return None
"""
NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
CRONS = {"hourly": "0 * * * *", "nightly": "0 2 * * *", "sync_users": "30 6 * * 1-5", "guarded": "0 * * * *"}


class Workspace:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, source: str) -> None:
        """Replaces the only file of the workspace."""
        path = self.directory / "workflows" / "by_the_clock.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        catalog.refresh()


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Iterator[Workspace]:
    settings.WORKSPACE = tmp_path / "workspace"
    settings.WORKSPACE.mkdir()
    made = Workspace(settings.WORKSPACE)
    made.write(SOURCE)
    yield made


MakeSchedule = Callable[..., Schedule]


@pytest.fixture
def make_schedule(transactional_db: None, workspace: Workspace) -> MakeSchedule:
    """A schedule that was set some time ago; due at NINE unless told otherwise."""

    def make(organization: OrganizationRecord, workflow: str = "hourly", **fields: Any) -> Schedule:
        cron = fields.get("cron") or CRONS.get(workflow, "0 * * * *")
        zone = fields.get("timezone") or organization.timezone
        values = {"effective": f"{cron}|{zone}", "next_run": NINE, **fields}
        return Schedule.objects.create(organization=organization.id, workflow=workflow, **values)

    return make


def after(**span: float) -> datetime:
    """So long after NINE."""
    return NINE + timedelta(**span)


def history(organization: OrganizationRecord, workflow: str = "hourly") -> list[tuple[str, str, str]]:
    """The planned times as (HH:MM, outcome, reason), the earliest first."""
    with org_context(organization):
        runs = ScheduleRun.objects.filter(workflow=workflow).order_by("planned_at")
        return [(f"{run.planned_at:%H:%M}", run.outcome, run.reason) for run in runs]


def executions_of(organization: OrganizationRecord, workflow: str = "hourly") -> list[Execution]:
    with org_context(organization):
        return list(Execution.objects.filter(workflow=workflow).order_by("id"))


def end(*executions: Execution) -> None:
    """They have ended: they are in the run queue no more."""
    Dispatch.objects.filter(execution__in=[execution.id for execution in executions]).delete()


def row(organization: OrganizationRecord, workflow: str = "hourly") -> Schedule:
    return Schedule.objects.get(organization=organization.id, workflow=workflow)


def upcoming(schedule: Schedule, moment: datetime) -> datetime | None:
    cron, _, zone = schedule.effective.rpartition("|")
    return next_after(cron, zone, moment)
