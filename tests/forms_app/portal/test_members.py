"""Members and groups: who manages them, what nobody can do, and what the pages show."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs import directory
from orgs.models import MemberGroup, Membership, User
from orgs.records import OrganizationRecord
from tests.audit_log import events, log
from tests.factories import make_token, make_user
from tests.forms_app.portal.people import as_role, html, membership, text, visitor

PAGES = ["/members", "/members/invite", "/groups"]


def role_of(acme: OrganizationRecord, user: User) -> str | None:
    rows = Membership.objects.filter(organization_id=acme.id, user=user)
    return rows.values_list("role", flat=True).first()


def change_role(client: Client, acme: OrganizationRecord, user: User, role: str) -> str:
    answer = client.post(f"/members/{membership(acme, user).id}", {"role": role})
    return text(client.get("/members")) if answer.status_code == 302 else str(answer.status_code)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ["operator", "requester", "viewer"])
def test_only_those_who_manage_members_see_them(acme: OrganizationRecord, path: str, role: str) -> None:
    client, _ = as_role(acme, role)
    other = membership(acme, make_user(acme, "viewer"))
    assert client.get(path).status_code == 403
    assert "Members" not in text(client.get("/"))
    for door in (f"/members/{other.id}", f"/members/{other.id}/remove", "/members/invite", "/groups"):
        assert client.post(door, {"role": "viewer", "name": "x"}).status_code == 403
    assert log() == []


def test_a_token_opens_no_page_of_the_portal(acme: OrganizationRecord) -> None:
    client = Client(headers={"Authorization": f"Bearer {make_token(acme)}"})
    for path in ("/", "/profile", "/profile/tokens", "/members", "/branding"):
        assert client.get(f"/o/acme{path}").status_code == 403


def test_the_list_is_of_the_organization_alone_and_can_be_searched(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make_user(acme, "viewer", email="vera@acme.example", name="Vera 100%")
    make_user(globex, "viewer", email="gina@globex.example", name="Gina")
    client, _ = as_role(acme, "admin", name="Ada")
    page = text(client.get("/members"))
    assert "Vera" in page and "vera@acme.example" in page and "Gina" not in page
    found = text(client.get("/members?q=VERA"))
    assert "1 member " in found and "Ada" not in found.partition("Show all")[2]
    assert "Vera" in text(client.get("/members?q=100%25"))
    for odd in ("%25", "_", "%00", "'\"<b>"):
        assert client.get(f"/members?q={odd}").status_code == 200
    assert "Nobody fits" in text(client.get("/members?q=zzz"))
    for page_number in ("0", "-1", "x", "99999999999", "²"):
        assert client.get("/members", {"page": page_number}).status_code == 200


def test_the_page_asks_the_same_number_of_questions_however_many_members_there_are(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin")
    client.get("/members")
    counts = set()
    for more in (1, 60):
        for number in range(more):
            make_user(acme, "viewer", email=f"p{more}-{number}@acme.example")
        directory.forget()  # what was kept from before would make a difference
        with CaptureQueriesContext(connection) as captured:
            page = text(client.get("/members"))
        counts.add(len(captured))
    assert len(counts) == 1
    assert "Page 1 of 2" in page
    assert "Page 2 of 2" in text(client.get("/members?page=2"))


def test_names_are_shown_as_they_are_and_never_run(acme: OrganizationRecord) -> None:
    evil = "<script>alert(1)</script>{{ 7|add:7 }}\"'>"
    user = make_user(acme, "viewer", name=evil)
    client, _ = as_role(acme, "admin", name=evil)
    client.post("/groups", {"name": evil})
    group = MemberGroup.objects.get()
    for path in (
        "/",
        "/members",
        f"/members/{membership(acme, user).id}",
        "/groups",
        f"/groups/{group.id}",
        "/profile",
    ):
        page = html(client.get(path))
        assert "<script>alert" not in page
        assert "{{ 7|add:7 }}" in page


# --- Roles ------------------------------------------------------------------------------------------------------------


def test_an_admin_changes_a_role_and_it_holds_at_once(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin", name="Ada")
    user = make_user(acme, "viewer")
    at_work = visitor(acme, user)
    assert at_work.get("/members").status_code == 403
    assert "The role is changed." in change_role(client, acme, user, "admin")
    assert at_work.get("/members").status_code == 200
    [event] = events("membership.change")
    assert (event.actor_name, event.organization) == ("Ada", acme.id)
    assert event.metadata == {"user": user.email, "role": "admin", "before": "viewer"}


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_nobody_changes_his_own_role(acme: OrganizationRecord, role: str) -> None:
    client, user = as_role(acme, role)
    make_user(acme, "owner")
    for wanted in ("owner", "viewer"):
        assert "You cannot change your own membership." in change_role(client, acme, user, wanted)
    client.post(f"/members/{membership(acme, user).id}/remove")
    assert role_of(acme, user) == role
    assert "<select" not in html(client.get(f"/members/{membership(acme, user).id}"))
    assert log() == []


def test_an_admin_makes_changes_and_removes_no_owner(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin")
    owner, accomplice = make_user(acme, "owner"), make_user(acme, "viewer")
    make_user(acme, "owner")
    assert "You cannot give this role." in change_role(client, acme, accomplice, "owner")
    assert "Only an owner can change or remove an owner." in change_role(client, acme, owner, "viewer")
    client.post(f"/members/{membership(acme, owner).id}/remove")
    assert (role_of(acme, owner), role_of(acme, accomplice)) == ("owner", "viewer")
    assert "cannot change this membership" in text(client.get(f"/members/{membership(acme, owner).id}"))


@pytest.mark.parametrize("role", ["technician", "auditor", "superuser", "", "OWNER"])
def test_there_are_no_other_roles(acme: OrganizationRecord, role: str) -> None:
    client, _ = as_role(acme, "owner")
    user = make_user(acme, "viewer")
    assert "You cannot give this role." in change_role(client, acme, user, role)
    assert role_of(acme, user) == "viewer"


def test_the_last_owner_stays_whoever_asks(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    owner = make_user(acme, "owner")
    make_user(acme, "owner", is_active=False)
    staff = visitor(acme, make_user(msp, "owner", all_organizations=True))
    assert "This is the last owner." in change_role(staff, acme, owner, "viewer")
    staff.post(f"/members/{membership(acme, owner).id}/remove")
    assert role_of(acme, owner) == "owner"
    successor = make_user(acme, "admin")
    assert "The role is changed." in change_role(staff, acme, successor, "owner")
    assert "The role is changed." in change_role(staff, acme, owner, "viewer")


def test_two_owners_cannot_remove_each_other(acme: OrganizationRecord) -> None:
    (first, ada), (second, bea) = as_role(acme, "owner"), as_role(acme, "owner")
    first.post(f"/members/{membership(acme, bea).id}/remove")
    assert second.post(f"/members/{membership(acme, ada).id}/remove").status_code == 403
    assert (role_of(acme, ada), role_of(acme, bea)) == ("owner", None)


def test_who_is_removed_is_out_at_once_and_out_of_groups(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin")
    user = make_user(acme, "requester")
    group = MemberGroup.objects.create(organization_id=acme.id, name="Finance")
    group.members.add(membership(acme, user))
    at_work = visitor(acme, user)
    assert at_work.get("/").status_code == 200
    client.post(f"/members/{membership(acme, user).id}/remove")
    assert at_work.get("/").status_code == 403
    assert directory.groups_of(user.id, acme.id) == frozenset()
    assert User.objects.filter(id=user.id).exists()
    assert log("membership.delete")


def test_technicians_and_auditors_of_the_msp_manage_nobody(acme: OrganizationRecord, msp: OrganizationRecord) -> None:
    for role in ("technician", "auditor"):
        assert visitor(acme, make_user(msp, role, all_organizations=True)).get("/members").status_code == 403


def test_the_msps_own_people_are_managed_by_those_who_manage_staff(msp: OrganizationRecord) -> None:
    member = make_user(msp, "auditor")
    admin = visitor(msp, make_user(msp, "admin", all_organizations=True))
    owner = visitor(msp, make_user(msp, "owner", all_organizations=True))
    assert admin.get("/members").status_code == 403
    assert admin.post(f"/members/{membership(msp, member).id}", {"role": "owner"}).status_code == 403
    assert "The role is changed." in change_role(owner, msp, member, "technician")


# --- Another organization's -------------------------------------------------------------------------------------------


def test_another_organizations_members_and_groups_are_not_found(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    client, _ = as_role(acme, "owner")
    theirs = membership(globex, make_user(globex, "viewer"))
    group = MemberGroup.objects.create(organization_id=globex.id, name="Theirs")
    for id_ in (theirs.id, uuid4()):
        assert client.get(f"/members/{id_}").status_code == 404
        client.post(f"/members/{id_}", {"role": "owner"})
        assert "no member any more" in text(client.get("/members"))
        client.post(f"/members/{id_}/remove")
    for id_ in (group.id, uuid4()):
        assert client.get(f"/groups/{id_}").status_code == 404
        assert client.post(f"/groups/{id_}", {"name": "Mine"}).status_code == 404
        assert client.post(f"/groups/{id_}/delete").status_code == 404
    theirs.refresh_from_db()
    group.refresh_from_db()
    assert (theirs.role, group.name) == ("viewer", "Theirs")


def test_a_group_takes_no_member_of_another_organization(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    client, _ = as_role(acme, "owner")
    theirs = make_user(globex, "viewer")
    client.post("/groups", {"name": "Finance"})
    group = MemberGroup.objects.get()
    answer = client.post(f"/groups/{group.id}", {"name": "Finance", "members": [str(membership(globex, theirs).id)]})
    assert answer.status_code == 200
    assert directory.groups_of(theirs.id, acme.id) == frozenset()
    assert group.members.count() == 0


# --- Groups -----------------------------------------------------------------------------------------------------------


def test_a_group_is_made_filled_renamed_and_deleted(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin", name="Ada")
    user = make_user(acme, "requester", name="Rita")
    page = client.post("/groups", {"name": "Finance"})["Location"]
    group = MemberGroup.objects.get()
    assert page == f"/groups/{group.id}"
    assert "Rita" in text(client.get(page))
    client.post(page, {"name": "Controlling", "members": [str(membership(acme, user).id)]})
    assert directory.groups_of(user.id, acme.id) == {group.id}
    assert "Controlling 1 member" in text(client.get("/groups"))
    assert "Controlling" in text(visitor(acme, user).get("/profile"))
    client.post(f"{page}/delete")
    assert directory.groups_of(user.id, acme.id) == frozenset()
    done = [(operation, name) for operation, _, name in log()]
    assert done == [("group.create", "Ada"), ("group.change", "Ada"), ("group.delete", "Ada")]


def test_a_groups_name_is_there_once_in_an_organization(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    MemberGroup.objects.create(organization_id=globex.id, name="Finance")
    client, _ = as_role(acme, "admin")
    assert client.post("/groups", {"name": "Finance"}).status_code == 302
    assert "There is a group FINANCE already." in text(client.post("/groups", {"name": "FINANCE"}))
    page = client.post("/groups", {"name": "Sales"})["Location"]
    assert "There is a group finance already." in text(client.post(page, {"name": "finance"}))
    assert "This field is required." in text(client.post("/groups", {"name": "  "}))


def test_groups_are_those_of_the_organization_that_is_asked_about(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(acme, "viewer")
    there = Membership.objects.create(user=user, organization_id=globex.id, role="viewer")
    group = MemberGroup.objects.create(organization_id=globex.id, name="Theirs")
    group.members.add(there)
    directory.forget()
    assert directory.groups_of(user.id, acme.id) == frozenset()
    assert directory.groups_of(user.id, globex.id) == {group.id}
