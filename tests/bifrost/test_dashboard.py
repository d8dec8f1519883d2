"""The staff's first page, and the sidebars beside all pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from bifrost import dashboard
from orgs.records import OrganizationRecord
from tests.factories import change, make_user
from workflows_app.catalog import Workspace
from workflows_app.dispatch.models import Dispatch, Fleet


def staff(msp: OrganizationRecord, *organizations: OrganizationRecord, role: str = "technician") -> Client:
    client = Client()
    client.force_login(make_user(msp, role, all_organizations=not organizations, organizations=organizations))
    return client


def make_running(organization: OrganizationRecord, status: str = "Running") -> None:
    Dispatch.objects.create(execution=uuid7(), organization=organization.id, workflow="w", status=status)


def make_ended(organization: OrganizationRecord, status: str = "Failed", hours_ago: float = 1) -> None:
    at = timezone.now() - timedelta(hours=hours_ago)
    Fleet.objects.create(execution=uuid7(), organization=organization.id, workflow="w", status=status, finished_at=at)


def numbers(answer: HttpResponse) -> list[int]:
    """Running, failed, files that do not load."""
    found = re.findall(r'class="bifrost-number[^>]*>(\d+)<', answer.content.decode())
    return [int(number) for number in found]


def rows(answer: HttpResponse) -> list[str]:
    body = answer.content.decode().partition("<tbody>")[2].partition("</tbody>")[0]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in body.split("<tr>")[1:]]


def entries(answer: HttpResponse) -> list[str]:
    """The sidebar's lines, in their order."""
    sidebar = answer.content.decode().partition('id="nav-sidebar-apps"')[2].partition('id="main"')[0]
    return re.findall(r"<span>([^<]+)</span>", sidebar)


# --- The figures --------------------------------------------------------------------------------------------------


def test_what_runs_and_what_failed_lately_is_counted(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization, runs in ((acme, 2), (globex, 1)):
        for _ in range(runs):
            make_running(organization)
            make_ended(organization)
    make_running(acme, "Queued")
    make_ended(acme, "Success")
    make_ended(acme, hours_ago=25)
    page = staff(msp).get("/admin/")
    assert numbers(page)[:2] == [3, 3]
    assert rows(page)[:2] == ["Acme acme 2 2 Executions &nbsp; Configs", "Globex globex 1 1 Executions &nbsp; Configs"]


def test_a_technician_of_one_organization_sees_and_counts_that_one(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        make_running(organization)
        make_ended(organization)
    page = staff(msp, globex).get("/admin/")
    assert numbers(page)[:2] == [1, 1]
    assert "Acme" not in page.content.decode()
    assert [row.split()[0] for row in rows(page)] == ["Globex", "The"]  # the MSP's own is everybody's


def test_organizations_with_failures_come_first(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_ended(globex)
    assert [row.split()[0] for row in rows(staff(msp).get("/admin/"))] == ["Globex", "Acme", "The"]


def test_files_that_do_not_load_are_counted_once_each(
    msp: OrganizationRecord, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Workspace(tmp_path)  # type: ignore[arg-type]
    for name in ("one", "two"):
        (broken.directory / "workflows").mkdir(exist_ok=True)
        (broken.directory / "workflows" / f"{name}.py").write_text("import no_such_module\n")
    monkeypatch.setattr(dashboard.catalog, "current", broken.refresh)
    assert numbers(staff(msp).get("/admin/"))[2] == 2


def test_links_lead_into_the_organization(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_ended(acme)
    client = staff(msp)
    links = re.findall(r'href="(/o/acme/[^"]+)"', client.get("/admin/").content.decode())
    assert links == [
        "/o/acme/admin/workflows_app/execution/?status__exact=Failed",
        "/o/acme/admin/workflows_app/execution/",
        "/o/acme/admin/integrations/config/",
    ]
    assert [client.get(link).status_code for link in links] == [200, 200, 200]


def test_a_suspended_organization_is_marked_and_not_linked(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    change(acme, status="suspended")
    page = staff(msp).get("/admin/")
    assert "Acme acme suspended 0 0 closed while it is suspended" in rows(page)
    assert "/o/acme/" not in page.content.decode()


def test_a_long_list_is_cut_and_says_so(
    acme: OrganizationRecord, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "SHOWN", 1)
    page = staff(msp).get("/admin/")
    assert len(rows(page)) == 1 and "These 1 of 3" in page.content.decode()


def test_figures_take_one_query_each_however_many_organizations(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp)
    for organization in (acme, globex):
        make_ended(organization)
    client.get("/admin/")
    with CaptureQueriesContext(connection) as captured:
        client.get("/admin/")
    asked = [query["sql"] for query in captured]
    assert len([sql for sql in asked if 'FROM "dispatch_dispatch"' in sql]) == 1
    assert len([sql for sql in asked if 'FROM "dispatch_fleet"' in sql]) == 1


def test_a_role_without_sight_of_organizations_sees_no_figures(msp: OrganizationRecord) -> None:
    page = staff(msp, role="viewer").get("/admin/")
    assert numbers(page) == [] and "Your role shows nothing of the platform." in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/admin"])
def test_short_addresses_lead_to_it(path: str) -> None:
    assert Client().get(path)["Location"] == "/admin/"


# --- The sidebars -------------------------------------------------------------------------------------------------


def test_the_sidebar_has_everything_in_its_order(msp: OrganizationRecord) -> None:
    assert entries(staff(msp, role="owner").get("/admin/orgs/organization/")) == [
        *("Overview", "Organizations", "People", "Memberships", "Tokens"),
        *("Fleet", "Run queue", "Workers", "Workflows"),
    ]


def test_the_sidebar_leaves_out_what_a_role_may_not_open(msp: OrganizationRecord) -> None:
    page = staff(msp, role="auditor").get("/admin/")
    assert entries(page) == ["Overview", "Organizations", "Fleet", "Run queue", "Workers", "Workflows"]
    assert entries(staff(msp, role="viewer").get("/admin/")) == ["Overview"]


def test_an_organization_s_sidebar_leads_into_it_and_back(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = staff(msp).get("/o/acme/admin/")
    lists = ["Executions", "Approvals", "Schedules", "Webhooks", "Deliveries", "Configs"]
    assert entries(page) == [*lists, "All organizations"]
    sidebar = page.content.decode().partition('id="nav-sidebar-apps"')[2]
    links = re.findall(r'href="([^"]+)"', sidebar)
    assert [links[0], *links[5:7]] == [
        *("/o/acme/admin/workflows_app/execution/", "/o/acme/admin/integrations/config/"),
        "/admin/",
    ]


def test_an_organization_s_pages_name_it_beside_the_heading(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = staff(msp).get("/o/acme/admin/workflows_app/execution/").content.decode()
    heading = page.partition("</h1>")[2].partition('id="content"')[0]
    assert "Acme" in heading
