"""The staff's pages about one organization's executions."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.models import Status

LIST = "/o/acme/admin/workflows_app/execution/"
ERROR = {"error": "IntegrationError", "message": "401 Unauthorized", "details": {"integration": "msgraph"}}


def staff(msp: OrganizationRecord, role: str = "technician", *organizations: OrganizationRecord) -> Client:
    client = Client()
    client.force_login(make_user(msp, role, all_organizations=not organizations, organizations=organizations))
    return client


def text(answer: HttpResponse) -> str:
    """What a reader sees of the page's own part."""
    assert answer.status_code == 200
    body = answer.content.decode().partition('id="content"')[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_the_list_shows_the_chosen_organizations_own(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    own, other = make_execution(acme, workflow="of_acme"), make_execution(globex, workflow="of_globex")
    client = staff(msp)
    assert "of_acme" in text(client.get(LIST)) and "of_globex" not in text(client.get(LIST))
    assert "of_globex" in text(client.get(LIST.replace("acme", "globex")))
    assert client.get(f"{LIST}{own}/change/").status_code == 200
    assert client.get(f"{LIST}{other}/change/").status_code == 404


def test_the_list_is_narrowed_by_status_and_the_beginning_of_a_name(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_execution(acme, workflow="create_user")
    make_execution(acme, workflow="delete_user", status="Failed")
    client = staff(msp)
    assert "create_user" not in text(client.get(f"{LIST}?status=Failed"))
    found = text(client.get(f"{LIST}?q=crea"))
    assert "create_user" in found and "delete_user" not in found


@pytest.mark.parametrize("status", Status.values)
def test_the_list_is_narrowed_to_each_status_by_its_word(
    acme: OrganizationRecord, msp: OrganizationRecord, status: str
) -> None:
    for word in Status.values:
        make_execution(acme, workflow=f"of_{word}", status=word)
    client = staff(msp)
    page = client.get(f"{LIST}?status={status}")
    assert re.findall(r">of_(\w+)<", page.content.decode()) == [status]
    assert all(f"?status={word}" in client.get(LIST).content.decode() for word in Status.values)


def test_the_list_is_narrowed_to_what_was_created_lately(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    ages = {"of_minutes": timedelta(minutes=9), "of_hours": timedelta(hours=9), "of_days": timedelta(days=5)}
    for name, age in ages.items():
        make_execution(acme, workflow=name, created_at=timezone.now() - age)
    make_execution(acme, workflow="of_long_ago")
    client = staff(msp)
    for span, shown in (("hour", 1), ("day", 2), ("week", 3), ("century", 4), ("", 4)):
        found = set(re.findall(r">(of_\w+)<", client.get(f"{LIST}?created={span}").content.decode()))
        assert found == set([*ages, "of_long_ago"][:shown]), span


def test_the_list_neither_counts_nor_reads_large_values(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    for _ in range(3):
        make_execution(acme)
    client = staff(msp)
    client.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    statements = [query["sql"] for query in captured if "workflows_app_execution" in query["sql"]]
    assert len(statements) == 1, statements
    assert "COUNT(" not in statements[0] and '"result"' not in statements[0] and '"input"' not in statements[0]


def test_a_record_is_told_as_a_timeline(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme, status="Failed", result=None, error=ERROR, variables={"count": 3})
    child = make_execution(acme, parent=made, workflow="the_child")
    make_events(
        acme,
        made,
        ("status", "Running", {"worker": "web"}),
        ("log", "warning", {"message": "Almost <done>", "data": {"left": 1}}),
        ("variable", "count", 3),
        ("checkpoint", "half", {"rows": 10}),
        ("integration_call", "msgraph", {"method": "POST", "endpoint": "/users", "status_code": 401, "duration_ms": 9}),
        ("config", "halo_url", {"present": True}),
        ("error", "IntegrationError", {**ERROR, "traceback": 'File "create_user.py", line 7'}),
        ("status", "Failed", None),
    )
    page = staff(msp).get(f"{LIST}{made}/change/")
    seen = text(page)
    for part in (
        "401 Unauthorized",
        "warning Almost &lt;done&gt;",
        "left: 1",
        "count = 3",
        "half",
        "the_child",
        "halo_url",
    ):
        assert part in seen
    assert "msgraph: POST /users → 401" in seen and "create_user.py&quot;, line 7" in seen
    assert f"{LIST}{child}/change/" in page.content.decode()


def test_a_record_links_to_its_parent_its_children_and_those_that_go_on_in_its_place(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    parent, second = make_execution(acme), uuid7()
    first = make_execution(acme, parent=parent, continued_as=second)
    make_execution(acme, id=second, parent=parent, continued_from=first, chain=first)
    started = {"state": "done", "value": str(first), "executionId": str(first)}
    make_events(acme, parent, ("start", "greet", started))
    make_events(acme, first, ("status", "Success", {"continuedAs": str(second)}))
    client = staff(msp)
    for shown, links in [(parent, [first, second]), (first, [parent, second]), (second, [parent, first])]:
        page = client.get(f"{LIST}{shown}/change/").content.decode()
        assert all(f"{LIST}{linked}/change/" in page for linked in links)
        assert ("Child of" in page) == (shown != parent)
    assert f"Success: goes on as {second}" in text(client.get(f"{LIST}{first}/change/"))


def test_every_attempt_s_error_stays_in_the_timeline(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme, status="Failed", result=None, error={**ERROR, "message": "third"}, attempt=3)
    lines: list[tuple[str, str, Any]] = []
    for attempt, message in enumerate(("first", "second", "third"), 1):
        lines += [
            ("status", "Running", {"worker": "worker-1", "attempt": attempt, "epoch": attempt}),
            ("error", "IntegrationError", {"error": "IntegrationError", "message": message, "details": {}}),
        ]
        if attempt < 3:
            reason = f"attempt {attempt} of 3 failed; the next one begins in 2.0 s"
            lines.append(("status", "Suspended", {"reason": reason, "attempt": attempt}))
    make_events(acme, made, *lines, ("status", "Failed", None))
    seen = text(staff(msp).get(f"{LIST}{made}/change/"))
    told = [
        "IntegrationError: first",
        "Suspended: attempt 1 of 3 failed; the next one begins in 2.0 s",
        "Running, attempt 2",
        "IntegrationError: second",
        "Running, attempt 3",
        "IntegrationError: third",
    ]
    places = [seen.index(line) for line in told]
    assert places == sorted(places)


def test_secrets_by_name_stay_hidden_in_the_result_too(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme, result={"api_key": "abcdefgh"}, result_sealed=b"not to be opened")
    page = staff(msp).get(f"{LIST}{made}/change/")
    assert "abcdefgh" not in text(page) and "REDACTED" in text(page)


def test_a_long_journal_is_paged(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(acme, made, *(("log", "info", {"message": f"line {n};", "data": None}) for n in range(1, 211)))
    client = staff(msp)
    first = client.get(f"{LIST}{made}/change/")
    assert "line 200;" in text(first) and "line 201;" not in text(first) and "?after=200" in first.content.decode()
    second = text(client.get(f"{LIST}{made}/change/?after=200"))
    assert "line 201;" in second and "line 210;" in second and "line 200;" not in second
    assert "line 1;" in text(client.get(f"{LIST}{made}/change/?after=x"))


@pytest.mark.parametrize("id_", ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "1", "_00"])
def test_an_execution_that_does_not_exist_is_404(acme: OrganizationRecord, msp: OrganizationRecord, id_: str) -> None:
    assert staff(msp).get(f"{LIST}{id_}/change/").status_code == 404


@pytest.mark.parametrize("below", ["add/", "{}/delete/"])
def test_nothing_is_added_or_deleted_by_a_page(acme: OrganizationRecord, msp: OrganizationRecord, below: str) -> None:
    made = make_execution(acme)
    assert staff(msp).post(f"{LIST}{below.format(made)}", {"post": "yes"}).status_code == 403


def test_nothing_is_changed_by_a_page(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_execution(acme)
    client = staff(msp)
    client.post(f"{LIST}{made}/change/", {"status": "Failed", "workflow": "other"})
    assert "Success" in text(client.get(f"{LIST}{made}/change/")) and "greet" in text(client.get(LIST))


def test_staff_outside_their_scope_see_nothing(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    client = staff(msp, "technician", globex)
    assert client.get(LIST).status_code in {403, 404}
    assert client.get(LIST.replace("acme", "globex")).status_code == 200
