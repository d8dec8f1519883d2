"""Pages for what went wrong. They stand alone, and tell nothing internal."""

from __future__ import annotations

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from orgs import directory
from orgs.records import OrganizationRecord
from tests.factories import change, make_user
from workflows_app import catalog


def says(answer: HttpResponse, status: int, heading: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{heading}</h1>" in page
    assert '<a href="/">' in page and "Traceback" not in page


def signed_in(msp: OrganizationRecord, role: str = "technician") -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(make_user(msp, role, all_organizations=True))
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nothing", "/admin/nothing/", "/o/acme/nothing", "/o/acme/admin/nothing/"])
def test_a_page_that_is_not_there(msp: OrganizationRecord, path: str) -> None:
    says(signed_in(msp).get(path), 404, "Not found")


@pytest.mark.django_db
def test_a_page_that_is_not_allowed(msp: OrganizationRecord) -> None:
    says(signed_in(msp, "auditor").get("/admin/orgs/organization/add/"), 403, "Not allowed")


def test_an_organization_that_is_not_open_says_why(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    change(acme, status="suspended")
    answer = signed_in(msp).get("/o/acme/admin/")
    says(answer, 403, "No entry")
    assert "suspended" in answer.content.decode()


def test_a_form_without_its_cookie(msp: OrganizationRecord) -> None:
    client = Client(enforce_csrf_checks=True)
    says(client.post("/admin/login/", {"username": "a", "password": "b"}), 403, "Not sent")


def test_a_host_that_is_not_served() -> None:
    says(Client().get("/admin/", headers={"Host": "elsewhere.example"}), 400, "Bad request")


def test_a_database_that_is_away_shows_nothing_of_itself(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries, db: None
) -> None:
    def away(host: str) -> None:
        raise OperationalError("connection to server at 10.1.2.3 failed: password of bifrost is wrong")

    monkeypatch.setattr(directory, "organization_by_host", away)
    with django_assert_num_queries(0):
        answer = Client(raise_request_exception=False).get("/admin/")
    says(answer, 500, "Something went wrong")
    assert "10.1.2.3" not in answer.content.decode()


def test_a_fault_in_a_view_is_told_alike(msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("an internal matter")

    monkeypatch.setattr(catalog, "current", fail)
    answer = signed_in(msp).get("/admin/workflows/")
    says(answer, 500, "Something went wrong")
    assert "internal matter" not in answer.content.decode()
