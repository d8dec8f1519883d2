"""The staff's inbox of approvals."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.workflows_app.test_admin import staff, text

from .rows import make_approval, queued, reread

LIST = "/o/acme/admin/workflows_app/approval/"


def test_what_waits_stands_first(acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_approval(acme, workflow="waiting_one")
    make_approval(acme, workflow="decided_one", state="approved", decided_by={"name": "Ada"})
    make_approval(globex, workflow="of_globex")
    page = text(staff(msp).get(LIST))
    assert page.index("Run waiting_one") < page.index("Run decided_one")
    assert "Grace" in page and "Ada" in page and "of_globex" not in page


def test_the_list_neither_counts_nor_reads_executions(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_approval(acme)
    client = staff(msp)
    client.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    statements = [query["sql"] for query in captured if "workflows_app_approval" in query["sql"]]
    assert len(statements) == 1 and "COUNT(" not in statements[0]


def test_the_page_shows_who_asked_and_the_input_and_a_get_decides_nothing(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    made = make_approval(acme)
    client = staff(msp)
    page = client.get(f"{LIST}{made.id}/change/")
    seen = text(page)
    for part in ("Run greet", "Grace", "message", "REDACTED", "Approve", "Reject"):
        assert part in seen
    assert re.search(r'<button[^>]*name="decision"[^>]*value="approve"', page.content.decode())
    assert client.get(f"{LIST}{made.id}/decide/?decision=approve").status_code == 405
    assert reread(acme, made).state == "pending"


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_its_form_decides(acme: OrganizationRecord, msp: OrganizationRecord, decision: str, state: str) -> None:
    made = make_approval(acme)
    client = staff(msp)
    answer = client.post(f"{LIST}{made.id}/decide/", {"decision": decision, "comment": "Because"})
    assert answer.status_code == 302 and answer.headers["Location"] == f"{LIST}{made.id}/change/"
    page = text(client.get(f"{LIST}{made.id}/change/"))
    assert f"{state.capitalize()} by" in page and "Because" in page and 'name="decision"' not in page
    assert reread(acme, made).state == state


def test_the_form_needs_its_csrf_token(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_approval(acme)
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(msp, "technician", all_organizations=True))
    path = f"{LIST}{made.id}/decide/"
    assert client.post(path, {"decision": "approve"}).status_code == 403
    assert reread(acme, made).state == "pending"
    token = client.cookies["csrftoken"] = _get_new_csrf_string()
    assert client.post(path, {"decision": "approve", "csrfmiddlewaretoken": token}).status_code == 302
    assert reread(acme, made).state == "approved"


def test_a_second_decision_is_told_who_was_first(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_approval(acme)
    client = staff(msp)
    for _ in range(2):
        answer = client.post(f"{LIST}{made.id}/decide/", {"decision": "approve"}, follow=True)
    assert "already approved by" in answer.content.decode()


@pytest.mark.parametrize("form", [{}, {"decision": "other"}, {"decision": "approve", "comment": "x" * 2_001}])
def test_a_form_that_is_wrong_decides_nothing(
    acme: OrganizationRecord, msp: OrganizationRecord, form: dict[str, str]
) -> None:
    made = make_approval(acme)
    assert staff(msp).post(f"{LIST}{made.id}/decide/", form).status_code == 302
    assert reread(acme, made).state == "pending"


def test_an_auditor_looks_and_does_not_decide(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_approval(acme)
    auditor = staff(msp, "auditor")
    page = auditor.get(f"{LIST}{made.id}/change/")
    assert "waits for somebody who may approve" in text(page)
    auditor.post(f"{LIST}{made.id}/decide/", {"decision": "approve"})
    assert reread(acme, made).state == "pending"


def test_another_organizations_approval_is_404(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    other = make_approval(globex)
    client = staff(msp)
    for id_ in (other.id, uuid4()):
        assert client.get(f"{LIST}{id_}/change/").status_code == 404
        assert client.post(f"{LIST}{id_}/decide/", {"decision": "approve"}).status_code == 404
    assert queued(other) == "PendingApproval"


def test_the_sidebar_leads_there(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    assert LIST in staff(msp).get("/o/acme/admin/").content.decode()
