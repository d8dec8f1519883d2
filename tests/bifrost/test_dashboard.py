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
from tests.factories import change, make_actor, make_user
from tests.workflows_app.alerts.rows import make_alert
from workflows_app.alerts import handling
from workflows_app.catalog import Workspace
from workflows_app.dispatch.models import Dispatch, Fleet, OpenAlert, Schedule, Worker

WAITING, RUNNING = "Waiting for a worker", "Running now"
FAILED, APPROVALS = "Failed in the last 24 hours", "Waiting for an approval"
SCHEDULES = "Schedules with a problem"


def staff(msp: OrganizationRecord, *organizations: OrganizationRecord, role: str = "technician") -> Client:
    client = Client()
    client.force_login(make_user(msp, role, all_organizations=not organizations, organizations=organizations))
    return client


def make_running(organization: OrganizationRecord, status: str = "Running", **values: object) -> None:
    Dispatch.objects.create(execution=uuid7(), organization=organization.id, workflow="w", status=status, **values)


def make_ended(organization: OrganizationRecord, status: str = "Failed", hours_ago: float = 1) -> None:
    at = timezone.now() - timedelta(hours=hours_ago)
    Fleet.objects.create(execution=uuid7(), organization=organization.id, workflow="w", status=status, finished_at=at)


def figures(answer: HttpResponse) -> dict[str, int]:
    """The large numbers by what stands above them."""
    found = re.findall(r'<p>([^<]+)</p>\s*<p class="bifrost-number[^>]*>(\d+)<', answer.content.decode())
    return {name: int(number) for name, number in found}


def seen(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode().replace("&nbsp;", "")))


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
    counted = figures(page)
    assert (counted[WAITING], counted[RUNNING], counted[FAILED]) == (1, 3, 3)
    links = "Executions &nbsp; Configs"
    assert rows(page)[:2] == [f"Acme acme 1 2 2 {links}", f"Globex globex 0 1 1 {links}"]


def test_the_first_that_waits_for_a_worker_says_for_how_long(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    assert "the first for" not in seen(staff(msp).get("/admin/"))
    for organization, minutes in ((acme, 3), (globex, 70)):
        make_running(organization, "Queued", queued_at=timezone.now() - timedelta(minutes=minutes, seconds=20.5))
    make_running(acme, "Suspended", queued_at=timezone.now() - timedelta(days=9))
    assert "the first for 1 h 10 min" in seen(staff(msp).get("/admin/"))
    # Signing in takes its time.
    assert re.search(r"the first for 3 min 2\d s", seen(staff(msp, acme).get("/admin/")))


def test_workers_that_beat_are_counted(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    make_running(acme, "Queued")
    assert "none alive" in seen(client.get("/admin/"))
    assert 'class="bifrost-number alarming">1<' in client.get("/admin/").content.decode()
    for kind, host in (("worker", "one"), ("worker", "dead"), ("web", "web")):
        Worker.objects.create(host=host, pid=1, kind=kind, capacity=1)
    Worker.objects.filter(host="dead").update(beat_at=timezone.now() - timedelta(seconds=31))
    assert "1 alive" in seen(client.get("/admin/"))
    assert "alarming" not in client.get("/admin/").content.decode().partition("Running now")[0]


def test_approvals_and_schedules_with_a_problem_are_counted_inside_the_scope(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        make_running(organization, "PendingApproval")
        Schedule.objects.create(organization=organization.id, workflow="nightly", problem="It is gone.")
    Schedule.objects.create(organization=acme.id, workflow="well")
    Schedule.objects.create(organization=acme.id, workflow="off", enabled=False, problem="It is gone.")
    counted = figures(staff(msp).get("/admin/"))
    assert (counted[APPROVALS], counted[SCHEDULES]) == (2, 2)
    counted = figures(staff(msp, globex).get("/admin/"))
    assert (counted[APPROVALS], counted[SCHEDULES]) == (1, 1)


@pytest.mark.parametrize(
    "link", ["dispatch/?status=Queued", "dispatch/?status=PendingApproval", "worker/", "schedule/?problem=yes"]
)
def test_each_figure_leads_to_its_list(msp: OrganizationRecord, link: str) -> None:
    client = staff(msp)
    address = f"/admin/dispatch/{link}"
    assert f'href="{address}"' in client.get("/admin/").content.decode()
    assert client.get(address).status_code == 200


def test_a_technician_of_one_organization_sees_and_counts_that_one(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    for organization in (acme, globex):
        make_running(organization)
        make_ended(organization)
    page = staff(msp, globex).get("/admin/")
    assert (figures(page)[RUNNING], figures(page)[FAILED]) == (1, 1)
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
    assert figures(staff(msp).get("/admin/"))["Workspace files that do not load"] == 2


def test_links_lead_into_the_organization(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_ended(acme)
    make_running(acme, "Queued")
    client = staff(msp)
    links = re.findall(r'href="(/o/acme/[^"]+)"', client.get("/admin/").content.decode())
    assert links == [
        "/o/acme/admin/workflows_app/execution/?status=Queued",
        "/o/acme/admin/workflows_app/execution/?status=Failed",
        "/o/acme/admin/workflows_app/execution/",
        "/o/acme/admin/integrations/config/",
    ]
    assert [client.get(link).status_code for link in links] == [200] * 4


def test_a_suspended_organization_is_marked_and_not_linked(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    change(acme, status="suspended")
    page = staff(msp).get("/admin/")
    assert "Acme acme suspended 0 0 0 closed while it is suspended" in rows(page)
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
    assert figures(page) == {} and "Your role shows nothing of the platform." in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/admin"])
def test_short_addresses_lead_to_it(path: str) -> None:
    assert Client().get(path)["Location"] == "/admin/"


# --- Open alerts --------------------------------------------------------------------------------------------------


def open_alerts(answer: HttpResponse) -> list[str]:
    table = answer.content.decode().partition("bifrost-alerts")[2].partition("</table>")[0]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in table.split("<tr>")[2:]]


def test_open_alerts_of_the_persons_organizations_are_listed_the_newest_first(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    assert "Open alerts" not in seen(staff(msp).get("/admin/"))
    first = make_alert(acme, severity="warning", title="Mailbox of ann@acme.example")
    make_alert(globex, kind="overdue")
    OpenAlert.objects.filter(alert=first).update(raised_at=timezone.now() - timedelta(hours=1))
    page = staff(msp).get("/admin/")
    assert [row.split()[:4] for row in open_alerts(page)] == [
        ["error", "overdue", "Globex", "globex"],
        ["warning", "escalated", "Acme", "acme"],
    ]
    assert "ann@acme.example" not in page.content.decode()
    assert [row.split()[2] for row in open_alerts(staff(msp, acme).get("/admin/"))] == ["Acme"]


def test_an_open_alert_leads_to_what_it_says(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_alert(acme)
    client = staff(msp)
    address = f"/o/acme/admin/workflows_app/alert/{made}/change/"
    assert f'href="{address}"' in client.get("/admin/").content.decode()
    assert client.get(address).status_code == 200


def test_what_was_acknowledged_or_resolved_is_listed_no_more(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    for key, handle in (("a", handling.acknowledge), ("b", handling.resolve)):
        handle(acme, make_alert(acme, key), make_actor())
    assert open_alerts(staff(msp).get("/admin/")) == []


def test_a_suspended_organizations_alert_is_not_linked(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_alert(acme)
    change(acme, status="suspended")
    page = staff(msp).get("/admin/")
    assert len(open_alerts(page)) == 1 and "/o/acme/" not in page.content.decode()


def test_many_open_alerts_are_counted_and_cut(
    acme: OrganizationRecord, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dashboard, "SHOWN", 2)
    for number in range(5):
        make_alert(acme, str(number))
    with CaptureQueriesContext(connection) as captured:
        page = staff(msp).get("/admin/")
    assert len(open_alerts(page)) == 2 and "The newest 2 of 5." in seen(page)
    assert len([query for query in captured if "dispatch_openalert" in query["sql"]]) == 2


# --- The sidebars -------------------------------------------------------------------------------------------------


def test_the_sidebar_has_everything_in_its_order(msp: OrganizationRecord) -> None:
    assert entries(staff(msp, role="owner").get("/admin/orgs/organization/")) == [
        *("Overview", "Organizations", "People", "Memberships", "Tokens", "Audit log"),
        *(
            "Fleet",
            "Run queue",
            "Workers",
            "Schedules",
            "Schedule audiences",
            "Workflow settings",
            "Connections",
            "Workflows",
        ),
    ]


def test_the_sidebar_leaves_out_what_a_role_may_not_open(msp: OrganizationRecord) -> None:
    page = staff(msp, role="auditor").get("/admin/")
    looks = ["Fleet", "Run queue", "Workers", "Schedules", "Schedule audiences", "Workflow settings"]
    assert entries(page) == ["Overview", "Organizations", "Audit log", *looks, "Connections", "Workflows"]
    assert entries(staff(msp, role="viewer").get("/admin/")) == ["Overview"]


def test_an_organization_s_sidebar_leads_into_it_and_back(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = staff(msp).get("/o/acme/admin/")
    lists = [
        "Executions",
        "Forms",
        "Approvals",
        "Alerts",
        "Schedules",
        "Webhooks",
        "Deliveries",
        "Workflow settings",
        "Configs",
    ]
    assert entries(page) == [
        *(*lists, "Connections", "Circuits", "Audit log", "Secrets", "Data providers"),
        "All organizations",
    ]
    sidebar = page.content.decode().partition('id="nav-sidebar-apps"')[2]
    links = re.findall(r'href="([^"]+)"', sidebar)
    assert [links[0], links[8], links[12], links[14]] == [
        "/o/acme/admin/workflows_app/execution/",
        "/o/acme/admin/integrations/config/",
        "/o/acme/admin/secrets/",
        "/admin/",
    ]


def test_an_organization_s_pages_name_it_beside_the_heading(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    page = staff(msp).get("/o/acme/admin/workflows_app/execution/").content.decode()
    heading = page.partition("</h1>")[2].partition('id="content"')[0]
    assert "Acme" in heading
