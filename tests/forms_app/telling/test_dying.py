"""Whatever dies on the way, everybody is told once; and nobody of what is no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from uuid6 import uuid7

from bifrost.sdk.errors import ValidationError
from forms_app import telling
from forms_app.models import Form
from forms_app.public import stranger
from forms_app.submitting import submit
from orgs.models import User
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context, shared_context
from tests.factories import make_user
from tests.forms_app.conftest import FormMaker, acting, record_of, submissions
from tests.workflows_app.alerts.rows import notices
from tests.workflows_app.approvals.rows import make_question
from workflows_app import executions, tidings
from workflows_app.dispatch.models import Tiding
from workflows_app.tidings import Kind, tell_due

from .conftest import ask_by_form, make_ended, note_request, of, untold

pytestmark = pytest.mark.usefixtures("engine_stops")


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
