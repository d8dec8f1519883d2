"""A person's own pages: name, time zone, password and API tokens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from orgs import directory, people
from orgs.models import ApiToken, User
from orgs.permissions import ROLE_PERMISSIONS
from orgs.recalling import recalled_actor
from orgs.records import OrganizationRecord
from tests.audit_log import events, log
from tests.factories import PASSWORD, change, make_token, make_user
from tests.forms_app.portal.people import as_role, html, membership, sign_in, text, visitor

NEW = "another horse entirely"
NEW_PASSWORD = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}


def test_name_and_time_zone_are_saved(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester", name="Ada")
    assert client.post("/profile", {"name": "Ada L.", "timezone": "Europe/Berlin"}).status_code == 302
    client.post("/profile", {"name": "Ada L.", "timezone": "Europe/Berlin"})
    user.refresh_from_db()
    assert (user.name, user.timezone) == ("Ada L.", "Europe/Berlin")
    assert "Ada L." in text(client.get("/"))
    [event] = events("user.change")
    assert event.metadata == {"email": user.email, "fields": ["name", "timezone"]}


def test_a_person_says_of_which_requests_e_mails_tell(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester", name="Ada")
    assert "took longer than a minute" in text(client.get("/profile"))
    client.post("/profile", {"name": "Ada", "timezone": "", "request_emails": "failed"})
    user.refresh_from_db()
    assert user.request_emails == "failed"
    assert '<option value="failed" selected>' in html(client.get("/profile"))
    assert [event.metadata["fields"] for event in events("user.change")] == [["request_emails"]]
    assert client.post("/profile", {"name": "Ada", "timezone": "", "request_emails": "always"}).status_code == 200
    client.post("/profile", {"name": "Ada", "timezone": "", "request_emails": ""})
    user.refresh_from_db()
    assert user.request_emails == ""


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "<b>"])
def test_a_time_zone_that_is_none_is_refused(acme: OrganizationRecord, zone: str) -> None:
    client, user = as_role(acme, "requester")
    assert client.post("/profile", {"name": "Ada", "timezone": zone}).status_code == 200
    user.refresh_from_db()
    assert user.timezone == ""


def test_nothing_else_of_the_account_can_be_set(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester")
    more = {"email": "x@y.example", "is_superuser": "on", "is_active": "", "role": "owner"}
    client.post("/profile", {"name": "Ada", "timezone": "", **more})
    user.refresh_from_db()
    assert (user.email == "x@y.example", user.is_superuser, user.is_active) == (False, False, True)
    assert membership(acme, user).role == "requester"


def test_times_are_told_in_the_persons_zone_or_else_the_organizations(acme: OrganizationRecord) -> None:
    change(acme, timezone="America/New_York")
    user = make_user(acme, "admin", last_login=datetime.fromisoformat("2026-01-05T18:30:00+00:00"))
    client, mine = as_role(acme, "admin")
    page = f"/members/{membership(acme, user).id}"
    assert "13:30" in text(client.get(page))
    mine.timezone = "Asia/Tokyo"
    mine.save()
    assert "03:30" in text(client.get(page))
    assert timezone.get_current_timezone_name() == "UTC"


# --- Password ---------------------------------------------------------------------------------------------------------


def test_a_changed_password_ends_all_other_sessions(acme: OrganizationRecord) -> None:
    here, user = as_role(acme, "requester")
    there = visitor(acme, user)
    assert there.get("/").status_code == 200
    assert here.post("/profile/password", NEW_PASSWORD)["Location"] == "/profile"
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert sign_in(visitor(acme), user.email, NEW).status_code == 302
    assert sign_in(visitor(acme), user.email).status_code == 200
    assert log() == [("user.change", f"user:{user.id}", user.email)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"old_password": "wrong"},
        {"new_password2": "something else"},
        {"new_password1": "12345678", "new_password2": "12345678"},
    ],
)
def test_a_password_is_not_changed_without_the_old_one_or_to_a_bad_one(
    acme: OrganizationRecord, wrong: dict[str, str]
) -> None:
    client, user = as_role(acme, "requester")
    answer = client.post("/profile/password", {**NEW_PASSWORD, **wrong})
    assert answer.status_code == 200
    assert NEW not in html(answer) and PASSWORD not in html(answer)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert log() == []


# --- Tokens -----------------------------------------------------------------------------------------------------------


def make_own(client: Client, *permissions: str, name: str = "ci", days: str = "90") -> str:
    """The plain token that the page shows; "" where it made none."""
    page = html(client.post("/profile/tokens", {"name": name, "permissions": list(permissions), "days": days}))
    return page.partition('id="token">')[2].partition("<")[0]


def call(token: str, path: str = "/api/executions", **headers: str) -> int:
    return Client().get(path, headers={"Authorization": f"Bearer {token}", **headers}).status_code


def test_a_token_is_shown_once_and_works(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "operator")
    token = make_own(client, "canViewExecutions", name="<i>ci</i>")
    assert token.startswith("bfr_") and call(token) == 200
    page = html(client.get("/profile/tokens"))
    assert token not in page and token[:10] in page and "&lt;i&gt;ci&lt;/i&gt;" in page
    row = ApiToken.objects.get(owner=user)
    assert (row.permissions, row.created_by, row.organization_id) == (["canViewExecutions"], user.email, acme.id)
    assert log("token.create")[0][2] == user.email


def test_a_token_can_be_given_no_more_than_one_may_oneself(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client, user = as_role(acme, "requester")
    for wanted in (
        "canExecuteWorkflows",
        "canViewExecutions",
        "canManageMembers",
        "canViewOrganizations",
        "*",
        "",
        "x",
    ):
        assert make_own(client, wanted) == ""
        assert make_own(client, "canSubmitForms", wanted) == ""
    assert make_own(client) == ""
    assert not ApiToken.objects.filter(owner=user).exists()
    owner, _ = as_role(acme, "owner")
    assert make_own(owner, "canManageStaff") == ""
    staff = visitor(acme, make_user(msp, "owner", all_organizations=True))
    assert make_own(staff, "canViewTracebacks") == ""


def test_a_token_loses_what_its_owner_loses(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "operator")
    token = make_own(client, "canViewExecutions", "canViewOwnExecutions")
    document = {"kind": "token", "id": str(ApiToken.objects.get(owner=user).id), "email": "", "name": "ci"}

    def may() -> frozenset[str]:
        return recalled_actor(document, acme).permissions

    assert call(token) == 200 and may() == {"canViewExecutions", "canViewOwnExecutions"}
    own = membership(acme, user)
    own.role = "requester"
    own.save()
    directory.forget()
    assert may() == {"canViewOwnExecutions"}
    own.delete()
    directory.forget()
    assert call(token) == 401 and may() == frozenset()


def test_a_token_of_somebody_deactivated_opens_nothing(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "owner")
    token = make_own(client, "canViewExecutions")
    User.objects.filter(id=user.id).update(is_active=False)
    directory.forget()
    assert call(token) == 401


def test_a_token_is_of_one_organization_though_its_owner_is_of_two(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    client, user = as_role(acme, "requester")
    user.memberships.create(organization_id=globex.id, role="owner")
    directory.forget()
    token = make_own(client, "canViewOwnExecutions")
    assert call(token) == 200
    assert call(token, **{"X-Organization-Id": "globex"}) == 403
    assert make_own(client, "canManageMembers") == ""


def test_a_technicians_token_ends_at_the_scope(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    technician = make_user(msp, "technician", organizations=(acme,))
    token = make_own(visitor(acme, technician), "canViewExecutions")
    assert call(token) == 200 and call(token, **{"X-Organization-Id": "globex"}) == 403
    technician.memberships.get().organizations.set([globex.id])
    directory.forget()
    assert call(token) == 401


def test_there_are_no_own_tokens_of_the_msp_which_could_name_any_customer(msp: OrganizationRecord) -> None:
    client = visitor(msp, make_user(msp, "technician"))
    assert make_own(client, "canViewExecutions") == ""
    assert "made on the staff's pages" in text(client.get("/profile/tokens"))
    with pytest.raises(ValueError, match="no more than"):
        actor = people.Actor("user", "x", "x@x.example", "x", ROLE_PERMISSIONS["owner"])
        people.make_token(msp, User(), actor, "x", ["canViewExecutions"], None)


def test_a_token_ends_when_it_was_said_to(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "viewer")
    token = make_own(client, "canViewExecutions", days="30")
    for_ever = make_own(client, "canViewExecutions", days="0")
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        directory.forget()
        assert (call(token), call(for_ever)) == (401, 200)
        assert "expired" in text(visitor(acme, user).get("/profile/tokens"))


def test_one_revokes_ones_own_and_nobody_elses(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    client, user = as_role(acme, "viewer")
    token = make_own(client, "canViewExecutions")
    own = ApiToken.objects.get(owner=user)
    other, _ = as_role(acme, "owner")
    assert "no such token of yours" in text(other.post(f"/profile/tokens/{own.id}/revoke", follow=True))
    make_token(acme, name="of the organization")
    common = ApiToken.objects.get(name="of the organization")
    client.post(f"/profile/tokens/{common.id}/revoke")
    common.refresh_from_db()
    assert common.revoked_at is None and call(token) == 200
    assert "The token is revoked." in text(client.post(f"/profile/tokens/{own.id}/revoke", follow=True))
    assert call(token) == 401
    assert "ci" not in text(client.get("/profile/tokens"))
