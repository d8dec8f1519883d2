"""The staff's pages about schedules: of one organization, of all, and about audiences."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from orgs.records import OrganizationRecord
from tests.factories import change
from workflows_app.dispatch.models import Schedule, ScheduleAudience
from workflows_app.schedules import dispatch_due, get_schedule

from .conftest import MakeSchedule, Workspace, after, executions_of, row
from .pages import FORM, LIST, add, html, page, staff, text

ALL = "/admin/dispatch/schedule/"
AUDIENCES = "/admin/dispatch/scheduleaudience/"


@pytest.fixture
def client(transactional_db: None, workspace: Workspace, msp: OrganizationRecord) -> Client:
    return staff(msp)


def test_the_list_has_the_organizations_own(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_schedule(acme, "hourly", next_run=after(days=1))
    make_schedule(globex, "guarded")
    assert "hourly" in text(client.get(LIST)) and "guarded" not in text(client.get(LIST))
    assert "guarded" in text(client.get(LIST.replace("acme", "globex")))


def test_another_organizations_schedule_is_not_there(
    client: Client, make_schedule: MakeSchedule, globex: OrganizationRecord
) -> None:
    other = make_schedule(globex)
    before = Schedule.objects.values().get()
    for below in ("change/", "delete/"):
        assert client.get(page(other, below)).status_code in {302, 404}
        assert client.post(page(other, below), {**FORM, "post": "yes", "cron": "0 4 * * *"}).status_code in {302, 404}
    assert Schedule.objects.values().get() == before


def test_a_schedule_is_added(client: Client, acme: OrganizationRecord) -> None:
    assert "hourly (0 * * * *)" in text(client.get(f"{LIST}add/"))
    assert "on_demand" not in text(client.get(f"{LIST}add/"))
    answer = client.post(add("hourly"), {**FORM, "cron": "0 4 * * *", "v.days": "4", "_continue": "1"})
    assert answer.status_code == 302, text(answer)
    assert answer.headers["Location"] == page(row(acme))
    assert (row(acme).cron, row(acme).effective) == ("0 4 * * *", "0 4 * * *|UTC")
    assert get_schedule(acme, "hourly")["parameters"] == {"days": 4}


def test_a_schedule_is_changed_paused_and_turned_off(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    schedule = make_schedule(acme, by_audience=True)
    form = {**FORM, "overlap": "queue", "paused_until_0": "2030-01-01", "paused_until_1": "12:00:00"}
    assert client.post(page(schedule), form).status_code == 302
    found = row(acme)
    assert (found.overlap, found.by_audience, f"{found.paused_until:%Y-%m-%d %H:%M}") == (
        "queue",
        False,
        "2030-01-01 12:00",
    )
    assert "paused" in text(client.get(LIST))
    del form["enabled"]
    assert client.post(page(schedule), form).status_code == 302
    assert (row(acme).enabled, row(acme).next_run) == (False, None)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cron": "soon"}, "is not a cron expression"),
        ({"timezone": "Mars/Olympus"}, "There is no such time zone"),
        ({"v.days": "x"}, "must be a whole number"),
        ({"overlap": "replace"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_explained_and_not_saved(client: Client, wrong: dict[str, str], complaint: str) -> None:
    answer = client.post(add("hourly"), {**FORM, **wrong})
    assert complaint in text(answer)
    assert not Schedule.objects.exists()


def test_the_page_shows_the_next_runs_and_the_history(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    schedule = make_schedule(acme, timezone="Europe/Berlin")
    dispatch_due(after(seconds=1))
    dispatch_due(after(hours=1))
    answer = client.get(page(schedule))
    seen = text(answer)
    assert "Mon 2026-03-02 10:00 +0100 started" in seen
    assert "Mon 2026-03-02 11:00 +0100 skipped The run of 10:00 has not ended." in seen
    assert f"/execution/{executions_of(acme)[0].id}/change/" in answer.content.decode()
    assert len(re.findall(r"\w{3} \d{4}-\d\d-\d\d \d\d:00 \+0[12]00", seen)) == 12


def test_a_schedule_is_deleted_but_not_an_audiences(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    of_audience, own = make_schedule(acme, by_audience=True), make_schedule(acme, "nightly")
    assert client.post(page(of_audience, "delete/"), {"post": "yes"}).status_code == 403
    assert client.post(page(own, "delete/"), {"post": "yes"}).status_code == 302
    assert not Schedule.objects.filter(id=own.id).exists()


def test_an_auditor_reads_and_changes_nothing(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    schedule = make_schedule(acme)
    auditor = staff(msp, "auditor")
    assert "hourly" in text(auditor.get(LIST)) and "Next runs" in text(auditor.get(page(schedule)))
    assert auditor.post(page(schedule), FORM).status_code == 403
    assert auditor.get(f"{LIST}add/").status_code == 403
    assert auditor.post(page(schedule, "delete/"), {"post": "yes"}).status_code == 403


def test_nobody_schedules_what_they_may_not_run(client: Client, msp: OrganizationRecord) -> None:
    technician = staff(msp, "technician")
    for answer in (technician.get(add("guarded")), technician.post(add("guarded"), FORM)):
        assert "needs the permission canDelete" in text(answer) and 'name="cron"' not in html(answer)
    assert not Schedule.objects.exists()


# --- All organizations -----------------------------------------------------------------------------------------------


def test_the_staff_see_all_schedules_of_their_scope(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, msp: Any
) -> None:
    own, other = make_schedule(acme), make_schedule(globex, "guarded", problem="its trouble")
    seen = client.get(ALL).content.decode()
    assert f"/o/acme/admin/dispatch/schedule/{own.id}/change/" in seen
    assert f"/o/globex/admin/dispatch/schedule/{other.id}/change/" in seen and "its trouble" in seen
    part = staff(msp, "technician", globex).get(ALL).content.decode()
    assert "guarded" in part and "hourly" not in part
    change(globex, status="suspended")
    assert f"/o/globex/admin/dispatch/schedule/{other.id}/change/" not in client.get(ALL).content.decode()


def test_the_list_is_narrowed(client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord) -> None:
    make_schedule(acme)
    make_schedule(acme, "guarded", problem="its trouble", enabled=False)
    assert "guarded" not in text(client.get(f"{ALL}?enabled__exact=1"))
    assert "hourly" not in text(client.get(f"{ALL}?problem=yes")) and "guarded" in text(
        client.get(f"{ALL}?problem=yes")
    )
    assert "guarded" not in text(client.get(f"{ALL}?problem=no"))
    assert "guarded" in text(client.get(f"{ALL}?q=gua")) and "hourly" not in text(client.get(f"{ALL}?q=gua"))


def test_no_page_of_all_organizations_changes_one(
    client: Client, make_schedule: MakeSchedule, acme: OrganizationRecord
) -> None:
    schedule = make_schedule(acme)
    assert client.get(f"{ALL}add/").status_code == 403
    assert client.post(f"{ALL}{schedule.id}/change/", FORM).status_code == 403
    assert client.post(f"{ALL}{schedule.id}/delete/", {"post": "yes"}).status_code == 403


# --- Audiences -------------------------------------------------------------------------------------------------------

AUDIENCE = {"workflow": "hourly", "tags": "", "cron": "", "timezone": "", "overlap": "skip", "missed": "run_once"}


def enabled_for() -> set[Any]:
    return set(Schedule.objects.filter(by_audience=True).values_list("organization", flat=True))


def test_an_audience_is_made_changed_and_removed(
    client: Client, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    answer = client.post(f"{AUDIENCES}add/", {**AUDIENCE, "tags": "gold, silver"})
    assert answer.status_code == 302, text(answer)
    assert enabled_for() == {globex.id}
    address = f"{AUDIENCES}{ScheduleAudience.objects.get().id}/change/"
    assert client.post(address, {**AUDIENCE, "organizations": [str(acme.id)]}).status_code == 302
    assert enabled_for() == {acme.id}
    assert "selected" in client.get(address).content.decode() and "Acme" in text(client.get(AUDIENCES))
    assert client.post(address, {**AUDIENCE, "all_organizations": "on"}).status_code == 302
    assert enabled_for() == {acme.id, globex.id} and "all customers" in text(client.get(AUDIENCES))
    assert client.post(address.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert enabled_for() == set()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"cron": "soon"}, "is not a cron expression"),
        ({"timezone": "Mars"}, "There is no such time zone"),
        ({"organizations": ["00000000-0000-0000-0000-000000000000"]}, "Select a valid choice"),
        ({"workflow": "on_demand"}, "Select a valid choice"),
    ],
)
def test_a_wrong_audience_is_explained_and_not_saved(client: Client, wrong: dict[str, Any], complaint: str) -> None:
    assert complaint in text(client.post(f"{AUDIENCES}add/", {**AUDIENCE, **wrong}))
    assert not ScheduleAudience.objects.exists()


def test_audiences_are_for_those_who_have_all_organizations(
    client: Client, acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    ScheduleAudience.objects.create(workflow="hourly")
    assert staff(msp, "admin", acme).get(AUDIENCES).status_code == 403
    assert staff(msp, "auditor").get(AUDIENCES).status_code == 200
    for nobody in (staff(msp, "admin", acme), staff(msp, "auditor"), staff(msp, "technician")):
        assert nobody.post(f"{AUDIENCES}add/", {**AUDIENCE, "workflow": "nightly"}).status_code == 403
    assert ScheduleAudience.objects.count() == 1


def test_the_pages_are_found_in_the_sidebars(client: Client) -> None:
    assert f'href="{LIST}"' in client.get("/o/acme/admin/").content.decode()
    overview = client.get("/admin/").content.decode()
    assert f'href="{ALL}"' in overview and f'href="{AUDIENCES}"' in overview
