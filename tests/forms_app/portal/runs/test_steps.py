"""The page of a request says how far it is, and what it does and did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.workflows_app.approvals.rows import make_approval
from tests.workflows_app.rest.rows import make_events
from workflows_app.models import Approval, Execution

from .pages import GOING, PAGE, seen_by
from .rows import make_request, of_person, text, visit

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
