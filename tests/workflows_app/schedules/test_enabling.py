"""Workflows enabled for tags, for all or for chosen organizations, and next times that follow what changes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from orgs import directory, provisioning
from orgs.models import Organization
from orgs.permissions import EVERYTHING
from orgs.records import OrganizationRecord
from tests.factories import change, make_actor
from workflows_app.dispatch import audiences
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.schedules import dispatch_due, remove, settle, sync_audiences

from .conftest import CRONS, NINE, SOURCE, MakeSchedule, Workspace, after, executions_of, history, row

ADA = make_actor(EVERYTHING)


def enabled_for(workflow: str = "hourly") -> set[str]:
    ids = Schedule.objects.filter(workflow=workflow, enabled=True).values_list("organization", flat=True)
    return {found.org_id for id_ in ids if (found := directory.organization_by_id(id_))}


@pytest.fixture(autouse=True)
def everything(
    transactional_db: None,
    workspace: Workspace,
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
) -> None:
    """The organizations are there: acme without a tag, globex tagged gold, and the MSP's own."""


def test_scheduled_workflows_are_off_until_they_are_enabled(acme: OrganizationRecord) -> None:
    sync_audiences(NINE)
    assert Schedule.objects.count() == 0
    assert dispatch_due(after(hours=1)).reports == ()


def test_all_customers_is_all_but_the_msp() -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    sync_audiences(NINE)
    assert enabled_for() == {"acme", "globex"}


def test_the_msps_own_organization_is_chosen_by_name(msp: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", organizations=[msp.id])
    sync_audiences(NINE)
    assert enabled_for() == {"msp"}


def test_a_tag_enables_those_who_have_it_now_and_later(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", tags=["gold", "silver"])
    dispatch_due(NINE)
    assert enabled_for() == {"globex"}
    change(acme, tags=["silver"])
    change(globex, tags=[])
    dispatch_due(NINE)
    assert enabled_for() == {"acme"}


def test_an_organization_that_is_made_later_has_it_at_the_next_tick() -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    dispatch_due(NINE)
    later = provisioning.create_organization("later", "Later")
    dispatch_due(after(minutes=1))
    assert "later" in enabled_for()
    dispatch_due(after(hours=1))
    assert len(executions_of(later)) == 1


def test_an_audiences_values_are_those_of_its_schedules(acme: OrganizationRecord) -> None:
    audience = ScheduleAudience.objects.create(
        workflow="hourly", all_organizations=True, cron="0 12 * * *", overlap="queue", missed="skip"
    )
    sync_audiences(NINE)
    found = row(acme)
    assert (found.cron, found.overlap, found.missed, found.by_audience) == ("0 12 * * *", "queue", "skip", True)
    assert found.next_run == after(hours=3)
    ScheduleAudience.objects.filter(id=audience.id).update(cron="0 15 * * *", overlap="parallel")
    sync_audiences(NINE)
    assert (row(acme).overlap, row(acme).next_run) == ("parallel", after(hours=6))


def test_what_an_organization_has_set_itself_wins(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    settle(acme, "hourly", {"enabled": False}, ADA)
    settle(globex, "hourly", {"cron": "0 4 * * *"}, ADA)
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True, cron="0 12 * * *")
    sync_audiences(NINE)
    assert enabled_for() == {"globex"}
    assert row(globex).cron == "0 4 * * *" and not row(globex).by_audience


def test_a_change_of_its_own_makes_a_schedule_the_organizations(acme: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    sync_audiences(NINE)
    settle(acme, "hourly", {"parameters": {"days": 3}}, ADA)
    ScheduleAudience.objects.all().delete()
    sync_audiences(NINE)
    assert enabled_for() == {"acme"}


def test_removing_ones_own_gives_the_audiences_back(acme: OrganizationRecord) -> None:
    settle(acme, "hourly", {"cron": "0 4 * * *"}, ADA)
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    remove(acme, "hourly")
    assert (row(acme).by_audience, row(acme).cron) == (True, "")


def test_two_syncs_change_nothing_more(acme: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    sync_audiences(NINE)
    before = list(Schedule.objects.order_by("id").values())
    sync_audiences(after(minutes=1))
    assert list(Schedule.objects.order_by("id").values()) == before


def test_statements_do_not_grow_with_the_organizations() -> None:
    def statements(organizations: int) -> int:
        Organization.objects.bulk_create(
            Organization(org_id=f"o{uuid7().hex}", name="O", schema_name=f"org_{uuid7().hex}", ready=True)
            for _ in range(organizations)
        )
        ScheduleAudience.objects.update_or_create(workflow="hourly", defaults={"all_organizations": True})
        with CaptureQueriesContext(connection) as captured:
            sync_audiences(NINE)
        return len(captured)

    few = statements(2)
    assert statements(200) == few <= 10
    assert Schedule.objects.filter(workflow="hourly", next_run=after(hours=1)).count() == 204
    Organization.objects.filter(name="O").delete()


# --- Next times follow -----------------------------------------------------------------------------------------------


def test_a_schedule_follows_the_cron_of_its_workflow(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme, next_run=after(hours=1))
    make_schedule(globex, cron="0 4 * * *", next_run=after(hours=19))
    workspace.write(SOURCE.replace('schedule="0 * * * *"', 'schedule="*/20 * * * *"'))
    dispatch_due(after(minutes=1))
    assert row(acme).next_run == after(minutes=20)
    assert row(globex).next_run == after(hours=19)


def test_a_schedule_follows_the_time_zone_of_its_organization(
    make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    make_schedule(acme, "nightly", next_run=after(hours=17))
    make_schedule(acme, "hourly", cron="0 2 * * *", timezone="Asia/Kolkata", next_run=after(hours=11, minutes=30))
    change(acme, timezone="America/New_York")
    dispatch_due(NINE)
    assert row(acme, "nightly").next_run == after(hours=22)
    assert row(acme, "hourly").next_run == after(hours=11, minutes=30)


def test_what_is_due_already_runs_by_what_held_then(
    make_schedule: MakeSchedule, acme: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme)
    workspace.write(SOURCE.replace('schedule="0 * * * *"', 'schedule="30 12 * * *"'))
    dispatch_due(after(minutes=1))
    assert history(acme) == [("09:00", "started", "")]
    dispatch_due(after(minutes=2))
    assert row(acme).next_run == after(hours=3, minutes=30)


def test_a_workflow_that_the_workspace_lacks_says_so_and_runs_when_it_comes(
    acme: OrganizationRecord, workspace: Workspace
) -> None:
    ScheduleAudience.objects.create(workflow="coming", organizations=[acme.id])
    dispatch_due(NINE)
    assert row(acme, "coming").next_run is None
    assert "is not in the workspace" in row(acme, "coming").problem
    workspace.write(SOURCE.replace('"hourly"', '"coming"'))
    dispatch_due(after(minutes=1))
    assert (row(acme, "coming").next_run, row(acme, "coming").problem) == (after(hours=1), "")


def test_a_workflow_that_is_gone_for_a_while_keeps_its_times(
    make_schedule: MakeSchedule, acme: OrganizationRecord, workspace: Workspace
) -> None:
    make_schedule(acme, next_run=after(hours=1))
    workspace.write("")
    dispatch_due(NINE)
    assert (row(acme).next_run, row(acme).effective) == (after(hours=1), "0 * * * *|UTC")


def test_a_cron_that_never_comes_due_says_so(acme: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", organizations=[acme.id], cron="0 0 31 2 *")
    sync_audiences(NINE)
    assert (row(acme).next_run, row(acme).problem) == (None, "'0 0 31 2 *' never comes due.")


def test_one_process_at_a_time_renews(make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    ScheduleAudience.objects.create(workflow="hourly", all_organizations=True)
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_xact_lock({audiences._LOCK})")
        audiences.renew(CRONS, NINE)
        assert Schedule.objects.count() == 0
        other.rollback()
    finally:
        other.close()
    audiences.renew(CRONS, NINE)
    assert Schedule.objects.count() == 2


def test_a_dropped_organization_leaves_no_schedule(acme: OrganizationRecord) -> None:
    made = provisioning.create_organization("short", "Short")
    ScheduleAudience.objects.create(workflow="nightly", organizations=[made.id, acme.id])
    settle(made, "hourly", {}, ADA)
    sync_audiences(NINE)
    provisioning.drop_organization(made)
    sync_audiences(NINE)
    assert [found.organization for found in Schedule.objects.all()] == [acme.id]
