"""A submission is checked, becomes one execution, and keeps the form as it was."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from uuid6 import uuid7

from bifrost.sdk.errors import PermissionError, ValidationError
from forms_app import versions
from forms_app.catalog import FormRecord, form_for
from forms_app.errors import SubmissionTaken
from forms_app.models import Form, FormVersion
from forms_app.submitting import submit
from orgs.permissions import EVERYTHING, SUBMIT_FORMS
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_actor, make_user
from workflows_app import catalog, executions
from workflows_app.errors import PlatformUnavailable
from workflows_app.executions import Outcome, Start

from .conftest import (
    BUILDER,
    HELLO,
    MESSAGE,
    FormMaker,
    Workspace,
    acting,
    finished,
    record_of,
    submissions,
    wrong_fields,
)
from .conftest import executions as executions_of

pytestmark = pytest.mark.usefixtures("engine_stops")


# --- what a submission starts -----------------------------------------------------------------------------------------


def test_a_requester_starts_the_workflow_by_its_form(
    acme: OrganizationRecord, form: FormRecord, requester: Actor
) -> None:
    id_ = uuid7()
    outcome = finished(submit(acme, requester, form, HELLO, id_))
    assert (outcome.status, outcome.result) == ("Success", {"text": "HELLO"})

    [execution], [submission] = executions_of(acme), submissions(acme)
    assert execution.trigger == {"type": "form", "formId": str(form.id), "submissionId": str(id_)}
    assert execution.executed_by["id"] == requester.id
    assert (submission.id, submission.execution, submission.form) == (id_, execution.id, form.id)
    assert (submission.slug, submission.name, submission.version.number) == ("greet", "Greet", 1)
    assert submission.submitted_by["email"] == requester.email


def test_an_async_workflow_is_queued_before_what_starts_by_itself(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "later"), requester)
    assert finished(submit(acme, requester, form, HELLO, uuid7())).status == "Queued"


def test_fields_that_only_decide_and_hidden_ones_reach_the_workflow_as_the_form_says(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    loud = {"type": "field", "name": "loud", "kind": "checkbox", "sent": False}
    times = {
        "type": "field",
        "name": "times",
        "kind": "number",
        "rules": {"whole": True},
        "mode": "hidden",
        "default": 2,
    }
    form = record_of(acme, make_form(acme, items=[loud, MESSAGE, times]), requester)

    assert finished(submit(acme, requester, form, {**HELLO, "loud": True}, uuid7())).result == {"text": "HELLOHELLO"}
    assert executions_of(acme)[0].input == {"message": "hello", "times": 2}
    with pytest.raises(ValidationError) as refused:
        submit(acme, requester, form, {**HELLO, "times": 9}, uuid7())
    assert wrong_fields(refused) == {"times": "cannot be changed"}


def test_a_secret_is_nowhere_in_the_clear(acme: OrganizationRecord, make_form: FormMaker, requester: Actor) -> None:
    form = record_of(acme, make_form(acme, "keep"), requester)
    submit(acme, requester, form, {"password": "correct-horse"}, uuid7())
    with org_context(acme):
        rows = [*Form.objects.values(), *FormVersion.objects.values()]
    kept = [str(vars(each)) for each in (*submissions(acme), *executions_of(acme))]
    assert "correct-horse" not in " ".join([*kept, str(rows)])


def test_a_program_may_submit_too(acme: OrganizationRecord, form: FormRecord) -> None:
    program = make_actor(SUBMIT_FORMS, kind="token")
    assert finished(submit(acme, program, form, HELLO, uuid7())).status == "Success"


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "message"),
        ({"message": ""}, "message"),
        ({"message": 5}, "message"),
        ({"message": "hi", "times": "many"}, "times"),
        ({"message": "hi", "surplus": 1}, "surplus"),
        ({"message": ["hi"]}, "message"),
    ],
)
def test_bad_values_start_nothing(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        submit(acme, requester, form, values, uuid7())
    assert field in wrong_fields(refused)
    assert submissions(acme) == executions_of(acme) == []


def test_the_page_comes_again_with_the_same_id_once_the_values_are_right(
    acme: OrganizationRecord, form: FormRecord, requester: Actor
) -> None:
    id_ = uuid7()
    with pytest.raises(ValidationError):
        submit(acme, requester, form, {}, id_)
    assert finished(submit(acme, requester, form, HELLO, id_)).status == "Success"


@pytest.mark.parametrize("workflow", ["internal", "nightly"])
def test_a_workflow_that_is_not_open_to_forms_is_refused_also_to_those_who_may_everything(
    acme: OrganizationRecord, make_form: FormMaker, workflow: str
) -> None:
    owner = make_actor(EVERYTHING)
    owner = Actor("token", "t-1", "", "Owner", owner.permissions)
    form = record_of(acme, make_form(acme, workflow, items=[MESSAGE]), owner)
    with pytest.raises(PermissionError, match=r"not exposed|no form starts it"):
        submit(acme, owner, form, HELLO, uuid7())
    assert submissions(acme) == executions_of(acme) == []


def test_a_workflow_s_own_permission_still_counts(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor
) -> None:
    form = record_of(acme, make_form(acme, "guarded"), requester)
    with pytest.raises(PermissionError, match="canManageMembers"):
        submit(acme, requester, form, {}, uuid7())
    admin = acting(make_user(acme, "admin"), "admin")
    assert finished(submit(acme, admin, form, {}, uuid7())).status == "Success"


def test_a_form_without_its_workflow_says_so(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, samples: Workspace
) -> None:
    (samples.directory / "workflows/examples.py").unlink()
    catalog.refresh()
    with pytest.raises(PlatformUnavailable, match="not there"):
        submit(acme, requester, form, HELLO, uuid7())


# --- once -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workflow", ["greet", "later"])
def test_ten_clicks_at_once_are_one_execution(
    acme: OrganizationRecord, make_form: FormMaker, requester: Actor, workflow: str
) -> None:
    form = record_of(acme, make_form(acme, workflow), requester)
    id_, together = uuid7(), threading.Barrier(10)
    outcomes: list[Outcome | Exception] = []

    def click() -> None:
        together.wait()
        try:
            outcomes.append(finished(submit(acme, requester, form, HELLO, id_)))
        except Exception as error:  # noqa: BLE001  the test looks at it
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=click) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    [execution], [submission] = executions_of(acme), submissions(acme)
    assert [getattr(outcome, "execution_id", outcome) for outcome in outcomes] == [str(execution.id)] * 10
    assert submission.execution == execution.id


def test_a_later_click_answers_with_the_same_run_also_where_the_form_has_changed(
    acme: OrganizationRecord, form: FormRecord, requester: Actor
) -> None:
    id_ = uuid7()
    first = finished(submit(acme, requester, form, HELLO, id_))
    colour = {"type": "field", "name": "colour", "kind": "text", "required": True, "sent": False}
    versions.save(acme, form.id, [colour, MESSAGE], expected=1, actor=BUILDER)
    again = finished(submit(acme, requester, form_for(acme, form.slug, requester), HELLO, id_))
    assert (again.execution_id, again.result) == (first.execution_id, first.result)
    assert len(executions_of(acme)) == 1


def test_other_values_under_a_used_id_are_refused_rather_than_lost(
    acme: OrganizationRecord, form: FormRecord, requester: Actor
) -> None:
    """The back button, and something else typed into the old page."""
    id_ = uuid7()
    first = finished(submit(acme, requester, form, HELLO, id_))
    with pytest.raises(SubmissionTaken, match="submitted already") as refused:
        submit(acme, requester, form, {"message": "something else"}, id_)
    assert refused.value.details == {"executionId": first.execution_id}
    assert len(executions_of(acme)) == 1


def test_an_id_belongs_to_its_person_its_form_and_its_organization(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker, form: FormRecord, requester: Actor
) -> None:
    id_ = uuid7()
    submit(acme, requester, form, HELLO, id_)
    other = record_of(acme, make_form(acme), requester)
    colleague = acting(make_user(acme, "requester"), "requester")
    for actor, asked in ((colleague, form), (requester, other)):
        with pytest.raises(SubmissionTaken) as refused:
            submit(acme, actor, asked, HELLO, id_)
        assert refused.value.details == {}  # whose it is, and what it started, is not told
    assert len(executions_of(acme)) == 1

    theirs = record_of(globex, make_form(globex), requester)
    assert finished(submit(globex, requester, theirs, HELLO, id_)).execution_id != str(executions_of(acme)[0].id)


@pytest.mark.parametrize("values", [HELLO, {"message": "corrected"}])
def test_a_crash_before_the_execution_is_healed_by_the_next_click(
    acme: OrganizationRecord,
    form: FormRecord,
    requester: Actor,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, Any],
) -> None:
    id_ = uuid7()

    def crash(start: Start) -> Outcome:
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(executions, "submit", crash)
        submit(acme, requester, form, HELLO, id_)
    assert [each.execution for each in submissions(acme)] == [None]

    outcome = finished(submit(acme, requester, form, values, id_))
    assert outcome.result == {"text": values["message"].upper()}
    assert [each.execution for each in submissions(acme)] == [UUID(outcome.execution_id)]


def test_a_crash_behind_the_execution_is_healed_without_a_second_one(
    acme: OrganizationRecord, form: FormRecord, requester: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_, real = uuid7(), executions.submit

    def crash(start: Start) -> Outcome:
        real(start)
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(executions, "submit", crash)
        submit(acme, requester, form, HELLO, id_)
    [execution] = executions_of(acme)

    with pytest.raises(SubmissionTaken) as refused:
        submit(acme, requester, form, {"message": "other"}, id_)
    assert refused.value.details == {"executionId": str(execution.id)}
    assert finished(submit(acme, requester, form, HELLO, id_)).execution_id == str(execution.id)
    assert len(executions_of(acme)) == 1
    assert [each.execution for each in submissions(acme)] == [execution.id]


# --- the form as it was -----------------------------------------------------------------------------------------------


def test_a_submission_keeps_its_version_after_changes_and_after_the_form_is_gone(
    acme: OrganizationRecord, form: FormRecord, requester: Actor
) -> None:
    submit(acme, requester, form, HELLO, uuid7())
    versions.save(acme, form.id, [{**MESSAGE, "label": "Another"}], expected=1, actor=BUILDER)
    submit(acme, requester, form_for(acme, form.slug, requester), HELLO, uuid7())
    versions.delete(acme, form.id, BUILDER)
    first, second = submissions(acme)
    assert (first.version.number, second.version.number) == (1, 2)
    assert second.version.items[0]["label"] == "Another" != first.version.items[0]["label"]
    assert first.name == "Greet"


def test_an_msp_s_form_leaves_its_version_with_the_customer_and_nothing_with_the_msp(
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
    make_form: FormMaker,
    requester: Actor,
) -> None:
    made = make_form(msp, shared_all=True, items=[MESSAGE])
    form = form_for(acme, "greet", requester)
    for _ in range(2):
        assert finished(submit(acme, requester, form, HELLO, uuid7())).result == {"text": "HELLO"}
    versions.delete(msp, made, BUILDER)

    first, _second = submissions(acme)
    assert (first.form, first.version.form, first.version.number) == (made, made, 2)
    assert first.version.items == [MESSAGE]
    assert "Bea" not in str(first.version.saved_by) and BUILDER.id not in str(first.version.saved_by)
    assert submissions(msp) == submissions(globex) == executions_of(msp) == []
    with org_context(acme):
        assert not Form.objects.exists()
