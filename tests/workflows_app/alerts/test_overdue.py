"""Executions that wait or run much longer than they should raise an alert: one for all of a kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import change, make_actor
from tests.workflows_app.engine.conftest import Workspace, workspace
from workflows_app import maintenance
from workflows_app.alerts import handling
from workflows_app.alerts.overdue import watch_executions
from workflows_app.dispatch.models import Dispatch, Lane

from .conftest import Configure
from .rows import alert, alerts, waiting

__all__ = ["workspace"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workflows(workspace: Workspace) -> None:
    workspace.add("""
        @workflow(execution_mode="async", timeout_seconds=60, max_duration_seconds=3600)
        async def long_one(context):
            return None

        @workflow(execution_mode="async", timeout_seconds=60)
        async def short_one(context):
            return None
    """)


def make_row(
    organization: OrganizationRecord, status: str, minutes: float, workflow: str = "short_one", **fields: Any
) -> UUID:
    """One that was queued, and due, so long ago."""
    at = timezone.now() - timedelta(minutes=minutes)
    given = {"workflow": workflow, "status": status, "run_at": at, "queued_at": at, **fields}
    with shared_context():
        return Dispatch.objects.create(execution=uuid7(), organization=organization.id, **given).execution


def test_what_no_worker_has_taken_for_a_quarter_of_an_hour(acme: OrganizationRecord) -> None:
    make_row(acme, "Queued", 14)
    assert watch_executions() == 0 and alerts(acme) == []
    oldest = make_row(acme, "Queued", 30.2)
    make_row(acme, "Queued", 16, workflow="long_one", lane=Lane.ALONE)
    assert watch_executions() == 1
    found = alert(acme)
    assert (found.kind, found.execution, found.workflow) == ("overdue", oldest, "")
    assert found.message.startswith("2 executions have been due for up to 30 min")
    assert found.details["number"] == 2 and found.details["executions"][0] == str(oldest)


def test_what_runs_longer_than_its_workflow_may(acme: OrganizationRecord) -> None:
    make_row(acme, "Running", 70, "long_one")
    make_row(acme, "Running", 15, "short_one")
    assert watch_executions() == 0
    late = make_row(acme, "Running", 80, "long_one")
    assert watch_executions() == 1
    found = alert(acme)
    assert (found.execution, found.workflow) == (late, "long_one")
    assert found.title == "long_one runs longer than it may" and found.message.startswith("1 execution of long_one has")


def test_of_a_workflow_that_is_gone_an_hour_is_taken(acme: OrganizationRecord) -> None:
    make_row(acme, "Running", 70, "gone")
    assert watch_executions() == 0
    make_row(acme, "Running", 76, "gone")
    assert watch_executions() == 1


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        ("Suspended", dict),
        ("PendingApproval", dict),
        ("Queued", lambda: {"lane": Lane.LIMITED}),
        ("Queued", lambda: {"run_at": timezone.now() + timedelta(days=1)}),
        ("Queued", lambda: {"queued_at": timezone.now()}),
    ],
    ids=["suspended", "pending", "held back by a limit", "not due yet", "queued anew"],
)
def test_what_waits_for_a_reason_is_not_overdue(
    acme: OrganizationRecord, status: str, fields: Callable[[], dict[str, Any]]
) -> None:
    make_row(acme, status, 10_000, **fields())
    assert watch_executions() == 0


def test_a_suspended_organizations_are_not_told_of(acme: OrganizationRecord) -> None:
    make_row(acme, "Queued", 60)
    change(acme, status="suspended")
    assert watch_executions() == 0


def test_one_e_mail_however_long_it_lasts_and_however_many_there_are(acme: OrganizationRecord) -> None:
    for _ in range(30):
        make_row(acme, "Queued", 60)
    for _ in range(5):
        watch_executions()
    assert alert(acme).count == 5 and len(alert(acme).details["executions"]) == 10
    assert waiting() == [("alert", "email", 0)]


def test_resolved_while_it_lasts_it_is_raised_anew(acme: OrganizationRecord) -> None:
    make_row(acme, "Queued", 60)
    watch_executions()
    handling.resolve(acme, alert(acme).id, make_actor())
    watch_executions()
    assert [found.state for found in alerts(acme)] == ["resolved", "open"]


def test_each_organization_hears_of_its_own(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    make_row(acme, "Queued", 60)
    of_globex = make_row(globex, "Running", 60)
    assert watch_executions() == 2
    assert alert(acme).title == "Executions wait too long" and alert(globex).execution == of_globex


def test_the_time_is_a_setting(acme: OrganizationRecord, configure: Configure) -> None:
    make_row(acme, "Queued", 5)
    configure(late_seconds=120.0)
    assert watch_executions() == 1


def test_it_looks_by_the_indexes_of_what_is_queued_and_runs(acme: OrganizationRecord) -> None:
    with CaptureQueriesContext(connection) as captured:
        watch_executions()
    asked = [query["sql"] for query in captured if "dispatch_dispatch" in query["sql"]]
    assert len(asked) == 1
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {asked[0]}")
        plan = str(cursor.fetchall())
    for index in ("dispatch_claimable", "dispatch_alone", "dispatch_running"):
        assert index in plan
    assert "Seq Scan on dispatch_dispatch" not in plan


def test_the_maintenance_looks(acme: OrganizationRecord) -> None:
    make_row(acme, "Queued", 60, run_at=timezone.now() - timedelta(hours=1))
    maintenance.run()
    assert alert(acme).kind == "overdue"
