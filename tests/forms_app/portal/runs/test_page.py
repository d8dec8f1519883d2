"""The page of one request: how it stands, in words that a customer's people understand, and what one may do with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from forms_app.models import Submission
from forms_app.portal.runs import telling
from orgs.models import User
from orgs.permissions import APPROVE
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import change, make_user
from tests.workflows_app.approvals.rows import make_approval, make_question
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval, Execution, Status

from .rows import make_request, of_person, submit, text, visit

PAGE = "/o/acme/requests/{}"
GOING: dict[str, Any] = {"result": None, "completed_at": None, "duration_ms": None}


def seen_by(person: User, execution: object, below: str = "") -> str:
    return text(visit(person).get(PAGE.format(execution) + below))


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


# --- how far it is ----------------------------------------------------------------------------------------------------


def test_its_own_progress_is_shown_as_it_says_it(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, status="Running", progress=40.0, **GOING)
    line = {"percent": 40.0, "done": 2, "total": 5, "message": "ordering", "elapsedMs": 120_000}
    make_events(acme, execution, ("progress", "", line))
    with org_context(acme):
        connection.cursor().execute("UPDATE workflows_app_executionevent SET at = now()")
    answer = visit(grace).get(PAGE.format(execution))
    assert 'value="40"' in answer.content.decode()
    assert "40%, 2 of 5, ordering, about 3 minutes left" in text(answer) or "about 2 minutes" in text(answer)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("Suspended", ("approval", "Go?", {"state": "started"})),
        ("Running", ("approval", "Go?", {"state": "done", "value": {"approved": True}})),
        ("Queued", ("log", "info", {"message": "x"})),
    ],
)
def test_nothing_is_estimated_while_it_stands_still_or_where_people_take_their_time(
    acme: OrganizationRecord, grace: User, status: str, line: Any
) -> None:
    execution = make_request(acme, grace, status=status, progress=33.0, **GOING)
    data = {"percent": 33.0, "done": 1, "total": 3, "message": "Waiting for approval", "elapsedMs": 60_000}
    make_events(acme, execution, ("progress", "", data), line)
    seen = seen_by(grace, execution)
    assert "33%, 1 of 3, Waiting for approval" in seen and "left" not in seen


def test_what_is_as_good_as_done_says_no_time(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, status="Running", progress=99.0, **GOING)
    data = {"percent": 99.0, "done": 99, "total": 100, "message": "", "elapsedMs": 100}
    make_events(acme, execution, ("progress", "", data))
    seen = seen_by(grace, execution)
    assert "99%, 99 of 100" in seen and "left" not in seen and "second" not in seen


def test_else_it_is_estimated_from_how_long_it_usually_takes(acme: OrganizationRecord, grace: User) -> None:
    for seconds in (90, 100, 5_000):
        make_request(acme, grace, duration_ms=seconds * 1000)
    make_request(acme, grace, duration_ms=1, status="Failed")
    now = timezone.now()
    half = make_request(acme, grace, status="Running", **{**GOING, "started_at": now - timedelta(seconds=50)})
    late = make_request(acme, grace, status="Running", **{**GOING, "started_at": now - timedelta(seconds=300)})
    page = visit(grace).get(PAGE.format(half))
    assert "It usually takes 1 minute 40 seconds." in text(page) and 'value="5' in page.content.decode()
    assert "this time it takes longer" in seen_by(grace, late)
    # One that has waited for somebody says nothing of the kind.
    make_events(acme, half, ("approval", "Go?", {"state": "done", "value": {"approved": True}}))
    assert "usually" not in seen_by(grace, half)


def test_too_few_say_nothing(acme: OrganizationRecord, grace: User) -> None:
    make_request(acme, grace)
    execution = make_request(acme, grace, status="Running", **GOING)
    assert "usually" not in seen_by(grace, execution)


# --- what it does and did ---------------------------------------------------------------------------------------------


def test_steps_are_a_timeline_in_people_s_words(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace)
    approval = str(uuid4())
    make_events(
        acme,
        execution,
        ("step", "create_user", {"state": "done", "durationMs": 2500, "arguments": {"pw": "x"}, "value": "inner"}),
        ("step", "get_token", {"state": "done", "implicit": True}),
        ("step", "Order at the supplier", {"state": "failed", "error": {"error": "KeyError", "message": "innards"}}),
        ("approval", "Pay the invoice?", {"state": "started", "approvalId": approval}),
        ("timer", "", {"state": "done", "timedOut": True}),
        ("saga", "create_user", {"saga": "s", "step": 1, "status": "Compensated"}),
        ("log", "info", {"message": "a log line"}),
    )
    seen = seen_by(grace, execution)
    for told in (
        "Create user Done 3 seconds" if "Done 3 seconds" in seen else "Create user Done 2 seconds",
        "Order at the supplier Did not work",
        "Pay the invoice? Stopped",
        "Pause Done",
        "Create user Undone",
    ):
        assert told in seen
    for hidden in ("create_user", "Get token", "innards", "KeyError", "inner", "a log line", "+0."):
        assert hidden not in seen


def test_an_undoing_is_told_once(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, status="Compensated")
    make_events(
        acme,
        execution,
        ("step", "create_user", {"state": "done"}),
        ("saga", "create_user", {"saga": "s", "step": 1, "status": "Completed"}),
        ("step", "compensate create_user", {"state": "done", "durationMs": 2500}),
        ("saga", "create_user", {"saga": "s", "step": 1, "status": "Compensated"}),
    )
    seen = seen_by(grace, execution)
    assert seen.count("Create user") == 2 and "Create user Undone" in seen and "ompensate" not in seen


def test_while_an_undoing_waits_it_is_said_what_is_undone(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, status="Suspended", **GOING)
    make_events(
        acme,
        execution,
        ("saga", "create_user", {"saga": "s", "step": 1, "status": "Completed"}),
        ("step", "compensate create_user", {"state": "retrying", "until": 4102444800}),
    )
    seen = seen_by(grace, execution)
    assert "“Create user” is being undone." in seen and "Create user Is being undone" in seen


def test_who_approved_and_the_comment_stand_in_it(acme: OrganizationRecord, grace: User, olga: User) -> None:
    made = make_approval(acme, state="approved", comment="Go <b>ahead</b>", decided_at=timezone.now())
    by = {"kind": "user", "id": str(olga.id), "email": olga.email, "name": "Olga"}
    with org_context(acme):
        Approval.objects.filter(id=made.id).update(decided_by=by)
        Execution.objects.filter(id=made.execution_id).update(status="Queued", **of_person(grace))
    page = visit(grace).get(PAGE.format(made.execution_id))
    assert "Approval Approved by Olga at" in text(page)
    assert "Go &lt;b&gt;ahead&lt;/b&gt;" in page.content.decode()


def test_log_lines_are_for_those_who_may_see_executions(acme: OrganizationRecord, grace: User, olga: User) -> None:
    execution = make_request(acme, grace)
    make_events(acme, execution, ("log", "warning", {"message": "Licence <b>7</b>"}), ("log", "info", {"message": "z"}))
    assert "Licence" not in seen_by(grace, execution) and "Licence" not in seen_by(grace, execution, "/part")
    page = visit(olga).get(PAGE.format(execution)).content.decode()
    assert "Licence &lt;b&gt;7&lt;/b&gt;" in page and 'data-seq="2"' in page


# --- what was asked, and what came of it ------------------------------------------------------------------------------


def test_what_was_asked_stands_under_the_labels_of_the_form(acme: OrganizationRecord, grace: User) -> None:
    values = {"device": "lap", "amount": 250, "urgent": True, "pin": "4711", "source": "portal", "note": "x"}
    page = visit(grace).get(PAGE.format(make_request(acme, grace, input=values)))
    seen = text(page)
    assert "Which device Laptop Price 250 In a hurry Yes Your pin Hidden" in seen
    for hidden in ("Came from", "portal", "device lap", "4711", "Note"):
        assert hidden not in seen.partition("What was asked for")[2]


def test_dates_and_options_are_told_as_the_person_gave_them(acme: OrganizationRecord, grace: User) -> None:
    change(acme, timezone="Asia/Tokyo")
    items: list[dict[str, Any]] = [
        {"type": "field", "name": "begins", "label": "First day", "kind": "date"},
        {"type": "field", "name": "call", "label": "Call at", "kind": "datetime"},
        {"type": "field", "name": "team", "label": "Team", "kind": "choice", "provider": "teams"},
        {"type": "field", "name": "groups", "label": "Groups", "kind": "multiple_choice", "provider": "groups"},
        {"type": "field", "name": "rows", "label": "Devices", "kind": "group"}
        | {"fields": [{"name": "model", "label": "Which one", "kind": "choice", "provider": "models"}]},
    ]
    values = {"begins": "2026-12-03", "call": "2026-12-03T22:30:00Z", "team": "it", "groups": [7, "gone"]}
    values |= {"rows": [{"model": "x1"}, {"model": "x2"}]}
    execution = make_request(acme, grace, items=items, input=values)
    labels = {"team": {"it": "IT"}, "groups": {"json:7": "Seven"}, "rows.model": {"x1": "The small one"}}
    with org_context(acme):
        Submission.objects.filter(execution=execution).update(labels=labels)
    seen = seen_by(grace, execution).partition("What was asked for")[2]
    assert "First day 3 December 2026 Call at 4 December 2026, 07:30 Team IT Groups Seven gone" in seen
    assert "Devices Which one The small one x2" in seen


def test_what_was_approved_otherwise_stands_beside_it(acme: OrganizationRecord, grace: User) -> None:
    execution = make_request(acme, grace, input={"amount": 250, "device": "lap"})
    with org_context(acme):
        Execution.objects.filter(id=execution).update(approved_input={"amount": 200, "device": "lap"})
    assert "Price Asked for: 250 Approved as 200" in seen_by(grace, execution)


def test_a_result_is_rendered_to_be_read(acme: OrganizationRecord, grace: User) -> None:
    result = {
        "ticket_url": "https://desk.example/7",
        "user": {"mail": "ann@acme.example", "password": "REDACTED"},
        "devices": [{"name": "L1", "new": True}, {"name": "L2", "new": False}],
        "tags": ["a", "b"],
        "evil": "<img src=x onerror=alert(1)>",
        "script": "javascript:alert(1)",
        "receipt": {"fileId": str(uuid4()), "name": "receipt.pdf", "contentType": "application/pdf", "size": 3},
        "empty": None,
    }
    page = visit(grace).get(PAGE.format(make_request(acme, grace, result=result)))
    body, seen = page.content.decode(), text(page)
    assert '<a href="https://desk.example/7" rel="noopener noreferrer nofollow">' in body
    assert "New Name Yes L1 No L2" in seen and "Mail ann@acme.example Password Hidden" in seen
    assert "<img src=x" not in body and 'href="javascript' not in body
    assert f"/o/acme/files/{result['receipt']['fileId']}" in body
    assert "{" not in seen.partition("Result")[2].partition("Steps")[0]


@pytest.mark.parametrize("result", ["All done", 7, ["a"], [{"a": 1}], {"a": {"b": {"c": {"d": [1, {"e": 2}]}}}}, True])
def test_every_result_can_be_rendered(acme: OrganizationRecord, grace: User, result: Any) -> None:
    assert "Result" in seen_by(grace, make_request(acme, grace, result=result))


@pytest.mark.parametrize(
    ("name", "message", "shown"),
    [
        ("ValidationError", "The address is taken.", "The address is taken."),
        ("DeviceSoldOut", "No laptop is left.", "No laptop is left."),
        ("IntegrationError", "401 from https://graph.example", "A service that this depends on"),
        ("InternalServerError", "KeyError: x", "Something went wrong on our side"),
        ("ConfigurationError", "Secret graph_key is missing", "not fully set up"),
        ("TimeoutError", "Workflow exceeded timeout of 3 seconds", "took longer than it may"),
        ("WorkerLost", "The process web-1 is gone", "It was interrupted"),
        ("RecoveryLimitExceeded", "lost 3 times", "Something went wrong on our side"),
    ],
)
def test_an_error_is_told_with_a_reference_and_without_innards(
    acme: OrganizationRecord, grace: User, name: str, message: str, shown: str
) -> None:
    error = {"error": name, "message": message, "details": {"integration": "graph", "traceback": "File a.py"}}
    execution = make_request(acme, grace, status="Failed", error=error, result=None)
    make_events(acme, execution, ("error", name, {**error, "traceback": "File b.py"}))
    page = visit(grace).get(PAGE.format(execution))
    seen = text(page)
    assert shown in seen and str(execution)[-8:] in seen
    if shown != message:
        assert message not in seen
    assert name not in page.content.decode() and ".py" not in page.content.decode()


def test_a_rejection_says_who_and_why(acme: OrganizationRecord, grace: User) -> None:
    error = {"error": "Rejected", "message": "Rejected by Olga: no money", "details": {}}
    seen = seen_by(grace, make_request(acme, grace, status="Rejected", error=error, result=None))
    assert "It was not approved" in seen and "Rejected by Olga: no money" in seen


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


# --- cancel and ask again ---------------------------------------------------------------------------------------------


def waiting(acme: OrganizationRecord, person: User) -> UUID:
    execution = make_request(acme, person, status=Status.QUEUED, **{**GOING, "started_at": None})
    with shared_context():
        Dispatch.objects.create(
            execution=execution, organization=acme.id, workflow="request_equipment", status=Status.QUEUED
        )
    return execution


def test_one_is_asked_before_it_is_cancelled_and_a_get_cancels_nothing(acme: OrganizationRecord, grace: User) -> None:
    execution = waiting(acme, grace)
    client = visit(grace)
    assert PAGE.format(execution) + "/cancel" in client.get(PAGE.format(execution)).content.decode()
    assert "“Order a device” will be stopped" in text(client.get(PAGE.format(execution) + "/cancel"))
    with org_context(acme):
        assert Execution.objects.get(id=execution).status == "Queued"
    answer = client.post(PAGE.format(execution) + "/cancel")
    assert answer.headers["Location"] == PAGE.format(execution)
    seen = text(client.get(PAGE.format(execution)))
    assert "Cancelled at" in seen and "Cancelled by Grace." in seen
    # Once more, from another tab: nothing happens.
    for answer in (client.get(PAGE.format(execution) + "/cancel"), client.post(PAGE.format(execution) + "/cancel")):
        assert answer.headers["Location"] == PAGE.format(execution)


def test_who_may_only_look_cancels_nothing(acme: OrganizationRecord, grace: User) -> None:
    execution = waiting(acme, grace)
    viewer = visit(make_user(acme, "viewer"))
    assert "/cancel" not in viewer.get(PAGE.format(execution)).content.decode()
    assert viewer.get(PAGE.format(execution) + "/cancel").status_code == 403
    assert viewer.post(PAGE.format(execution) + "/cancel").status_code == 403
    with org_context(acme):
        assert Execution.objects.get(id=execution).status == "Queued"


def test_asking_again_leads_to_the_form_filled_in_as_it_was(acme: OrganizationRecord, grace: User) -> None:
    values = {"device": "lap", "amount": 250, "urgent": True, "pin": "4711", "source": "portal", "other": "x"}
    execution = make_request(acme, grace, input=values)
    client = visit(grace)
    assert PAGE.format(execution) + "/again" in client.get(PAGE.format(execution)).content.decode()
    answer = client.get(PAGE.format(execution) + "/again")
    assert answer.headers["Location"] == "/o/acme/forms/order-a-device?device=lap&amount=250&urgent=true"


def test_what_is_too_long_for_an_address_is_left_out(acme: OrganizationRecord, grace: User) -> None:
    items = [{"type": "field", "name": name, "label": name} for name in ("long", "short")]
    execution = make_request(acme, grace, items=items, input={"long": "ä" * 900, "short": "a&b=c"})
    location = visit(grace).get(PAGE.format(execution) + "/again").headers["Location"]
    assert location.endswith("/forms/order-a-device?short=a%26b%3Dc")


def test_what_no_form_started_cannot_be_asked_for_again(acme: OrganizationRecord, grace: User, olga: User) -> None:
    execution = make_execution(acme, **of_person(grace))
    client = visit(grace)
    assert "/again" not in client.get(PAGE.format(execution)).content.decode()
    assert client.get(PAGE.format(execution) + "/again").status_code == 404
    submit(acme, execution, grace)
    viewer = visit(make_user(acme, "viewer"))
    assert viewer.get(PAGE.format(execution) + "/again").status_code == 404, "who may fill in no form"


def test_cards_take_the_place_of_the_plain_result(
    acme: OrganizationRecord, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = {"key": None, "title": "Your laptop is on its way", "tone": "success", "text": "", "values": {}}
    card |= {"table": None, "columns": [], "links": [], "files": [], "moreRows": 0}
    monkeypatch.setattr(telling.cards, "cards_of", lambda *_: [card])
    seen = seen_by(grace, make_request(acme, grace, result={"raw": "value"}))
    assert "Your laptop is on its way" in seen and "raw" not in seen.lower()
