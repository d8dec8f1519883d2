"""The staff's pages about the run queue and its processes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from tests.factories import change, make_user
from workflows_app.dispatch.admin import ENDED, LABELS, WAITING
from workflows_app.dispatch.models import Dispatch, Fleet, Lane, Priority, Worker
from workflows_app.models import TERMINAL, Status


def staff(msp: OrganizationRecord, *organizations: OrganizationRecord) -> Client:
    client = Client()
    client.force_login(make_user(msp, "technician", all_organizations=not organizations, organizations=organizations))
    return client


@pytest.mark.parametrize("model", [Dispatch, Fleet])
def test_rows_are_shown_with_their_organizations_name_inside_the_scope(
    model: type[Dispatch | Fleet], acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        model.objects.create(
            execution=uuid7(), organization=organization.id, workflow=f"of_{organization.org_id}", status="Failed"
        )
    path = f"/admin/dispatch/{model._meta.model_name}/"
    everything = staff(msp).get(path).content.decode()
    assert "of_acme" in everything and "of_globex" in everything and "Globex" in everything
    part = staff(msp, globex).get(path).content.decode()
    assert "of_globex" in part and "of_acme" not in part


def test_workers_are_shown_by_the_name_that_journals_give_them(msp: OrganizationRecord) -> None:
    worker = Worker.objects.create(host="web-7.example", pid=4711, kind="web", capacity=100)
    page = staff(msp).get("/admin/dispatch/worker/").content.decode()
    assert "web-7.example" in page and f"web-{worker.id.hex[-8:]}" in page


def test_the_run_queue_tells_who_works_on_what(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    worker = uuid7()
    Dispatch.objects.create(
        execution=uuid7(), organization=acme.id, workflow="w", status="Running", worker=worker, reason="its reason"
    )
    page = staff(msp).get("/admin/dispatch/dispatch/").content.decode()
    assert worker.hex[-8:] in page and "its reason" in page


def make_row(organization: OrganizationRecord, **values: object) -> Dispatch:
    given = {"execution": uuid7(), "organization": organization.id, "workflow": "w", "status": "Queued", **values}
    return Dispatch.objects.create(**given)


def row_of(page: str, word: str) -> str:
    """What a reader sees of the list's row with this word."""
    [row] = [row for row in re.findall(r"<tr.*?</tr>", page, re.S) if word in row and "<td" in row]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip()


def test_the_run_queue_tells_in_words_how_long_what_waits(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    waiting = {"queued_at": timezone.now() - timedelta(minutes=3, seconds=20.5)}
    worker = Worker.objects.create(host="h", pid=1, kind="worker", capacity=1)
    make_row(acme, workflow="plain", **waiting)
    make_row(acme, workflow="late", priority=Priority.LOW, lane=Lane.LIMITED, **waiting)
    make_row(
        acme, workflow="lost", priority=Priority.HIGH, lane=Lane.ALONE, status="Running", worker=worker.id, epoch=7
    )
    make_row(
        acme,
        workflow="aside",
        status="Suspended",
        run_at=timezone.now() + timedelta(hours=2, minutes=9.5),
        reason="why",
    )
    page = staff(msp).get("/admin/dispatch/dispatch/").content.decode()
    assert row_of(page, "plain") == "Acme plain Queued normal open 3 min 20 s - - 0 -"
    assert row_of(page, "late") == "Acme late Queued low limited 3 min 20 s - - 0 -"
    assert row_of(page, "lost") == f"Acme lost Running high alone - - worker-{worker.id.hex[-8:]} 7 -"
    assert row_of(page, "aside") == "Acme aside Suspended normal open 0 s in 2 h 9 min - 0 why"


def test_what_waits_for_ever_is_shown_without_a_time(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    row = make_row(acme, status="Suspended")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dispatch_dispatch SET run_at = 'infinity' WHERE execution = %s", [row.execution])
    page = staff(msp).get("/admin/dispatch/dispatch/").content.decode()
    assert row_of(page, "Suspended") == "Acme w Suspended normal open 0 s - - 0 -"


@pytest.mark.parametrize(
    ("narrowed", "shown"),
    [
        ("priority=2", ["urgent"]),
        ("lane=1", ["limited"]),
        ("lane=0&priority=1", ["plain"]),
        ("status=Queued", ["plain", "urgent", "limited"]),
        ("status=Running", []),
        ("priority=9", ["plain", "urgent", "limited"]),
        ("lane=x", ["plain", "urgent", "limited"]),
        ("q=lim", ["limited"]),
    ],
)
def test_the_run_queue_is_narrowed_by_words(
    acme: OrganizationRecord, msp: OrganizationRecord, narrowed: str, shown: list[str]
) -> None:
    make_row(acme, workflow="plain")
    make_row(acme, workflow="urgent", priority=Priority.HIGH)
    make_row(acme, workflow="limited", lane=Lane.LIMITED)
    page = staff(msp).get(f"/admin/dispatch/dispatch/?{narrowed}").content.decode()
    assert {name for name in ("plain", "urgent", "limited") if f">{name}</a>" in page} == set(shown)


def test_a_worker_tells_whether_it_lives_and_how_much_it_runs(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    busy = Worker.objects.create(host="busy", pid=1, kind="worker", capacity=100, code_version="c0de" * 16)
    idle = Worker.objects.create(host="idle", pid=2, kind="web", capacity=100)
    Worker.objects.filter(id=idle.id).update(beat_at=timezone.now() - timedelta(seconds=95.5))
    for status in ("Running", "Running", "Queued"):
        make_row(acme, status=status, worker=busy.id)
    page = staff(msp).get("/admin/dispatch/worker/").content.decode()
    assert re.search(r"worker busy 1 0 s ago 2 100 .* c0dec0de", row_of(page, "busy"))
    assert re.search(r"web idle 2 1 min 35 s ago 0 100", row_of(page, "idle"))
    only_web = staff(msp).get("/admin/dispatch/worker/?kind=web").content.decode()
    assert "idle" in only_web and "busy" not in only_web


@pytest.mark.parametrize("model", ["dispatch", "worker"])
def test_a_list_is_one_query_however_many_rows(acme: OrganizationRecord, msp: OrganizationRecord, model: str) -> None:
    client = staff(msp)
    for number in range(5):
        worker = Worker.objects.create(host=f"h{number}", pid=1, kind="worker", capacity=1)
        make_row(acme, status="Running", worker=worker.id)
    client.get(f"/admin/dispatch/{model}/")
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/admin/dispatch/{model}/")
    assert len([query for query in captured if f'FROM "dispatch_{model}"' in query["sql"]]) <= 2  # and the filter's


@pytest.mark.parametrize("model", ["dispatch", "fleet", "worker"])
def test_nothing_is_added_by_a_page(msp: OrganizationRecord, model: str) -> None:
    assert staff(msp).get(f"/admin/dispatch/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", ["dispatch", "fleet", "worker"])
def test_a_customers_owner_sees_none_of_it(acme: OrganizationRecord, model: str) -> None:
    client = Client()
    client.force_login(make_user(acme, "owner"))
    assert client.get(f"/admin/dispatch/{model}/").status_code == 302


def make_fleet(organization: OrganizationRecord, **values: str) -> Fleet:
    return Fleet.objects.create(
        **{"execution": uuid7(), "organization": organization.id, "workflow": "w", "status": "Failed", **values}
    )


def test_the_filters_know_every_status() -> None:
    assert set(ENDED) == set(TERMINAL)
    assert set(WAITING) == set(Status) - TERMINAL
    assert set(LABELS) == set(Status)


def test_lists_are_narrowed_by_status_without_asking_which_there_are(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_fleet(acme, workflow="good", status="Success")
    make_fleet(acme, workflow="bad")
    client = staff(msp)
    client.get("/admin/dispatch/fleet/")
    with CaptureQueriesContext(connection) as captured:
        page = client.get("/admin/dispatch/fleet/?status=Failed").content.decode()
    assert ">bad<" in page and ">good<" not in page
    asked = [query["sql"] for query in captured if "dispatch_fleet" in query["sql"]]
    assert len(asked) == 1 and "COUNT(" not in asked[0] and "DISTINCT" not in asked[0]
    assert ">good<" in client.get("/admin/dispatch/fleet/?status=Nonsense").content.decode()


def test_a_row_leads_to_its_execution(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    row = make_fleet(acme)
    address = f"/o/acme/admin/workflows_app/execution/{row.execution}/change/"
    client = staff(msp)
    assert f'href="{address}"' in client.get("/admin/dispatch/fleet/").content.decode()
    change(acme, status="suspended")
    assert address not in client.get("/admin/dispatch/fleet/").content.decode()
