"""The staff's list of an organization's alerts."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from tests.factories import make_actor, make_user
from tests.workflows_app.test_admin import staff, text
from workflows_app.alerts import handling

from .rows import alert, make_alert

LIST = "/o/acme/admin/workflows_app/alert/"


def whole(answer: HttpResponse) -> str:
    """With what is said above the page's own part."""
    return str(answer.content.decode())


def test_what_is_open_stands_first(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_alert(acme, "a", title="The open one")
    handling.resolve(acme, make_alert(acme, "b", title="The resolved one"), make_actor())
    make_alert(globex, title="Of globex")
    page = text(staff(msp).get(LIST))
    assert page.index("The open one") < page.index("The resolved one") and "Of globex" not in page


def test_the_list_neither_counts_nor_reads_what_it_does_not_show(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    make_alert(acme)
    client = staff(msp)
    client.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    statements = [query["sql"] for query in captured if "workflows_app_alert" in query["sql"]]
    assert len(statements) == 1 and "COUNT(" not in statements[0] and "details" not in statements[0]


def test_the_page_shows_it_whole_and_a_get_changes_nothing(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    execution = uuid4()
    made = make_alert(acme, execution=execution, workflow="move_mail", details={"step": "move"}, message="a\n<b>")
    make_alert(acme)
    client = staff(msp)
    page = client.get(f"{LIST}{made}/change/")
    seen = text(page)
    for part in ("Somebody has to look", "escalated", "move_mail", "step", "2 times", "Email waiting", "Resolve"):
        assert part in seen
    body = page.content.decode()
    assert f"/o/acme/admin/workflows_app/execution/{execution}/change/" in body and "&lt;b&gt;" in body
    assert client.get(f"{LIST}{made}/handle/?handling=resolve").status_code == 405
    assert alert(acme).state == "open"


@pytest.mark.parametrize(("handling_", "state"), [("acknowledge", "acknowledged"), ("resolve", "resolved")])
def test_its_form_handles_it(acme: OrganizationRecord, msp: OrganizationRecord, handling_: str, state: str) -> None:
    made = make_alert(acme)
    client = staff(msp)
    answer = client.post(f"{LIST}{made}/handle/", {"handling": handling_})
    assert answer.status_code == 302 and answer.headers["Location"] == f"{LIST}{made}/change/"
    assert f"{state.capitalize()} by" in text(client.get(f"{LIST}{made}/change/"))
    assert alert(acme).state == state


def test_a_second_one_is_told_who_was_first(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_alert(acme)
    handling.resolve(acme, made, make_actor())
    client = staff(msp)
    client.post(f"{LIST}{made}/handle/", {"handling": "acknowledge"})
    assert "This was already resolved by Ada." in whole(client.get(f"{LIST}{made}/change/"))
    client.post(f"{LIST}{made}/handle/", {"handling": "nonsense"})
    assert "Nothing was chosen." in whole(client.get(f"{LIST}{made}/change/"))


def test_the_form_needs_its_csrf_token(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_alert(acme)
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(msp, "technician", all_organizations=True))
    assert client.post(f"{LIST}{made}/handle/", {"handling": "resolve"}).status_code == 403
    assert alert(acme).state == "open"


def test_an_auditor_looks_and_changes_nothing(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_alert(acme)
    client = staff(msp, role="auditor")
    page = client.get(f"{LIST}{made}/change/")
    assert page.status_code == 200 and 'name="handling"' not in page.content.decode()
    assert client.post(f"{LIST}{made}/handle/", {"handling": "resolve"}).status_code == 403
    assert alert(acme).state == "open"


def test_another_organizations_is_404(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    other = make_alert(globex)
    client = staff(msp)
    assert client.get(f"{LIST}{other}/change/").status_code == 404
    assert client.get(f"{LIST}nonsense/change/").status_code == 404
    assert client.post(f"{LIST}{other}/handle/", {"handling": "resolve"}).status_code == 404
    assert alert(globex).state == "open"
