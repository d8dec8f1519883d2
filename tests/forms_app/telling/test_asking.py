"""People are told once of what is asked of them, until it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from forms_app import telling
from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from tests.forms_app.conftest import FormMaker, acting
from tests.forms_app.portal.runs.rows import text, visit
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import make_approval, make_question, reread
from workflows_app import tidings
from workflows_app.alerts.sending import send_due
from workflows_app.approvals.deciding import decide
from workflows_app.approvals.expiring import expire_due
from workflows_app.approvals.withdrawing import withdraw
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval
from workflows_app.tidings import Kind, tell_due

from .conftest import approval_of, ask_by_form, asked, of, subjects, untold

pytestmark = pytest.mark.usefixtures("engine_stops")


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
