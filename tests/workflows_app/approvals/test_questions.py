"""What a run asks in its middle, at the doors by which people answer: the API and the staff's pages."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bifrost.sdk.forms import Form
from integrations import sealing
from integrations.sealing import VaultUnavailable, seal, unseal
from orgs.permissions import APPROVE, EXECUTE_WORKFLOWS
from orgs.records import OrganizationRecord
from orgs.tenancy import shared_context
from tests.factories import make_user
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.rest.test_people import Session
from tests.workflows_app.test_admin import staff, text
from workflows_app import waiting
from workflows_app.approvals import editing
from workflows_app.approvals.expiring import expire_due
from workflows_app.dispatch.models import Dispatch
from workflows_app.models import Approval

from .rows import FORM, entries, execution_of, make_approval, make_question, queued, reread

LIST = "/o/acme/admin/workflows_app/approval/"
HIDDEN = {
    "user": {"type": "dict", "default": {"name": "Ann", "password": "before-1"}},
    "code": {"type": "secret", "default": "before-2"},
    "plain": "x",
}


def make_hidden(acme: OrganizationRecord) -> Approval:
    """A question whose initial values hold secrets, as a run stores it."""
    form = Form.declared(HIDDEN)
    shown = {**form.initial, "user": {"name": "Ann", "password": "REDACTED"}, "code": "REDACTED"}
    return make_question(acme, form=form.as_json(shown), form_sealed=seal(acme, form.initial))


# --- the API ----------------------------------------------------------------------------------------------------------


def test_both_kinds_are_listed_and_say_which_they_are(api: Api, acme: OrganizationRecord) -> None:
    start, question = make_approval(acme), make_question(acme, message="It is due.")
    found = {each["approvalId"]: each for each in api.get("/api/approvals").json()["results"]}
    assert found[str(start.id)]["kind"] == "start" and found[str(start.id)]["form"] is None
    asked = found[str(question.id)]
    assert (asked["kind"], asked["title"], asked["message"]) == ("step", "Pay the invoice", "It is due.")
    assert asked["form"] == {"fields": FORM} and asked["values"] is None and asked["canDecide"] is True
    assert asked["form"]["fields"][0] == {
        "name": "amount",
        "type": "int",
        "label": "Amount",
        "description": "",
        "required": False,
        "validation": {},
        "initial": 250,
    }
    assert api.get(f"/api/approvals/{question.id}").json() == {**asked, "inputData": {"message": "hi"}}


def test_an_approval_tells_the_run_once_and_wakes_it(api: Api, api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_question(acme)
    answer = api.post(f"/api/approvals/{made.id}/approve", {"comment": "Less", "values": {"amount": 200}})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["state"], document["comment"], document["canDecide"]) == ("approved", "Less", False)
    assert document["values"] == {"amount": 200, "note": None}
    assert document["form"] == {"fields": FORM}, "what was asked stays beside it"
    assert queued(made) == "Queued" and execution_of(acme, made).status == "Queued"
    [(kind, name, data)] = entries(acme, made)
    assert (kind, name, data["by"], data["state"]) == ("decision", str(made.id), "test", "approved")

    second = api_of(acme).post(f"/api/approvals/{made.id}/reject")
    assert refusal(second) == (409, "Conflict")
    assert "already approved by test at " in second.json()["message"]
    assert len(entries(acme, made)) == 1


def test_a_rejection_ends_nothing(api: Api, acme: OrganizationRecord) -> None:
    made = make_question(acme)
    assert api.post(f"/api/approvals/{made.id}/reject", {"comment": "No"}).json()["state"] == "rejected"
    assert queued(made) == "Queued" and execution_of(acme, made).completed_at is None
    assert entries(acme, made)[0][2]["state"] == "rejected"


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_get_decides_nothing(api: Api, acme: OrganizationRecord, verb: str) -> None:
    made = make_question(acme)
    assert refusal(api.get(f"/api/approvals/{made.id}/{verb}")) == (405, "MethodNotAllowed")
    assert reread(acme, made).state == "pending" and entries(acme, made) == []


@pytest.mark.parametrize("below", ["", "/approve", "/reject"])
def test_another_organizations_are_404_like_those_that_do_not_exist(
    api: Api, globex: OrganizationRecord, below: str
) -> None:
    other = make_question(globex)
    ask = api.post if below else api.get
    answers = [ask(f"/api/approvals/{id_}{below}") for id_ in (other.id, uuid4())]
    assert [refusal(answer) for answer in answers] == [(404, "NotFound")] * 2
    assert len({answer.content for answer in answers}) == 1
    assert reread(globex, other).state == "pending" and entries(globex, other) == []


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("approve", {"values": 7}, "values"),
        ("approve", {"values": {"amount": "much"}}, "values.amount"),
        ("approve", {"values": {"amount": None}}, "values.amount"),
        ("approve", {"values": {"other": 1}}, "values.other"),
        ("approve", {"values": {"note": "x" * 70_000}}, "values"),
        ("approve", {"value": {}}, "value"),
        ("reject", {"values": {}}, "values"),
    ],
)
def test_values_that_are_wrong_are_400_and_decide_nothing(
    api: Api, acme: OrganizationRecord, verb: str, body: dict[str, Any], field: str
) -> None:
    made = make_question(acme)
    answer = api.post(f"/api/approvals/{made.id}/{verb}", body)
    assert refusal(answer) == (400, "ValidationError")
    assert answer.json()["details"]["errors"][0]["field"] == field
    assert reread(acme, made).state == "pending" and entries(acme, made) == []


def test_a_question_without_a_form_has_no_values(api: Api, acme: OrganizationRecord) -> None:
    made = make_question(acme, form=None)
    answer = api.post(f"/api/approvals/{made.id}/approve", {"values": {"a": 1}})
    assert refusal(answer) == (400, "ValidationError") and "asks for no values" in answer.json()["message"]
    assert api.post(f"/api/approvals/{made.id}/approve", {"values": {}}).status_code == 200


def test_what_was_asked_of_named_people_is_theirs_alone(acme: OrganizationRecord, workspace: Path) -> None:
    bob = make_user(acme, "requester", email="Bob@acme.example")
    made = make_question(acme, permission="", approvers=["bob@acme.example", "grace@example.com"])
    other = Session(make_user(acme, "admin"), acme)
    assert other.get("/api/approvals").json()["results"] == []
    assert refusal(other.get(f"/api/approvals/{made.id}")) == (404, "NotFound")
    answer = other.post(f"/api/approvals/{made.id}/approve", **{"X-CSRFToken": other.token})
    assert refusal(answer) == (403, "PermissionError")
    session = Session(bob, acme)
    [found] = session.get("/api/approvals").json()["results"]
    assert (found["permission"], found["approvers"]) == (None, ["bob@acme.example", "grace@example.com"])
    assert found["canDecide"] is True
    assert session.post(f"/api/approvals/{made.id}/approve", **{"X-CSRFToken": session.token}).status_code == 200
    assert reread(acme, made).decided_by["email"] == bob.email  # type: ignore[index]


def test_a_token_is_nobody_by_name(api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_question(acme, permission="", approvers=[""])
    assert refusal(api_of(acme).post(f"/api/approvals/{made.id}/approve")) == (403, "PermissionError")


def test_four_eyes_also_where_the_caller_is_named(acme: OrganizationRecord, workspace: Path) -> None:
    person = make_user(acme, "admin", email="own@acme.example")
    by_key = make_question(acme, requester=f"user:{person.id}", permission="", approvers=["own@acme.example", "a@b.c"])
    session = Session(person, acme)
    by_address = make_question(acme)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {acme.schema_name}.workflows_app_approval SET requested_by = %s WHERE id = %s",
            ['{"kind": "command", "id": "1", "email": "OWN@acme.example", "name": "Own"}', by_address.id],
        )
    for made in (by_key, by_address):
        answer = session.post(f"/api/approvals/{made.id}/approve", **{"X-CSRFToken": session.token})
        assert refusal(answer) == (403, "PermissionError")
        assert "You asked for this yourself" in answer.json()["message"]
        assert session.get(f"/api/approvals/{made.id}").json()["canDecide"] is False


def test_without_the_permission_it_is_403(api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_question(acme, permission="canPay")
    assert refusal(api_of(acme, EXECUTE_WORKFLOWS, APPROVE).post(f"/api/approvals/{made.id}/approve")) == (
        403,
        "PermissionError",
    )
    assert api_of(acme, "canPay").post(f"/api/approvals/{made.id}/approve").status_code == 200


def test_after_its_time_nobody_decides_also_where_no_run_has_noted_it(api: Api, acme: OrganizationRecord) -> None:
    made = make_question(acme, expires_in=timedelta(seconds=-1))
    answer = api.post(f"/api/approvals/{made.id}/approve")
    assert refusal(answer) == (409, "Conflict") and "already expired at" in answer.json()["message"]
    assert entries(acme, made) == [] and queued(made) == "Suspended"
    assert expire_due() == 0 and reread(acme, made).state == "pending", "its run says so when it wakes"


def test_of_a_run_that_has_ended_nothing_is_decided(api: Api, acme: OrganizationRecord) -> None:
    made = make_question(acme)
    with shared_context():
        Dispatch.objects.filter(execution=made.execution_id).delete()
    answer = api.post(f"/api/approvals/{made.id}/approve")
    assert refusal(answer) == (409, "Conflict") and "waits for no approval any more" in answer.json()["message"]
    assert reread(acme, made).state == "pending" and entries(acme, made) == []


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_what_comes_back_as_it_was_shown_is_as_it_was(api: Api, acme: OrganizationRecord) -> None:
    made = make_hidden(acme)
    asked = api.get(f"/api/approvals/{made.id}")
    assert b"before-" not in asked.content
    values = {field["name"]: field["initial"] for field in asked.json()["form"]["fields"]}
    answer = api.post(f"/api/approvals/{made.id}/approve", {"values": {**values, "plain": "y"}})
    assert answer.json()["values"] == {**values, "plain": "y"} and b"before-" not in answer.content
    decided = reread(acme, made)
    assert unseal(acme, bytes(decided.values_sealed or b"")) == {
        "user": {"name": "Ann", "password": "before-1"},
        "code": "before-2",
        "plain": "y",
    }


def test_a_secret_within_an_edited_value_is_as_it_was(api: Api, acme: OrganizationRecord) -> None:
    made = make_hidden(acme)
    edited = {"user": {"name": "Bo", "password": "REDACTED"}}
    answer = api.post(f"/api/approvals/{made.id}/approve", {"values": edited})
    assert answer.json()["values"]["user"] == {"name": "Bo", "password": "REDACTED"}
    kept = unseal(acme, bytes(reread(acme, made).values_sealed or b""))
    assert kept["user"] == {"name": "Bo", "password": "before-1"}


def test_an_edited_secret_is_kept_encrypted(api: Api, acme: OrganizationRecord) -> None:
    made = make_hidden(acme)
    edited = {"code": "edited-2", "user": {"name": "Bo", "password": "edited-1"}}
    answer = api.post(f"/api/approvals/{made.id}/approve", {"values": edited})
    assert answer.json()["values"] == {"user": {"name": "Bo", "password": "REDACTED"}, "code": "REDACTED", "plain": "x"}
    decided = reread(acme, made)
    assert "edited-" not in str(decided.values)
    assert unseal(acme, bytes(decided.values_sealed or b"")) == {**edited, "plain": "x"}


def test_while_the_vault_is_away_what_needs_it_is_503_and_all_else_goes_on(
    api: Api, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, plain = make_hidden(acme), make_question(acme)

    def away(*_: Any) -> Any:
        raise VaultUnavailable("away")

    monkeypatch.setattr(editing, "unseal", away)
    monkeypatch.setattr(editing, "seal", away)
    assert refusal(api.post(f"/api/approvals/{hidden.id}/approve")) == (503, "ServiceUnavailable")
    assert reread(acme, hidden).state == "pending"
    assert api.post(f"/api/approvals/{plain.id}/approve").status_code == 200
    assert api.post(f"/api/approvals/{hidden.id}/reject").status_code == 200
    assert sealing.seal is not away


# --- what the execution waits for -------------------------------------------------------------------------------------


def test_the_execution_says_since_when_and_of_whom(api: Api, acme: OrganizationRecord) -> None:
    made = make_question(acme)
    path = f"/api/executions/{made.execution_id}"
    since = f"{reread(acme, made).created_at:%Y-%m-%d %H:%M:%S} UTC"
    assert api.get(path).json()["waitingFor"] == (
        f"approval since {since}, asked of everybody with the permission canApprove"
    )
    with shared_context():
        reason = "waits for an approval and 1 more until 2027-01-01 00:00:00 UTC"
        Dispatch.objects.update(reason=reason)
    assert api.get(path).json()["waitingFor"].endswith("canApprove and 1 more until 2027-01-01 00:00:00 UTC")
    with shared_context():
        Dispatch.objects.update(reason="waits for the signal 'stop' and 1 more")
    told = api.get(path).json()["waitingFor"]
    assert (
        told
        == f"the signal 'stop' and 1 more; approval since {since}, asked of everybody with the permission canApprove"
    )


def test_it_names_the_people_who_were_asked(acme: OrganizationRecord) -> None:
    made = make_question(acme, permission="", approvers=["a@b.cd", "e@f.gh"])
    with CaptureQueriesContext(connection) as captured:
        told = waiting.waits_for(acme, made.execution_id, "Suspended")
    assert told is not None and told.endswith("asked of a@b.cd or e@f.gh")
    assert sum("workflows_app_approval" in query["sql"] for query in captured) == 1


# --- the staff's pages ------------------------------------------------------------------------------------------------


def test_the_page_shows_the_fields_as_inputs_and_a_get_decides_nothing(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    fields = {
        "amount": 250,
        "sure": False,
        "kind": {"type": "string", "validation": {"enum": ["a", "b"]}, "default": "b"},
        "tags": ["x"],
        "pin": {"type": "secret", "label": "The pin"},
    }
    made = make_question(acme, message="It is due.", form=Form.declared(fields).as_json())
    page = staff(msp).get(f"{LIST}{made.id}/change/").content.decode()
    assert "It is due." in page and "The pin" in page
    assert 'name="v.amount" id="i-v-amount" value="250"' in page and 'inputmode="numeric"' in page
    assert '<option value="b" selected>' in page and 'type="checkbox"' in page and 'type="password"' in page
    assert re.search(r'<textarea[^>]*name="v.tags"[^>]*>\nx</textarea>', page), "a line for each, no JSON"
    assert reread(acme, made).state == "pending"


def test_its_form_approves_the_edited_values(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_question(acme)
    client = staff(msp)
    typed = {"v.amount": "200", "v.note": " as agreed ", "decision": "approve", "comment": "Fine"}
    answer = client.post(f"{LIST}{made.id}/decide/", typed)
    assert answer.status_code == 302
    assert reread(acme, made).values == {"amount": 200, "note": "as agreed"}
    assert entries(acme, made)[0][2]["state"] == "approved"
    page = text(client.get(f"{LIST}{made.id}/change/"))
    assert "Approved by" in page and "Approved values" in page and "200" in page


@pytest.mark.parametrize(("typed", "message"), [("much", "must be a whole number"), ("", "must be a whole number")])
def test_values_that_are_wrong_are_shown_again(
    acme: OrganizationRecord, msp: OrganizationRecord, typed: str, message: str
) -> None:
    made = make_question(acme)
    shown = staff(msp).post(f"{LIST}{made.id}/decide/", {"v.amount": typed, "v.note": "kept", "decision": "approve"})
    assert shown.status_code == 200
    assert message in shown.content.decode() and 'value="kept"' in shown.content.decode()
    assert reread(acme, made).state == "pending"


def test_rejecting_needs_no_right_values(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_question(acme)
    staff(msp).post(f"{LIST}{made.id}/decide/", {"v.amount": "much", "decision": "reject"})
    assert reread(acme, made).state == "rejected" and reread(acme, made).values is None


def test_secrets_are_not_in_the_page_and_stay_as_they_are(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    made = make_hidden(acme)
    client = staff(msp)
    page = client.get(f"{LIST}{made.id}/change/").content.decode()
    assert "before-" not in page and "Left empty, it stays as it is." in page
    typed = {
        "v.user": '{\n  "name": "Ann",\n  "password": "REDACTED"\n}',
        "v.code": "",
        "v.plain": "y",
        "decision": "approve",
    }
    assert client.post(f"{LIST}{made.id}/decide/", typed).status_code == 302
    sealed = reread(acme, made).values_sealed
    assert unseal(acme, bytes(sealed or b"")) == {
        "user": {"name": "Ann", "password": "before-1"},
        "code": "before-2",
        "plain": "y",
    }


def test_another_organizations_page_is_404(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    other = make_question(globex)
    client = staff(msp)
    assert client.get(f"{LIST}{other.id}/change/").status_code == 404
    assert client.post(f"{LIST}{other.id}/decide/", {"decision": "approve"}).status_code == 404
    assert reread(globex, other).state == "pending" and entries(globex, other) == []
