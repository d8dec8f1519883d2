"""The API's routes to approvals."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from orgs.permissions import APPROVE, EXECUTE_WORKFLOWS
from orgs.records import OrganizationRecord
from tests.factories import change, make_user
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal
from tests.workflows_app.rest.test_people import Session

from .rows import REQUESTER, make_approval, queued, reread


def test_the_list_is_newest_first_and_paged(api: Api, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    made = [make_approval(acme) for _ in range(3)]
    make_approval(globex)
    first = api.get("/api/approvals?limit=2").json()
    assert [found["approvalId"] for found in first["results"]] == [str(made[2].id), str(made[1].id)]
    rest = api.get(f"/api/approvals?limit=2&cursor={first['next']}").json()
    assert [found["approvalId"] for found in rest["results"]] == [str(made[0].id)] and rest["next"] is None


def test_the_list_is_narrowed_by_state(api: Api, acme: OrganizationRecord) -> None:
    pending, approved = make_approval(acme), make_approval(acme)
    assert api.post(f"/api/approvals/{approved.id}/approve").status_code == 200
    for state, one in (("pending", pending), ("approved", approved)):
        assert [found["approvalId"] for found in api.get(f"/api/approvals?state={state}").json()["results"]] == [
            str(one.id)
        ]
    assert refusal(api.get("/api/approvals?state=nothing")) == (400, "ValidationError")


def test_one_sees_what_one_may_decide_and_what_one_has_asked_for(acme: OrganizationRecord, workspace: Path) -> None:
    person = make_user(acme, "requester")
    own, others = make_approval(acme, requester=f"user:{person.id}"), make_approval(acme)
    session = Session(person, acme)
    assert [found["approvalId"] for found in session.get("/api/approvals").json()["results"]] == [str(own.id)]
    assert session.get(f"/api/approvals/{own.id}").json()["canDecide"] is False
    assert refusal(session.get(f"/api/approvals/{others.id}")) == (404, "NotFound")
    operator = Session(make_user(acme, "operator"), acme)
    assert len(operator.get("/api/approvals").json()["results"]) == 2
    assert operator.get(f"/api/approvals/{own.id}").json()["canDecide"] is True


def test_the_detail_shows_the_input_redacted(api: Api, acme: OrganizationRecord) -> None:
    made = make_approval(acme)
    document = api.get(f"/api/approvals/{made.id}").json()
    assert document["inputData"] == {"message": "hi", "password": "REDACTED"}
    assert document["requestedBy"] == REQUESTER and document["title"] == "Run greet"
    assert document["state"] == "pending" and document["decidedAt"] is None and document["decidedBy"] is None


@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_answers_with_the_approval(api: Api, acme: OrganizationRecord, verb: str, state: str) -> None:
    made = make_approval(acme)
    answer = api.post(f"/api/approvals/{made.id}/{verb}", {"comment": "Because"})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["state"], document["comment"], document["decidedBy"]["name"]) == (state, "Because", "test")
    assert document["decidedAt"] and document["canDecide"] is False


def test_a_second_decision_is_409(api: Api, api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_approval(acme)
    api.post(f"/api/approvals/{made.id}/approve")
    second = api_of(acme).post(f"/api/approvals/{made.id}/reject")
    assert refusal(second) == (409, "Conflict")
    assert "already approved by test at " in second.json()["message"]
    assert set(second.json()["details"]) == {"state", "decidedBy", "decidedAt"}


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_get_decides_nothing(api: Api, acme: OrganizationRecord, verb: str) -> None:
    made = make_approval(acme)
    assert refusal(api.get(f"/api/approvals/{made.id}/{verb}")) == (405, "MethodNotAllowed")
    assert reread(acme, made).state == "pending"


@pytest.mark.parametrize("below", ["", "/approve", "/reject"])
def test_another_organizations_are_404_like_those_that_do_not_exist(
    api: Api, globex: OrganizationRecord, below: str
) -> None:
    other = make_approval(globex)
    ask = api.post if below else api.get
    answers = [ask(f"/api/approvals/{id_}{below}") for id_ in (other.id, uuid4(), "nonsense")]
    assert [refusal(answer) for answer in answers] == [(404, "NotFound")] * 3
    assert len({answer.content for answer in answers}) == 1
    assert queued(other) == "PendingApproval"


def test_without_the_permission_it_is_403(api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_approval(acme)
    answer = api_of(acme, EXECUTE_WORKFLOWS).post(f"/api/approvals/{made.id}/approve")
    assert refusal(answer) == (403, "PermissionError")
    assert answer.json()["details"] == {"required_permission": APPROVE}


def test_the_own_request_is_403_with_a_sentence(acme: OrganizationRecord, workspace: Path) -> None:
    person = make_user(acme, "admin")
    made = make_approval(acme, requester=f"user:{person.id}")
    session = Session(person, acme)
    answer = session.post(f"/api/approvals/{made.id}/approve", **{"X-CSRFToken": session.token})
    assert refusal(answer) == (403, "PermissionError")
    assert answer.json()["message"] == "You asked for this yourself; somebody else has to decide."


def test_a_session_needs_its_csrf_token(acme: OrganizationRecord, workspace: Path) -> None:
    made = make_approval(acme)
    assert refusal(Session(make_user(acme), acme).post(f"/api/approvals/{made.id}/approve")) == (
        403,
        "PermissionError",
    )
    assert reread(acme, made).state == "pending"


@pytest.mark.parametrize("body", [{"comment": 7}, {"comment": "x" * 2_001}, {"remark": "x"}, b"[]", b"{"])
def test_a_bad_body_is_400_and_decides_nothing(api: Api, acme: OrganizationRecord, body: object) -> None:
    made = make_approval(acme)
    assert refusal(api.post(f"/api/approvals/{made.id}/approve", body)) == (400, "ValidationError")
    assert reread(acme, made).state == "pending"


def test_in_a_suspended_organization_nothing_is_decided(api: Api, acme: OrganizationRecord) -> None:
    made = make_approval(acme)
    change(acme, status="suspended")
    assert refusal(api.post(f"/api/approvals/{made.id}/approve")) == (403, "PermissionError")
    assert reread(acme, made).state == "pending"
