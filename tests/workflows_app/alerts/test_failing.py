"""A schedule whose last three runs have failed raises an alert: once for each failure, however often one looks."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_actor
from tests.workflows_app.engine.conftest import caller
from tests.workflows_app.rest.rows import make_execution
from workflows_app import maintenance
from workflows_app.alerts import handling
from workflows_app.alerts.failing import watch_schedules
from workflows_app.dispatch.models import Fleet, Schedule
from workflows_app.models import ScheduleRun

from .rows import alert, alerts, waiting

pytestmark = pytest.mark.django_db

ERROR = {"error": "IntegrationError", "message": "The service said no.", "details": {}}


@pytest.fixture
def nightly(acme: OrganizationRecord) -> Schedule:
    return make_schedule(acme)


def make_schedule(organization: OrganizationRecord, workflow: str = "nightly") -> Schedule:
    with shared_context():
        return Schedule.objects.create(organization=organization.id, workflow=workflow)


def ended(
    organization: OrganizationRecord,
    *statuses: str,
    workflow: str = "nightly",
    scheduled: bool = True,
    minutes_ago: float = 10,
) -> list[UUID]:
    """Runs that have ended so, the last ones later."""
    found = []
    first = timezone.now() - timedelta(minutes=minutes_ago)
    for number, status in enumerate(statuses):
        at = first + timedelta(seconds=number)
        execution = make_execution(organization, workflow=workflow, status=status, error=ERROR)
        with org_context(organization):
            if scheduled:
                planned = _planned(organization, workflow)
                ScheduleRun.objects.create(
                    workflow=workflow, planned_at=planned, outcome="started", execution=execution
                )
            values: dict[str, Any] = {"execution": execution, "organization": organization.id, "workflow": workflow}
            Fleet.objects.create(**values, status=status, finished_at=at)
        found.append(execution)
    return found


def _planned(organization: OrganizationRecord, workflow: str) -> datetime:
    last = ScheduleRun.objects.filter(workflow=workflow).order_by("-planned_at").first()
    return (last.planned_at if last else timezone.now() - timedelta(days=100)) + timedelta(days=1)


def test_the_third_failure_in_a_row_raises_it(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Success", "Failed", "Failed", minutes_ago=30)
    assert watch_schedules() == 0 and alerts(acme) == []
    [last] = ended(acme, "Failed")
    assert watch_schedules() == 1
    found = alert(acme)
    assert (found.kind, found.workflow, found.execution) == ("schedule_failing", "nightly", last)
    assert found.title == "The schedule of nightly keeps failing"
    assert "IntegrationError: The service said no." in found.message
    assert found.details["executions"][0] == str(last) and len(found.details["executions"]) == 3
    assert waiting() == [("alert", "email", 0)]


def test_looking_again_finds_nothing_new(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", "Failed")
    assert [watch_schedules() for _ in range(3)] == [1, 0, 0]
    assert alert(acme).count == 1


def test_a_fourth_failure_counts_once_more_and_is_not_sent_again(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", "Failed")
    watch_schedules()
    ended(acme, "Failed", minutes_ago=5)
    assert watch_schedules() == 1
    assert alert(acme).count == 2 and len(waiting()) == 1


def test_once_resolved_only_another_failure_raises_it_anew(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", "Failed")
    watch_schedules()
    handling.resolve(acme, alert(acme).id, make_actor())
    assert watch_schedules() == 0
    ended(acme, "Failed", minutes_ago=5)
    assert watch_schedules() == 1 and len(alerts(acme)) == 2


@pytest.mark.parametrize("status", ["Success", "CompletedWithErrors", "Cancelled"])
def test_one_that_ended_otherwise_begins_the_row_anew(acme: OrganizationRecord, nightly: Schedule, status: str) -> None:
    ended(acme, "Failed", "Failed", status, "Failed", "Failed")
    assert watch_schedules() == 0 and alerts(acme) == []


def test_runs_that_the_schedule_did_not_start_do_not_count(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", minutes_ago=30)
    ended(acme, "Failed", "Failed", scheduled=False)
    assert watch_schedules() == 0
    ended(acme, "Failed", minutes_ago=5)
    watch_schedules()
    ended(acme, "Failed", scheduled=False, minutes_ago=2)
    assert watch_schedules() == 0 and alert(acme).count == 1


def test_skipped_times_are_no_failures(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed")
    with org_context(acme):
        ScheduleRun.objects.create(workflow="nightly", planned_at=timezone.now(), outcome="skipped", reason="off")
    assert watch_schedules() == 0


def test_a_workflow_without_a_schedule_is_nobodys_business(acme: OrganizationRecord) -> None:
    ended(acme, "Failed", "Failed", "Failed", "Failed")
    assert watch_schedules() == 0


def test_each_organization_and_workflow_is_judged_by_itself(
    acme: OrganizationRecord, globex: OrganizationRecord, nightly: Schedule
) -> None:
    for organization in (acme, globex):
        make_schedule(organization, "hourly")
    ended(acme, "Failed", "Failed", "Failed")
    ended(acme, "Failed", "Failed", workflow="hourly")
    ended(globex, "Failed", "Failed", "Failed", workflow="hourly")
    assert watch_schedules() == 2
    assert (alert(acme).workflow, alert(globex).workflow) == ("nightly", "hourly")


def test_it_looks_by_the_failures_alone(acme: OrganizationRecord, nightly: Schedule) -> None:
    """One statement for all organizations while nothing fails, and the index that holds failures only."""
    with shared_context():
        done = [
            Fleet(execution=uuid7(), organization=acme.id, workflow="hourly", status="Success") for _ in range(3000)
        ]
        Fleet.objects.bulk_create(done)
    with CaptureQueriesContext(connection) as captured:
        watch_schedules()
    asked = [query["sql"] for query in captured if "dispatch_fleet" in query["sql"]]
    assert len(asked) == 1 and "workflows_app" not in str(captured.captured_queries)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE dispatch_fleet")
        cursor.execute(f"EXPLAIN {asked[0]}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "fleet_failed" in plan and "Seq Scan on dispatch_fleet" not in plan, plan


def test_the_maintenance_looks(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", "Failed")
    maintenance.run()
    assert alert(acme).kind == "schedule_failing"


def test_a_failed_execution_in_the_fleet_alone_is_borne(acme: OrganizationRecord, nightly: Schedule) -> None:
    with shared_context():
        Fleet.objects.create(execution=uuid7(), organization=uuid7(), workflow="nightly", status="Failed")
    assert watch_schedules() == 0


@pytest.mark.django_db(transaction=True)
def test_processes_that_look_at_once_raise_it_once(acme: OrganizationRecord, nightly: Schedule) -> None:
    ended(acme, "Failed", "Failed", "Failed")
    together = threading.Barrier(6)

    def look() -> None:
        together.wait(timeout=30)
        watch_schedules()

    threads = [caller(look) for _ in range(6)]
    for thread in threads:
        thread.join(timeout=60)
    assert alert(acme).count == 1 and len(waiting()) == 1
