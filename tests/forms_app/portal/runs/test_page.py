"""The page of one request: how it stands, in words that a customer's people understand, and what one may do with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs.models import User
from orgs.permissions import APPROVE
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import change, make_user
from tests.workflows_app.approvals.rows import make_approval, make_question
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.models import Approval, Execution

from .pages import GOING, PAGE, seen_by
from .rows import make_request, of_person, visit

# --- who sees it ------------------------------------------------------------------------------------------------------


def test_what_is_not_one_s_own_is_not_there(acme: OrganizationRecord, globex: OrganizationRecord, grace: User) -> None:
    other = make_request(acme, make_user(acme, "requester"))
    foreign = make_request(globex, grace)
    client = visit(grace)
    for below in ("", "/part", "/cancel", "/again"):
        answers = [client.get(PAGE.format(id_) + below) for id_ in (other, foreign, uuid4())]
        assert [answer.status_code for answer in answers] == [404] * 3, below
        assert len({answer.content for answer in answers}) == 1, below
    for id_ in (other, foreign, uuid4()):
        assert client.post(PAGE.format(id_) + "/cancel").status_code == 404


def test_another_organization_s_people_do_not_come_in(
    acme: OrganizationRecord, globex: OrganizationRecord, grace: User
) -> None:
    execution = make_request(acme, grace)
    stranger = visit(make_user(globex, "owner"))
    for below in ("", "/part", "/cancel", "/again"):
        assert stranger.get(PAGE.format(execution) + below).status_code == 403


def test_whoever_may_see_all_sees_it(acme: OrganizationRecord, grace: User, olga: User) -> None:
    assert "Order a device" in seen_by(olga, make_request(acme, grace))


# --- how it stands ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("Queued", "Waiting to start since"),
        ("Success", "Done at"),
        ("CompletedWithErrors", "but not all of it worked"),
        ("Failed", "It did not work"),
        ("Compensated", "what it had done was undone"),
        ("Cancelled", "Cancelled at"),
        ("Rejected", "Not approved"),
    ],
)
def test_each_status_is_told_in_words(acme: OrganizationRecord, grace: User, status: str, words: str) -> None:
    going = {**GOING, "started_at": None} if status == "Queued" else {}
    seen = seen_by(grace, make_request(acme, grace, status=status, **going))
    assert words in seen and "CompletedWithErrors" not in seen and "PendingApproval" not in seen


def test_it_says_since_when_it_waits_for_approval_and_how_many_were_asked(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    make_user(acme, "admin")
    make_user(acme, "viewer")
    make_user(acme, "admin", is_active=False)
    made = make_approval(acme, requester=f"user:{grace.id}", permission=APPROVE)
    with org_context(acme):
        Execution.objects.filter(id=made.execution_id).update(**of_person(grace))
        Approval.objects.filter(id=made.id).update(created_at=timezone.now().replace(hour=9, minute=12))
    seen = seen_by(grace, made.execution_id)
    assert "Waiting for approval since 09:12, asked of 2 people." in seen
    assert "Decide" not in seen, "nobody decides the own request"
    assert f"/o/acme/approvals/{made.id}" in visit(olga).get(PAGE.format(made.execution_id)).content.decode()


def test_whom_nobody_in_the_organization_may_answer_the_provider_does(acme: OrganizationRecord, grace: User) -> None:
    made = make_question(acme, permission="", approvers=["a@msp.example", "b@msp.example", "c@msp.example"])
    other = make_question(acme, permission=APPROVE)
    for question in (made, other):
        with org_context(acme):
            Execution.objects.filter(id=question.execution_id).update(**of_person(grace))
    assert "asked of 3 people" in seen_by(grace, made.execution_id)
    assert "asked of your service provider" in seen_by(grace, other.execution_id)


def test_a_time_of_another_day_is_told_with_the_day_and_in_the_person_s_zone(
    acme: OrganizationRecord, grace: User
) -> None:
    change(acme, timezone="Asia/Tokyo")
    ended = datetime(2025, 11, 24, 20, 12, tzinfo=UTC)
    execution = make_request(acme, grace, created_at=ended, completed_at=ended)
    seen = seen_by(grace, execution)
    assert "Done at 25 November 2025, 05:12." in seen and "25 Nov 2025, 05:12" in seen


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("timer", "", {"state": "started", "due": 4102444800}), "Paused until 1 January 2100, 00:00."),
        (("signal", "ticket_closed", {"state": "started", "due": None}), "Waiting for “Ticket closed” since"),
        (("child", "offboard_user", {"state": "waiting", "executionId": str(uuid4())}), "Waiting for “Offboard user”"),
        (("step", "call_supplier", {"state": "retrying", "until": 4102444800}), "“Call supplier” did not work yet"),
        (("log", "info", {"message": "hi"}), "Waiting for something that it needs"),
    ],
)
def test_what_is_put_aside_says_what_it_waits_for(acme: OrganizationRecord, grace: User, line: Any, words: str) -> None:
    execution = make_request(acme, grace, status="Suspended", **GOING)
    make_events(acme, execution, line)
    assert words in seen_by(grace, execution)


def test_it_is_said_that_a_failed_attempt_is_followed_by_another(acme: OrganizationRecord, grace: User) -> None:
    error = {"error": "RuntimeError", "message": "secret innards", "details": {}}
    seen = seen_by(grace, make_request(acme, grace, status="Suspended", error=error, attempt=2, **GOING))
    assert "is tried again" in seen and "innards" not in seen


# --- following it -----------------------------------------------------------------------------------------------------


def test_while_it_goes_on_the_page_follows_it_also_without_scripts(acme: OrganizationRecord, grace: User) -> None:
    going, ended = make_request(acme, grace, status="Running", **GOING), make_request(acme, grace)
    page = visit(grace).get(PAGE.format(going)).content.decode()
    assert f'data-live="/o/acme/live/executions/{going}"' in page
    assert f'data-part="/o/acme/requests/{going}/part"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    page = visit(grace).get(PAGE.format(ended)).content.decode()
    assert "data-live" not in page and "http-equiv" not in page and "run.js" not in page


def test_its_part_holds_what_may_have_changed_and_the_new_lines(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    execution = make_request(acme, grace, status="Running", **GOING)
    make_events(acme, execution, *(("log", "info", {"message": f"line {number}"}) for number in range(1, 4)))
    part = visit(olga).get(PAGE.format(execution) + "/part?after=2").content.decode()
    for place in ("status", "progress", "actions", "outcome", "steps"):
        assert f'hx-swap-oob="innerHTML:#run-{place}"' in part
    assert 'hx-swap-oob="beforeend:#run-log"' in part and "line 3" in part and "line 2" not in part
    assert "<html" not in part and "In progress" in part
    for odd in ("nonsense", "-1", "9" * 30):
        assert "line 1" in visit(olga).get(PAGE.format(execution), {"after": odd}).content.decode()


def test_what_goes_on_as_another_leads_there(acme: OrganizationRecord, grace: User) -> None:
    last = make_execution(acme, workflow="goes_on", **of_person(grace))
    first = make_request(acme, grace, continued_as=last, chain=last)
    client = visit(grace)
    assert client.get(PAGE.format(first)).headers["Location"] == f"/o/acme/requests/{last}"
    assert client.get(PAGE.format(first) + "/part").headers["HX-Redirect"] == f"/o/acme/requests/{last}"


def test_the_number_of_queries_does_not_grow(acme: OrganizationRecord, olga: User) -> None:
    execution = make_request(acme, olga, status="Running", **GOING)
    client = visit(olga)

    def queries() -> int:
        client.get(PAGE.format(execution))
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE.format(execution)).status_code == 200
        return sum("_app_" in query["sql"] for query in captured)

    make_events(acme, execution, ("step", "one", {"state": "done"}))
    few = queries()
    with org_context(acme):
        connection.cursor().execute("DELETE FROM workflows_app_executionevent")
    steps = [("step", f"step {number}", {"state": "done"}) for number in range(400)]
    lines = [("log", "info", {"message": f"line {number}"}) for number in range(400)]
    make_events(acme, execution, *steps, *lines)
    for _ in range(20):
        make_request(acme, olga)
    assert queries() == few
