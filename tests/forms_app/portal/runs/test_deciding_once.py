"""A decision is made once, by somebody who may, while there is time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.workflows_app.approvals.rows import entries, make_question, queued, reread
from workflows_app.models import Approval

from .rows import asked_by, text, visit

PAGE = "/o/acme/approvals/{}"


def test_who_comes_second_is_told_who_was_first_and_a_second_click_is_none(
    acme: OrganizationRecord, start: Approval, olga: User
) -> None:
    page = PAGE.format(start.id)
    client = visit(olga)
    for _ in range(2):
        assert client.post(page, {"decision": "approve"}).status_code == 302, "the same once more"
    late = visit(make_user(acme, "admin")).post(page, {"decision": "approve"})
    assert "This was already approved by Olga at" in text(late, 409) and "Decided by Olga" in text(late, 409)
    changed = client.post(page, {"decision": "reject"})
    assert "This was already approved by Olga at" in text(changed, 409)
    assert reread(acme, start).state == "approved"


def test_after_its_time_nobody_decides(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme, expires_in=timedelta(seconds=-1))
    answer = visit(olga).post(PAGE.format(made.id), {"decision": "approve"})
    assert "The time to decide this was over at" in text(answer, 409)
    assert entries(acme, made) == []


def test_nobody_decides_the_own_request(acme: OrganizationRecord) -> None:
    admin = make_user(acme, "admin")
    made = asked_by(acme, admin, make_question(acme))
    client = visit(admin)
    page = client.get(PAGE.format(made.id))
    assert "You asked for this yourself" in text(page) and 'name="decision"' not in page.content.decode()
    assert "You asked for this yourself" in text(client.post(PAGE.format(made.id), {"decision": "approve"}), 403)
    assert reread(acme, made).state == "pending"


def test_who_may_not_decide_it_does_not_find_it(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User, olga: User
) -> None:
    others = make_question(acme)
    named = make_question(acme, permission="", approvers=["x@acme.example"])
    foreign = make_question(globex)
    for person, ids in ((grace, (others.id, foreign.id, uuid4())), (olga, (named.id, foreign.id, uuid4()))):
        client = visit(person)
        asked = [client.get(PAGE.format(id_)) for id_ in ids]
        sent = [client.post(PAGE.format(id_), {"decision": "approve"}) for id_ in ids]
        assert {answer.status_code for answer in (*asked, *sent)} == {404}
        assert len({answer.content for answer in (*asked, *sent)}) == 1
    assert reread(globex, foreign).state == reread(acme, named).state == "pending"
    assert queued(foreign) == "Suspended"


def test_a_requester_who_was_named_decides_and_sees_no_more_than_that(acme: OrganizationRecord, grace: User) -> None:
    made = make_question(acme, permission="", approvers=["grace@acme.example"])
    client = visit(grace)
    page = client.get(PAGE.format(made.id))
    assert 'name="decision"' in page.content.decode() and "/o/acme/requests/" not in text(page)
    assert f"/requests/{made.execution_id}" not in page.content.decode(), "the request itself is not hers"
    assert client.post(PAGE.format(made.id), {"decision": "approve"}).status_code == 302
    assert reread(acme, made).state == "approved"


def test_a_decision_needs_its_csrf_token(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme)
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)
    assert client.post(PAGE.format(made.id), {"decision": "approve"}).status_code == 403
    assert reread(acme, made).state == "pending"
    token = client.cookies["csrftoken"] = _get_new_csrf_string()
    typed: dict[str, Any] = {"decision": "approve", "csrfmiddlewaretoken": token}
    assert client.post(PAGE.format(made.id), typed).status_code == 302
