"""Whoever has asked is told once of what was decided, and of how the request has ended."""

from __future__ import annotations

import pytest
from django.core import mail
from django.utils import timezone
from uuid6 import uuid7

from forms_app.submitting import submit
from orgs import directory
from orgs.models import Membership, User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.forms_app.conftest import FormMaker, acting, record_of
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import make_approval, make_question, reread
from tests.workflows_app.rest.rows import make_execution
from workflows_app.alerts.sending import send_due
from workflows_app.approvals.deciding import decide
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval, Execution
from workflows_app.tidings import tell_due

from .conftest import approval_of, ask_by_form, make_ended, of, subjects, untold

pytestmark = pytest.mark.usefixtures("engine_stops")


# --- what was decided -------------------------------------------------------------------------------------------------


def ask_as(acme: OrganizationRecord, person: User, made: Approval) -> Approval:
    by = {"kind": "user", "id": str(person.id), "email": person.email, "name": person.name}
    with org_context(acme):
        Approval.objects.filter(id=made.id).update(requested_by=by, requester=f"user:{person.id}")
    return reread(acme, made)


@pytest.mark.parametrize(
    ("approve", "subject", "message"),
    [
        (True, "Approved: Pay the invoice", "Olga has approved “Pay the invoice”. It goes on now."),
        (False, "Not approved: Pay the invoice", "Olga has not approved “Pay the invoice”."),
    ],
)
def test_whoever_asked_hears_once_what_was_decided(
    acme: OrganizationRecord, grace: User, olga: User, approve: bool, subject: str, message: str
) -> None:
    made = ask_as(acme, grace, make_question(acme))
    decide(acme, made.id, acting(olga, "operator"), approve=approve, comment="As agreed")
    assert tell_due() == 1 and tell_due() == 0
    [notice] = of(acme, grace)
    assert notice.subject == subject and notice.message == f"{message}\nIt is part of “Pay”.\n\nAs agreed"
    assert send_due() == 1 and mail.outbox[0].to == ["grace@acme.example"]
    assert f"https://bifrost.msp.example/o/acme/requests/{made.execution_id}\n" in str(mail.outbox[0].body)


def test_an_approved_start_is_told_of_and_a_refused_one_only_by_its_end(
    acme: OrganizationRecord, make_form: FormMaker, grace: User, olga: User
) -> None:
    first = approval_of(acme, ask_by_form(acme, make_form, grace))
    second = approval_of(acme, ask_by_form(acme, make_form, grace))
    decide(acme, first.id, acting(olga, "operator"), approve=True)
    decide(acme, second.id, acting(olga, "operator"), approve=False, comment="Too dear")
    tell_due()
    assert sorted(subject for subject, _ in subjects(acme, grace)) == [
        "Approved: New laptop",
        "Not approved: New laptop",
    ]
    refused = next(each for each in of(acme, grace) if each.subject.startswith("Not"))
    assert "Rejected by Olga: Too dear" in refused.message


def test_a_refused_start_by_a_session_of_the_api_is_told_as_a_decision(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    made = ask_as(acme, grace, make_approval(acme, workflow="buy_hardware"))
    decide(acme, made.id, acting(olga, "operator"), approve=False)
    tell_due()
    assert subjects(acme, grace) == [("Not approved: Buy hardware", False)]


def test_programs_have_no_inbox(acme: OrganizationRecord, olga: User) -> None:
    made = make_question(acme, requester="token:1")
    with org_context(acme):
        Approval.objects.update(requested_by={"kind": "token", "id": "1", "email": "", "name": "CI"})
    decide(acme, made.id, acting(olga, "operator"), approve=True)
    assert tell_due() == 1 and notices(acme) == []


# --- requests that have ended -----------------------------------------------------------------------------------------


def test_whoever_filled_in_the_form_is_told_once_when_it_is_done(acme: OrganizationRecord, grace: User) -> None:
    execution = make_ended(acme, grace)
    assert tell_due() == 1 and tell_due() == 0
    [notice] = of(acme, grace)
    assert notice.subject == "Done: New laptop" and notice.message.startswith("What you asked for is done.")
    assert send_due() == 1
    body = str(mail.outbox[0].body)
    assert f"https://bifrost.msp.example/o/acme/requests/{execution}\n" in body and "greet" not in body


def test_one_that_still_runs_is_not_told_of(acme: OrganizationRecord, grace: User) -> None:
    execution = make_ended(acme, grace, status="Running")
    with shared_context():
        Dispatch.objects.create(execution=execution, organization=acme.id, workflow="greet", status="Running")
    assert tell_due() == 0 and untold() == [("request", False)]


def test_what_the_answer_says_needs_no_notice(acme: OrganizationRecord, make_form: FormMaker, grace: User) -> None:
    actor = acting(grace, "requester")
    form = record_of(acme, make_form(acme), actor)
    submit(acme, actor, form, {"message": "hi"}, uuid7())
    assert untold() == [] and tell_due() == 0 and notices(acme) == []


def test_what_did_not_work_is_told_at_once_without_internals(
    acme: OrganizationRecord, make_form: FormMaker, grace: User
) -> None:
    ask_by_form(acme, make_form, grace, "break_down")
    assert tell_due() == 1 and send_due() == 1
    [notice] = of(acme, grace)
    assert notice.subject == "Did not work: New laptop"
    assert "Something went wrong on our side." in notice.message and "Reference: " in notice.message
    for internal in ("10.0.0.7", "RuntimeError", "break_down", "Traceback"):
        assert internal not in str(mail.outbox[0].body)


@pytest.mark.parametrize(
    ("wish", "status", "seconds", "sent"),
    [
        ("", "Success", 90, 1),
        ("", "Success", 5, 0),  # before the person's eyes
        ("", "Failed", 5, 1),
        ("failed", "Success", 90, 0),
        ("failed", "CompletedWithErrors", 90, 0),
        ("failed", "Compensated", 90, 1),
        ("never", "Failed", 90, 0),
        ("never", "Success", 90, 0),
    ],
)
def test_the_person_says_of_which_ends_an_e_mail_tells(
    acme: OrganizationRecord, grace: User, wish: str, status: str, seconds: float, sent: int
) -> None:
    User.objects.filter(id=grace.id).update(request_emails=wish)
    make_ended(acme, grace, status=status, seconds=seconds)
    assert tell_due() == 1 and send_due() == sent
    assert len(of(acme, grace)) == 1, "the portal has it in any case"


def test_one_that_went_on_as_another_is_told_of_when_that_has_ended(acme: OrganizationRecord, grace: User) -> None:
    successor = make_execution(acme, status="Running", completed_at=None)
    with shared_context():
        Dispatch.objects.create(execution=successor, organization=acme.id, workflow="greet", status="Running")
    make_ended(acme, grace, continued_as=successor)
    tell_due()
    assert notices(acme) == [] and untold() == [("request", False)]
    with org_context(acme):
        Dispatch.objects.all().delete()
        Execution.objects.filter(id=successor).update(status="Success", completed_at=timezone.now())
    tell_due()
    [notice] = of(acme, grace)
    assert notice.execution == successor and untold() == []


def test_who_is_no_member_any_more_is_told_nothing(acme: OrganizationRecord, grace: User) -> None:
    make_ended(acme, grace)
    Membership.objects.filter(user=grace).delete()
    directory.forget()
    assert tell_due() == 1 and notices(acme) == []
