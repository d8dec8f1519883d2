"""The staff's pages about people, their memberships, and tokens."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from orgs import directory
from orgs.models import ApiToken, Membership, User
from orgs.records import OrganizationRecord
from orgs.tokens import digest
from tests.factories import PASSWORD, make_token, make_user
from tests.orgs.test_admin import browser, staff, text

# --- People -------------------------------------------------------------------------------------------------------


def test_a_person_with_password_and_role_can_sign_in(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    values = {"email": "New@Acme.example", "name": "New", "is_active": "on", "new_password": "a long pass phrase"}
    assert client.post("/admin/orgs/user/add/", values).status_code == 302
    user = User.objects.get(email="new@acme.example")
    client.post("/admin/orgs/membership/add/", {"user": str(user.id), "organization": str(acme.id), "role": "operator"})
    assert Client().login(username="new@acme.example", password="a long pass phrase")
    assert Membership.objects.get(user=user).role == "operator"


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"new_password": "short"}, "too short"),
        ({"email": "TAKEN@acme.example"}, "already"),
        ({"email": "nonsense"}, "valid email"),
    ],
)
def test_a_person_that_cannot_be_is_explained(
    acme: OrganizationRecord, msp: OrganizationRecord, values: dict[str, str], sentence: str
) -> None:
    make_user(acme, email="taken@acme.example")
    given = {"email": "a@acme.example", "new_password": "a long pass phrase", "is_active": "on", **values}
    assert sentence in text(staff(msp).post("/admin/orgs/user/add/", given))
    assert not User.objects.filter(email="a@acme.example").exists()


def test_an_empty_password_keeps_the_old_one(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    user = make_user(acme)
    staff(msp).post(f"/admin/orgs/user/{user.id}/change/", {"email": user.email, "name": "Renamed", "is_active": "on"})
    changed = User.objects.get(id=user.id)
    assert changed.name == "Renamed"
    assert changed.check_password(PASSWORD)


def test_a_person_is_deactivated_never_deleted(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    user = make_user(acme)
    assert staff(msp).post(f"/admin/orgs/user/{user.id}/delete/", {"post": "yes"}).status_code == 403


def test_a_role_of_the_staff_is_refused_at_a_customer(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    values = {"user": str(make_user().id), "organization": str(acme.id), "role": "technician"}
    assert "none of a customer" in text(staff(msp).post("/admin/orgs/membership/add/", values))


def test_a_removed_membership_ends_at_once(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    user = make_user(acme)
    assert directory.memberships_of(user.id)
    membership = user.memberships.get()
    staff(msp).post(f"/admin/orgs/membership/{membership.id}/delete/", {"post": "yes"})
    assert directory.memberships_of(user.id) == ()


def test_the_list_tells_each_person_s_roles(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    both = make_user(acme, "viewer")
    Membership.objects.create(user=both, organization_id=globex.id, role="owner")
    make_user(is_superuser=True, email="root@msp.example")
    root = browser(User.objects.get(email="root@msp.example"))
    page = text(root.get("/admin/orgs/user/"))
    assert "viewer of Acme, owner of Globex" in page
    assert "root@msp.example - superuser" in page


def test_the_list_tells_the_scope_of_staff(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_user(msp, "technician", organizations=(acme,), tags=("gold",))
    page = text(staff(msp).get("/admin/orgs/membership/"))
    assert "Technician Acme, gold" in page
    assert "Owner all organizations" in page


# --- Tokens -------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    client = staff(msp)
    values = {
        "organization": str(acme.id),
        "name": "ticketing",
        "permissions": ["canApprove"],
        "other_permissions": "canX1",
    }
    answer = client.post("/admin/orgs/apitoken/add/", values)
    shown = re.search(r"bfr_[\w-]+", text(answer))
    assert shown
    token = ApiToken.objects.get(digest=digest(shown[0]))
    assert token.permissions == ["canApprove", "canX1"]
    assert "no-store" in answer["Cache-Control"]
    later = client.get(f"/admin/orgs/apitoken/{token.id}/change/")
    assert later.status_code == 200
    assert shown[0] not in later.content.decode()


def test_a_token_of_a_customer_gets_no_power_over_the_platform(
    acme: OrganizationRecord, msp: OrganizationRecord
) -> None:
    values = {"organization": str(acme.id), "name": "t", "permissions": ["canManageOrganizations"]}
    assert "Only the MSP" in text(staff(msp).post("/admin/orgs/apitoken/add/", values))
    assert not ApiToken.objects.exists()


def test_tokens_are_revoked_not_changed(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_token(acme)
    token = ApiToken.objects.get()
    client = staff(msp)
    assert client.post(f"/admin/orgs/apitoken/{token.id}/change/", {"name": "x"}).status_code == 403
    client.post("/admin/orgs/apitoken/", {"action": "revoke", "_selected_action": [str(token.id)]})
    revoked_at = ApiToken.objects.get().revoked_at
    assert revoked_at is not None
    assert revoked_at <= timezone.now()


def test_the_list_tells_which_tokens_still_open_doors(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    make_token(acme, name="in-use")
    make_token(acme, name="too-old", expires_at=timezone.now())
    make_token(acme, name="taken-back")
    ApiToken.objects.filter(name="taken-back").update(revoked_at=timezone.now())
    page = text(staff(msp).get("/admin/orgs/apitoken/"))
    states = {name: re.search(rf"{name} Acme bfr_\S+ (\w+)", page) for name in ("in-use", "too-old", "taken-back")}
    assert {name: found and found[1] for name, found in states.items()} == {
        "in-use": "active",
        "too-old": "expired",
        "taken-back": "revoked",
    }
