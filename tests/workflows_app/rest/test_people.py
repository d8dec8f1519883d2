"""People with a session: CSRF, and who sees whose executions."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import make_user

from .conftest import Api, Starts, refusal
from .rows import make_events, make_execution


class Session(Api):
    """A browser in which the person has signed in, looking at the organization."""

    def __init__(self, user: User, organization: OrganizationRecord) -> None:
        super().__init__(**{"X-Organization-Id": organization.org_id})
        self.client = Client(enforce_csrf_checks=True)
        self.client.force_login(user)
        self.token = _get_new_csrf_string()
        self.client.cookies["csrftoken"] = self.token


@pytest.fixture
def operator(acme: OrganizationRecord, workspace: Path) -> Session:
    return Session(make_user(acme, "operator"), acme)


def test_a_write_with_a_session_needs_its_csrf_token(operator: Session, starts: Starts) -> None:
    assert refusal(operator.post("/api/workflows/greet")) == (403, "PermissionError")
    assert refusal(operator.post("/api/workflows/greet", **{"X-CSRFToken": "x" * 32})) == (403, "PermissionError")
    assert not starts.seen
    assert operator.post("/api/workflows/greet", **{"X-CSRFToken": operator.token}).status_code == 200
    assert starts.seen[0].actor.kind == "user" and starts.seen[0].trigger == {"type": "api"}


def test_a_read_with_a_session_needs_none(operator: Session) -> None:
    assert operator.get("/api/workflows").status_code == 200


def test_a_token_needs_no_csrf_token(api: Api, starts: Starts) -> None:
    assert api.post("/api/workflows/greet").status_code == 200


@pytest.mark.parametrize(
    ("role", "code"), [("owner", 200), ("admin", 200), ("operator", 200), ("viewer", 403), ("requester", 403)]
)
def test_who_may_start(acme: OrganizationRecord, workspace: Path, starts: Starts, role: str, code: int) -> None:
    session = Session(make_user(acme, role), acme)
    response = session.post("/api/workflows/greet", **{"X-CSRFToken": session.token})
    assert response.status_code == code, response.content


def test_a_requester_sees_the_own_executions_alone(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    person = make_user(acme, "requester")
    own = make_execution(acme, actor=f"user:{person.id}")
    others = make_execution(acme)
    make_execution(acme, actor=f"token:{person.id}")
    make_execution(globex, actor=f"user:{person.id}")
    session = Session(person, acme)
    assert [found["executionId"] for found in session.get("/api/executions").json()["results"]] == [str(own)]
    for below in ("", "/logs", "/journal"):
        assert session.get(f"/api/executions/{own}{below}").status_code == 200
        assert refusal(session.get(f"/api/executions/{others}{below}")) == (404, "NotFound")


def test_a_viewer_sees_everybodys(acme: OrganizationRecord) -> None:
    make_execution(acme)
    assert len(Session(make_user(acme, "viewer"), acme).get("/api/executions").json()["results"]) == 1


def test_a_member_of_another_organization_sees_nothing(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    make_execution(acme)
    assert refusal(Session(make_user(globex), acme).get("/api/executions")) == (403, "PermissionError")


def test_tracebacks_show_for_staff_and_not_for_an_organizations_owner(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    made = make_execution(acme, status="Failed")
    make_events(acme, made, ("error", "X", {"error": "X", "message": "m", "details": {}, "traceback": "line 3"}))
    technician = make_user(msp, "technician", organizations=(acme,))
    for user, seen in ((technician, True), (make_user(acme, "owner"), False)):
        content = Session(user, acme).get(f"/api/executions/{made}/journal").content
        assert (b"line 3" in content) is seen
