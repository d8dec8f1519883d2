"""People are told once of what is asked of them, of what was decided, and of how their requests have ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.utils import timezone
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app import telling
from forms_app.models import Form, FormVersion, Submission
from forms_app.public import stranger
from forms_app.submitting import submit
from orgs import directory
from orgs.models import Membership, User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from tests.forms_app.portal.people import at_host
from tests.forms_app.portal.runs.rows import text, visit
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import make_approval, make_question, reread
from tests.workflows_app.rest.rows import make_execution
from workflows_app import executions, tidings
from workflows_app.alerts.models import Notice
from workflows_app.alerts.sending import send_due
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.expiring import expire_due
from workflows_app.approvals.withdrawing import withdraw
from workflows_app.dispatch.models import Dispatch, Tiding
from workflows_app.models import Approval, Execution
from workflows_app.tidings import Kind, tell_due

from .conftest import FormMaker, Workspace, acting, record_of, submissions

SOURCE = """
    @workflow(requires_approval=True)
    async def buy_hardware(context, item: str):
        return item

    @workflow
    async def break_down(context, item: str):
        raise RuntimeError("connection to 10.0.0.7 refused")
"""
pytestmark = pytest.mark.usefixtures("engine_stops")


@pytest.fixture(autouse=True)
def workflows(samples: Workspace, settings: Any) -> None:
    samples.add(SOURCE, "workflows/hardware.py")
    settings.ALERTS = {**settings.ALERTS, "public_url": "https://bifrost.msp.example"}


@pytest.fixture
def grace(acme: OrganizationRecord) -> User:
    return make_user(acme, "requester", email="grace@acme.example", name="Grace")


@pytest.fixture
def olga(acme: OrganizationRecord) -> User:
    return make_user(acme, "operator", email="olga@acme.example", name="Olga")


@pytest.fixture
def own_host(acme: OrganizationRecord) -> str:
    return at_host(acme)


def ask_by_form(acme: OrganizationRecord, make_form: FormMaker, person: User, workflow: str = "buy_hardware") -> UUID:
    """The person fills in the form that is called New laptop; the execution's id."""
    form = make_form(acme, workflow, name="New laptop")
    actor = acting(person, "requester")
    done = submit(acme, actor, record_of(acme, form, actor), {"item": "X1"}, uuid7())
    assert done.outcome is not None
    return UUID(done.outcome.execution_id)


def approval_of(acme: OrganizationRecord, execution: UUID) -> Approval:
    with org_context(acme):
        return Approval.objects.get(execution=execution)


def of(organization: OrganizationRecord, person: User) -> list[Notice]:
    return [each for each in notices(organization) if each.recipient == f"user:{person.id}"]


def subjects(organization: OrganizationRecord, person: User) -> list[tuple[str, bool]]:
    """Of the person's notices, and whether each was read."""
    return [(each.subject, each.read_at is not None) for each in of(organization, person)]


def untold() -> list[tuple[str, bool]]:
    with shared_context():
        return list(Tiding.objects.order_by("id").values_list("kind", "told"))


def asked(acme: OrganizationRecord, approval: Approval) -> Approval:
    """Noted as a run or a start notes it, and told."""
    tidings.note(acme, Kind.APPROVAL, approval.id, approval.execution_id)
    tell_due()
    return reread(acme, approval)


# --- approvals that are asked for -------------------------------------------------------------------------------------


def test_those_who_may_decide_are_told_once_in_plain_words(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker, grace: User, olga: User
) -> None:
    ann = make_user(acme, "owner", email="ann@acme.example")
    for organization, role in ((acme, "viewer"), (acme, "requester"), (globex, "operator")):
        make_user(organization, role)
    make_user(acme, "operator", is_active=False)
    execution = ask_by_form(acme, make_form, grace)
    assert tell_due() == 1 and tell_due() == 0

    approval = approval_of(acme, execution)
    assert {each.recipient for each in notices(acme)} == {f"user:{olga.id}", f"user:{ann.id}"}
    assert notices(globex) == [] and approval.told == {"people": 2, "of": 2}
    [notice] = of(acme, olga)
    assert notice.subject == "To approve: New laptop, for Grace"
    assert notice.message.startswith("Grace asks you to approve “New laptop”.\nIt can be decided until ")
    assert send_due() == 2 and send_due() == 0
    assert sorted(letter.to[0] for letter in mail.outbox) == ["ann@acme.example", "olga@acme.example"]
    body = str(mail.outbox[0].body)
    assert f"https://bifrost.msp.example/o/acme/approvals/{approval.id}\n" in body
    assert "buy_hardware" not in body and "Execution" not in body and "X1" not in body


def test_the_link_leads_to_the_organizations_own_host(
    acme: OrganizationRecord, olga: User, own_host: str, settings: Any
) -> None:
    settings.ALERTS = {**settings.ALERTS, "public_url": "https://bifrost.msp.example:8443/"}
    approval = asked(acme, make_question(acme))
    send_due()
    assert f"https://{own_host}:8443/approvals/{approval.id}\n" in str(mail.outbox[0].body)


def test_without_a_mail_server_it_is_in_the_portal_alone(acme: OrganizationRecord, olga: User, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    asked(acme, make_question(acme))
    [notice] = of(acme, olga)
    assert notice.deliveries == {} and send_due() == 0


def test_a_question_in_the_middle_says_what_it_is_part_of(acme: OrganizationRecord, olga: User) -> None:
    asked(acme, make_question(acme, message="It is due on Friday."))
    [notice] = of(acme, olga)
    assert notice.subject == "To approve: Pay the invoice, for Grace"
    assert notice.message.endswith("It is part of “Pay”.\n\nIt is due on Friday.")


def test_of_those_who_are_named_only_people_who_get_in_are_told_and_never_the_requester(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord, grace: User, olga: User
) -> None:
    eve = make_user(globex, "owner", email="eve@globex.example")
    max_ = make_user(msp, "technician", email="max@msp.example", organizations=(acme,))
    tom = make_user(msp, "technician", email="tom@msp.example", organizations=(globex,))
    named = [grace.email, olga.email, eve.email, max_.email, tom.email, "nobody@acme.example"]
    by = {"kind": "user", "id": str(grace.id), "email": grace.email, "name": "Grace"}
    made = make_question(acme, permission="", approvers=named)
    with org_context(acme):
        Approval.objects.filter(id=made.id).update(requested_by=by, requester=f"user:{grace.id}")
    assert asked(acme, made).told == {"people": 2, "of": 2}
    assert {each.recipient for each in notices(acme)} == {f"user:{olga.id}", f"user:{max_.id}"}


def test_whoever_has_asked_is_not_told_also_where_she_may_decide_for_others(
    acme: OrganizationRecord, olga: User
) -> None:
    """The address is the person: it was asked for by a token of hers."""
    made = make_question(acme, requester="token:1")
    with org_context(acme):
        by = {"kind": "token", "id": "1", "email": "Olga@acme.example", "name": "CI"}
        Approval.objects.filter(id=made.id).update(requested_by=by)
    assert asked(acme, made).told == {"people": 0, "of": 0} and notices(acme) == []


def test_where_nobody_of_the_organization_may_the_staff_with_that_scope_is_told(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    max_ = make_user(msp, "technician", organizations=(acme,))
    make_user(msp, "technician", organizations=(globex,))
    make_user(msp, "auditor", all_organizations=True)
    assert asked(acme, make_question(acme)).told == {"people": 1, "of": 1}
    assert len(of(acme, max_)) == len(notices(acme)) == 1


def test_of_very_many_some_are_told_and_the_approval_says_so(
    acme: OrganizationRecord, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_TOLD", 2)
    others = [make_user(acme, "operator") for _ in range(2)]
    approval = asked(acme, make_question(acme))
    assert approval.told == {"people": 2, "of": 3} and of(acme, others[1]) == []
    page = text(visit(olga).get(f"/o/acme/approvals/{approval.id}"))
    assert "Told of it 2 of the 3 people who may decide" in page


def test_what_was_decided_before_anybody_was_told_asks_nobody(
    acme: OrganizationRecord, grace: User, olga: User
) -> None:
    made = make_approval(acme)
    tidings.note(acme, Kind.APPROVAL, made.id, made.execution_id)
    decide(acme, made.id, acting(olga, "operator"), approve=True)
    tell_due()
    assert of(acme, olga) == [] and untold() == []


# --- an approval that is over -----------------------------------------------------------------------------------------


def test_a_decision_marks_its_notices_as_read_for_everybody(acme: OrganizationRecord, olga: User) -> None:
    ann = make_user(acme, "owner")
    made, other = asked(acme, make_approval(acme)), asked(acme, make_question(acme))
    decide(acme, made.id, acting(olga, "operator"), approve=True)
    for person in (olga, ann):
        assert [(each.approval, each.read_at is not None) for each in of(acme, person)] == [
            (made.id, True),
            (other.id, False),
        ]


def test_so_does_a_withdrawal(acme: OrganizationRecord, olga: User) -> None:
    made = asked(acme, make_approval(acme))
    assert withdraw(acme, made.execution_id, acting(olga, "operator"))
    assert [read for _, read in subjects(acme, olga)] == [True]


def test_so_does_the_end_of_its_time(acme: OrganizationRecord, olga: User) -> None:
    made = asked(acme, make_approval(acme))
    with shared_context():
        Dispatch.objects.update(run_at=timezone.now() - timedelta(minutes=1))
    assert expire_due() == 1 and reread(acme, made).state == "expired"
    assert [read for _, read in subjects(acme, olga)] == [True]


def test_so_does_the_end_of_the_run_that_asked(acme: OrganizationRecord, olga: User) -> None:
    made = asked(acme, make_question(acme))
    assert untold() == [("approval", True)] and tell_due() == 0
    with org_context(acme):  # as the statement does that ends a run
        Approval.objects.filter(id=made.id).update(state="withdrawn")
        Dispatch.objects.filter(execution=made.execution_id).delete()
    assert tell_due() == 1 and untold() == []
    assert [read for _, read in subjects(acme, olga)] == [True]


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


def make_ended(acme: OrganizationRecord, person: User, *, seconds: float = 90, **fields: Any) -> UUID:
    """A request by the form New laptop that a worker has ended just now."""
    created = timezone.now() - timedelta(seconds=seconds)
    times = {"created_at": created, "started_at": created, "completed_at": timezone.now()}
    execution = make_execution(acme, **{**times, **fields})
    note_request(acme, person, execution)
    return execution


def note_request(acme: OrganizationRecord, person: User, execution: UUID | None, **fields: Any) -> UUID:
    by = {"kind": "user", "id": str(person.id), "email": person.email, "name": person.name}
    columns = {"form": uuid7(), "slug": "new-laptop", "name": "New laptop", "actor": f"user:{person.id}", **fields}
    with org_context(acme):
        version = FormVersion.objects.create(form=columns["form"], number=1, items=[], saved_by=by)
        made = Submission.objects.create(
            id=uuid7(), version=version, submitted_by=by, digest="d", execution=execution, **columns
        )
    tidings.note(acme, Kind.REQUEST, made.id)
    if execution is not None:
        tidings.started(made.id, execution)
    return made.id


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


# --- processes that die -----------------------------------------------------------------------------------------------


def later() -> None:
    with shared_context():
        Tiding.objects.update(at=timezone.now() - timedelta(minutes=11))


def test_whoever_dies_while_telling_has_told_nobody_and_the_next_turn_does(
    acme: OrganizationRecord, globex: OrganizationRecord, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_question(acme)
    tidings.note(acme, Kind.APPROVAL, made.id, made.execution_id)
    elsewhere = make_ended(globex, make_user(globex, "requester"))
    with monkeypatch.context() as patched:
        patched.setattr(telling, "replace", lambda *_, **__: 1 / 0)  # after the notices were left
        assert tell_due() == 1
    assert notices(acme) == [] and [each.execution for each in notices(globex)] == [elsewhere]
    assert tell_due() == 1 and len(of(acme, olga)) == 1


def test_a_process_that_dies_between_start_and_answer_leaves_nobody_untold(
    acme: OrganizationRecord, make_form: FormMaker, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(tidings, "started", lambda *_: 1 / 0)
        ask_by_form(acme, make_form, grace, "break_down")
    [lost] = submissions(acme)
    assert lost.execution is None and tell_due() == 0
    later()
    assert tell_due() == 2 and tell_due() == 0
    [found] = submissions(acme)
    [notice] = of(acme, grace)
    assert found.execution == notice.execution and notice.subject == "Did not work: New laptop"


def test_a_submission_that_was_refused_is_forgotten(
    acme: OrganizationRecord, make_form: FormMaker, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValidationError("Not now.")

    with monkeypatch.context() as patched, pytest.raises(ValidationError):
        patched.setattr(executions, "submit", refuse)
        ask_by_form(acme, make_form, grace)
    assert untold() == [("request", False)] and tell_due() == 0
    later()
    assert tell_due() == 1 and untold() == [] and notices(acme) == []


def test_a_click_after_a_refusal_counts_from_then(acme: OrganizationRecord, grace: User) -> None:
    submission = note_request(acme, grace, None)
    later()
    tidings.note(acme, Kind.REQUEST, submission)
    assert tell_due() == 0 and untold() == [("request", False)]


def test_a_stranger_at_a_public_link_is_told_nothing(acme: OrganizationRecord, make_form: FormMaker) -> None:
    actor: Actor = acting(make_user(acme, "requester"), "requester")
    form = record_of(acme, make_form(acme, "later"), actor)
    submit(acme, stranger(form), form, {"message": "hi"}, uuid7())
    assert untold() == []
    with org_context(acme):
        assert Form.objects.count() == 1


def test_what_belongs_to_an_organization_that_is_gone_goes_too(acme: OrganizationRecord) -> None:
    with shared_context():
        Tiding.objects.create(organization=uuid7(), kind=Kind.DECISION, item=uuid7(), execution=uuid7())
    assert tell_due() == 1 and untold() == []
