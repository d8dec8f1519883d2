"""The staff's pages about the run queue and its processes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from tests.factories import change, make_user
from workflows_app.dispatch.admin import ENDED, LABELS, WAITING
from workflows_app.dispatch.models import Dispatch, Fleet, Worker
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
