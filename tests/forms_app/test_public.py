"""Strangers fill in a form by its link, as long as it is good, and learn no more than that it was taken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import signing
from django.utils import timezone
from uuid6 import uuid7

from bifrost.sdk.errors import DeclarationError, ValidationError
from forms_app import public, submitting, versions
from forms_app.errors import SubmissionTaken, TooManySubmissions, UnknownForm
from forms_app.models import Form
from forms_app.public import form_of, open_link, submit_public, token_of
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.audit_log import log
from tests.factories import change
from workflows_app.checks.running import Finding

from .conftest import BUILDER, MESSAGE, FormMaker, executions, submissions

HELLO = {"message": "hello"}
HIDDEN = {"type": "field", "name": "times", "kind": "number", "rules": {"whole": True}, "mode": "hidden", "default": 1}


def tomorrow() -> Any:
    return timezone.now() + timedelta(days=1)


@pytest.fixture
def link(acme: OrganizationRecord, make_form: FormMaker) -> str:
    made = make_form(acme, slug="ask-us")
    return open_link(acme, made, BUILDER, until=tomorrow(), per_hour=3)


def form_id(organization: OrganizationRecord) -> Any:
    with org_context(organization):
        return Form.objects.values_list("id", flat=True).get()


def test_no_form_has_a_link_until_one_is_opened(acme: OrganizationRecord, make_form: FormMaker) -> None:
    made = make_form(acme)
    assert token_of(acme, made) is None
    guessed = signing.Signer(salt=public.SALT).sign_object([acme.id.hex, made.hex, 0])
    with pytest.raises(UnknownForm):
        form_of(guessed)


def test_a_link_leads_to_its_form(acme: OrganizationRecord, link: str) -> None:
    organization, form = form_of(link)
    assert (organization.id, form.slug) == (acme.id, "ask-us")
    assert token_of(acme, form.id) == link


@pytest.mark.usefixtures("engine_stops")
def test_a_stranger_submits_and_learns_only_that_it_was_taken(acme: OrganizationRecord, link: str) -> None:
    id_ = uuid7()
    done = submit_public(link, HELLO, id_)
    again = submit_public(link, HELLO, id_)
    assert done.outcome == again.outcome and done.outcome is not None
    assert (done.outcome.status, done.outcome.result, done.outcome.error) == ("Success", None, None)
    [execution], [submission] = executions(acme), submissions(acme)
    assert execution.executed_by == {"kind": "public", "id": str(submission.form), "email": "", "name": "Public link"}
    assert execution.result == {"text": "HELLO"}
    with pytest.raises(SubmissionTaken):
        submit_public(link, {"message": "other"}, id_)


# --- dead links -------------------------------------------------------------------------------------------------------


def expire(organization: OrganizationRecord, link: str) -> str:
    with org_context(organization):
        Form.objects.update(public_until=timezone.now() - timedelta(seconds=1))
    return link


def end(organization: OrganizationRecord, link: str) -> str:
    public.end_link(organization, form_id(organization), BUILDER)
    return link


def replace(organization: OrganizationRecord, link: str) -> str:
    open_link(organization, form_id(organization), BUILDER, until=tomorrow())
    return link


def withdraw(organization: OrganizationRecord, link: str) -> str:
    versions.withdraw(organization, form_id(organization), BUILDER)
    return link


def delete(organization: OrganizationRecord, link: str) -> str:
    versions.delete(organization, form_id(organization), BUILDER)
    return link


def suspend(organization: OrganizationRecord, link: str) -> str:
    change(organization, status="suspended")
    return link


def get_a_provider(organization: OrganizationRecord, link: str) -> str:
    """By whatever way: the link is looked at again when it is used."""
    colour = {"type": "field", "name": "colour", "kind": "choice", "provider": "colours"}
    with org_context(organization):
        form = Form.objects.get()
        form.version = 9
        form.save()
        versions.FormVersion.objects.create(form=form.id, number=9, items=[MESSAGE, colour], saved_by={})
    return link


def tamper(organization: OrganizationRecord, link: str) -> str:
    body, _, signature = link.partition(":")
    return f"{body[:-2]}{'A' if body[-2] != 'A' else 'B'}{body[-1]}:{signature}"


def forge(organization: OrganizationRecord, link: str) -> str:
    return signing.Signer(key="another", salt=public.SALT).sign_object(
        [organization.id.hex, form_id(organization).hex, 1]
    )


def use_another_purpose(organization: OrganizationRecord, link: str) -> str:
    return signing.Signer(salt="password reset").sign_object([organization.id.hex, form_id(organization).hex, 1])


def name_nobody(organization: OrganizationRecord, link: str) -> str:
    return signing.Signer(salt=public.SALT).sign_object([uuid4().hex, form_id(organization).hex, 1])


DEATHS = (
    expire,
    end,
    replace,
    withdraw,
    delete,
    suspend,
    get_a_provider,
    tamper,
    forge,
    use_another_purpose,
    name_nobody,
    lambda *_: "",
    lambda *_: "a" * 100_000,
    lambda *_: "\0:\0:\0",
    lambda *_: "' OR 1=1 --",
)


@pytest.mark.parametrize("death", DEATHS)
def test_a_link_that_is_not_good_is_no_form(acme: OrganizationRecord, link: str, death: Any) -> None:
    """The same words whatever the reason, for looking and for submitting."""
    assert form_of(link)
    dead = death(acme, link)
    for attempt in (lambda: form_of(dead), lambda: submit_public(dead, HELLO, uuid7())):
        with pytest.raises(UnknownForm, match=r"There is no such form\."):
            attempt()
    assert executions(acme) == submissions(acme) == []


def test_a_link_of_another_organization_s_form_is_no_form(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker
) -> None:
    made = make_form(globex)
    with pytest.raises(UnknownForm):
        open_link(acme, made, BUILDER, until=tomorrow())
    open_link(globex, made, BUILDER, until=tomorrow())
    with pytest.raises(UnknownForm):
        token_of(acme, made)
    with pytest.raises(UnknownForm):
        form_of(signing.Signer(salt=public.SALT).sign_object([acme.id.hex, made.hex, 1]))


# --- what strangers are not given -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workflow", "items", "reason"),
    [
        ("paint", None, "data provider"),
        ("attach", [{"type": "field", "name": "document", "kind": "file"}], "takes files"),
        ("guarded", None, "permission"),
        ("internal", None, "not exposed"),
        (
            "order",
            [
                {
                    "type": "field",
                    "name": "lines",
                    "kind": "group",
                    "fields": [{"name": "colour", "kind": "choice", "provider": "colours"}],
                }
            ],
            "data provider",
        ),
    ],
)
def test_such_a_form_gets_no_link(
    acme: OrganizationRecord, make_form: FormMaker, workflow: str, items: Any, reason: str
) -> None:
    made = make_form(acme, workflow, items=items)
    with pytest.raises(DeclarationError, match=reason):
        open_link(acme, made, BUILDER, until=tomorrow())
    assert token_of(acme, made) is None


def test_a_form_with_a_link_gets_no_options(acme: OrganizationRecord, link: str) -> None:
    options = {"type": "field", "name": "colour", "kind": "choice", "provider": "colours", "sent": False}
    with pytest.raises(DeclarationError, match="no public link"):
        versions.save(acme, form_id(acme), [MESSAGE, options], expected=1, actor=BUILDER)
    public.end_link(acme, form_id(acme), BUILDER)
    assert versions.save(acme, form_id(acme), [MESSAGE, options], expected=1, actor=BUILDER) == 2


@pytest.mark.parametrize(("seconds", "per_hour"), [(-1, 5), (60, 0), (60, 1_001)])
def test_a_link_has_an_end_and_a_limit(
    acme: OrganizationRecord, make_form: FormMaker, seconds: int, per_hour: int
) -> None:
    made = make_form(acme)
    with pytest.raises(DeclarationError):
        open_link(acme, made, BUILDER, until=timezone.now() + timedelta(seconds=seconds), per_hour=per_hour)


# --- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine_stops")
def test_only_so_many_submissions_an_hour_are_taken(acme: OrganizationRecord, link: str) -> None:
    first = uuid7()
    submit_public(link, HELLO, first)
    for _ in range(5):  # clicks of one page, and what is refused at once, count no further
        submit_public(link, HELLO, first)
        with pytest.raises(ValidationError):
            submit_public(link, {}, uuid7())
    submit_public(link, HELLO, uuid7())
    submit_public(link, HELLO, uuid7())
    with pytest.raises(TooManySubmissions) as refused:
        submit_public(link, HELLO, uuid7())
    assert refused.value.status_code == 429
    assert 3_500 < int(refused.value.headers["Retry-After"]) <= 3_600
    assert len(executions(acme)) == len(submissions(acme)) == 3
    assert submit_public(link, HELLO, first).outcome is not None


def test_checks_of_strangers_are_limited_too(
    acme: OrganizationRecord, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check may ask outside services, so it is no way to make us ask them without end."""
    asked: list[int] = []

    def warn(*_: Any) -> list[Finding]:
        asked.append(1)
        return [Finding("warn", "Really?", "really")]

    monkeypatch.setattr(submitting, "run_checks", warn)
    for _ in range(3 * public.LOOKS):
        assert submit_public(link, HELLO, uuid7()).outcome is None
    with pytest.raises(TooManySubmissions):
        submit_public(link, HELLO, uuid7())
    assert len(asked) == 3 * public.LOOKS


@pytest.mark.usefixtures("engine_stops")
def test_what_is_confirmed_counts_once(acme: OrganizationRecord, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "run_checks", lambda *_: [Finding("warn", "Really?", "really")])
    for _ in range(3):
        id_ = uuid7()
        assert submit_public(link, HELLO, id_).outcome is None
        assert submit_public(link, HELLO, id_, confirmed=True).outcome is not None
    assert len(executions(acme)) == 3


def test_the_audit_log_tells_who_opened_and_ended_a_link(acme: OrganizationRecord, link: str) -> None:
    made = form_id(acme)
    public.end_link(acme, made, BUILDER)
    assert log("form.open_link", "form.end_link") == [
        ("form.open_link", f"form:{made}", "Bea"),
        ("form.end_link", f"form:{made}", "Bea"),
    ]
