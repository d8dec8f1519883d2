"""The staff's pages about the run queue and its processes."""

from __future__ import annotations

import pytest
from django.test import Client
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from tests.factories import make_user
from workflows_app.dispatch.models import Dispatch, Fleet, Worker


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


def test_workers_are_shown(msp: OrganizationRecord) -> None:
    Worker.objects.create(host="web-7.example", pid=4711, kind="web", capacity=100)
    assert "web-7.example" in staff(msp).get("/admin/dispatch/worker/").content.decode()


@pytest.mark.parametrize("model", ["dispatch", "fleet", "worker"])
def test_nothing_is_added_by_a_page(msp: OrganizationRecord, model: str) -> None:
    assert staff(msp).get(f"/admin/dispatch/{model}/add/").status_code == 403


@pytest.mark.parametrize("model", ["dispatch", "fleet", "worker"])
def test_a_customers_owner_sees_none_of_it(acme: OrganizationRecord, model: str) -> None:
    client = Client()
    client.force_login(make_user(acme, "owner"))
    assert client.get(f"/admin/dispatch/{model}/").status_code == 302
