"""The API's routes to alerts and notices."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from orgs.permissions import EXECUTE_WORKFLOWS, MANAGE_EXECUTIONS, VIEW_EXECUTIONS
from orgs.records import OrganizationRecord
from tests.audit_log import log
from tests.factories import change, make_actor, make_user
from tests.workflows_app.rest.conftest import Api, ApiOf, refusal, workspace
from tests.workflows_app.rest.test_people import Session
from workflows_app.alerts import handling
from workflows_app.alerts.notices import Recipient

from .rows import alert, alerts, make_alert, make_notice, notices, shown

__all__ = ["workspace"]


def test_the_list_is_newest_first_and_paged(api: Api, acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    made = [str(make_alert(acme, str(number))) for number in range(3)]
    make_alert(globex)
    first = api.get("/api/alerts?limit=2").json()
    assert [found["alertId"] for found in first["results"]] == [made[2], made[1]]
    rest = api.get(f"/api/alerts?limit=2&cursor={first['next']}").json()
    assert [found["alertId"] for found in rest["results"]] == [made[0]] and rest["next"] is None


def test_the_list_is_narrowed_by_state(api: Api, acme: OrganizationRecord) -> None:
    open_one, resolved = make_alert(acme, "a"), make_alert(acme, "b")
    handling.resolve(acme, resolved, make_actor())
    for state, one in (("open", open_one), ("resolved", resolved)):
        found = api.get(f"/api/alerts?state={state}").json()["results"]
        assert [each["alertId"] for each in found] == [str(one)]
    assert refusal(api.get("/api/alerts?state=nothing")) == (400, "ValidationError")


def test_an_alert_tells_what_happened_and_not_which_staff_heard_of_it(api: Api, acme: OrganizationRecord) -> None:
    execution = uuid4()
    make_alert(acme, execution=execution, workflow="move_mail", details={"password": "x"})
    [document] = api.get("/api/alerts").json()["results"]
    assert document["title"] == "Somebody has to look" and document["count"] == 1
    assert (document["executionId"], document["workflowName"]) == (str(execution), "move_mail")
    assert document["details"] == {"password": "REDACTED"} and document["deliveries"] == {"email": "waiting"}
    assert document["acknowledgedBy"] is None and document["resolvedAt"] is None


@pytest.mark.parametrize(("verb", "state"), [("acknowledge", "acknowledged"), ("resolve", "resolved")])
def test_handling_answers_with_the_alert_and_says_who(
    api: Api, acme: OrganizationRecord, verb: str, state: str
) -> None:
    made = make_alert(acme)
    document = api.post(f"/api/alerts/{made}/{verb}").json()
    assert (document["state"], document[f"{state}By"]["name"]) == (state, "test") and document[f"{state}At"]
    assert shown() == []


def test_one_that_is_looked_after_can_be_resolved(api: Api, acme: OrganizationRecord) -> None:
    made = make_alert(acme)
    api.post(f"/api/alerts/{made}/acknowledge")
    document = api.post(f"/api/alerts/{made}/resolve").json()
    assert document["state"] == "resolved" and document["acknowledgedBy"] and document["resolvedBy"]
    assert log() == [("alert.acknowledge", f"alert:{made}", "test"), ("alert.resolve", f"alert:{made}", "test")]


@pytest.mark.parametrize(
    ("first", "second"), [("acknowledge", "acknowledge"), ("resolve", "resolve"), ("resolve", "acknowledge")]
)
def test_what_was_handled_before_is_409(api: Api, acme: OrganizationRecord, first: str, second: str) -> None:
    made = make_alert(acme)
    api.post(f"/api/alerts/{made}/{first}")
    answer = api.post(f"/api/alerts/{made}/{second}")
    assert refusal(answer) == (409, "Conflict")
    assert answer.json()["message"] == f"This was already {first.removesuffix('e')}ed by test."
    assert set(answer.json()["details"]) == {"state", "by", "at"}


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_another_organizations_are_404_like_those_that_do_not_exist(
    api: Api, globex: OrganizationRecord, verb: str
) -> None:
    other = make_alert(globex)
    answers = [api.post(f"/api/alerts/{id_}/{verb}") for id_ in (other, uuid4(), "nonsense")]
    assert [refusal(answer) for answer in answers] == [(404, "NotFound")] * 3
    assert len({answer.content for answer in answers}) == 1
    assert alert(globex).state == "open"


@pytest.mark.parametrize("verb", ["acknowledge", "resolve"])
def test_a_get_handles_nothing(api: Api, acme: OrganizationRecord, verb: str) -> None:
    made = make_alert(acme)
    assert refusal(api.get(f"/api/alerts/{made}/{verb}")) == (405, "MethodNotAllowed")
    assert alert(acme).state == "open"


def test_seeing_and_handling_need_their_permissions(api_of: ApiOf, acme: OrganizationRecord) -> None:
    made = make_alert(acme)
    assert refusal(api_of(acme, EXECUTE_WORKFLOWS).get("/api/alerts")) == (403, "PermissionError")
    viewer = api_of(acme, VIEW_EXECUTIONS)
    assert viewer.get("/api/alerts").status_code == 200
    for verb in ("acknowledge", "resolve"):
        answer = viewer.post(f"/api/alerts/{made}/{verb}")
        assert refusal(answer) == (403, "PermissionError")
        assert answer.json()["details"] == {"required_permission": MANAGE_EXECUTIONS}
    assert alert(acme).state == "open"


@pytest.mark.parametrize("body", [{"comment": "x"}, b"[]", b"{"])
def test_a_body_that_says_something_is_400(api: Api, acme: OrganizationRecord, body: object) -> None:
    made = make_alert(acme)
    assert refusal(api.post(f"/api/alerts/{made}/resolve", body)) == (400, "ValidationError")
    assert alert(acme).state == "open"


def test_in_a_suspended_organization_nothing_is_handled(api: Api, acme: OrganizationRecord) -> None:
    made = make_alert(acme)
    change(acme, status="suspended")
    assert refusal(api.post(f"/api/alerts/{made}/resolve")) == (403, "PermissionError")
    assert [found.state for found in alerts(acme)] == ["open"]


# --- notices --------------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(acme: OrganizationRecord, workspace: Path) -> Session:
    return Session(make_user(acme, "requester", email="ann@acme.example"), acme)


def test_one_sees_what_was_left_for_one_and_for_ones_address(
    ann: Session, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    person = make_user(acme, "viewer", email="bob@acme.example")
    make_notice(acme, Recipient.at("ANN@acme.example"), Recipient.at("bob@acme.example"), key="by address")
    make_notice(acme, Recipient(f"user:{person.id}", "bob@acme.example"), key="by id")
    make_notice(globex, Recipient.at("ann@acme.example"), key="elsewhere")
    found = ann.get("/api/notices").json()
    assert [each["subject"] for each in found["results"]] == ["Done"] and found["next"] is None
    assert len(Session(person, acme).get("/api/notices").json()["results"]) == 2


def test_the_list_of_notices_is_paged_and_narrowed_to_the_unread(ann: Session, acme: OrganizationRecord) -> None:
    for key in ("a", "b", "c"):
        make_notice(acme, Recipient.at("ann@acme.example"), key=key)
    ids = [str(notice.id) for notice in reversed(notices(acme))]
    first = ann.get("/api/notices?limit=2").json()
    rest = ann.get(f"/api/notices?cursor={first['next']}").json()
    assert [each["noticeId"] for each in first["results"] + rest["results"]] == ids
    read = ann.post(f"/api/notices/{ids[0]}/read", **{"X-CSRFToken": ann.token})
    assert read.status_code == 200 and read.json()["readAt"]
    assert [each["noticeId"] for each in ann.get("/api/notices?unread=true").json()["results"]] == ids[1:]
    assert refusal(ann.get("/api/notices?unread=perhaps")) == (400, "ValidationError")


def test_reading_again_keeps_the_first_time(ann: Session, acme: OrganizationRecord) -> None:
    make_notice(acme, Recipient.at("ann@acme.example"))
    [notice] = notices(acme)
    times = {
        ann.post(f"/api/notices/{notice.id}/read", **{"X-CSRFToken": ann.token}).json()["readAt"] for _ in range(3)
    }
    assert len(times) == 1


def test_somebody_elses_notice_is_404_like_another_organizations_and_none(
    ann: Session, acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_notice(acme, Recipient.at("bob@acme.example"))
    make_notice(globex, Recipient.at("ann@acme.example"))
    ids = [notices(acme)[0].id, notices(globex)[0].id, uuid4(), "nonsense"]
    answers = [ann.post(f"/api/notices/{id_}/read", **{"X-CSRFToken": ann.token}) for id_ in ids]
    assert [refusal(answer) for answer in answers] == [(404, "NotFound")] * 4
    assert len({answer.content for answer in answers}) == 1
    assert notices(acme)[0].read_at is None and notices(globex)[0].read_at is None


def test_an_administrator_reads_nobody_elses_either(api: Api, acme: OrganizationRecord) -> None:
    make_notice(acme, Recipient.at("ann@acme.example"))
    assert api.get("/api/notices").json()["results"] == []


def test_marking_as_read_needs_the_csrf_token(ann: Session, acme: OrganizationRecord) -> None:
    make_notice(acme, Recipient.at("ann@acme.example"))
    assert refusal(ann.post(f"/api/notices/{notices(acme)[0].id}/read")) == (403, "PermissionError")
    assert notices(acme)[0].read_at is None
