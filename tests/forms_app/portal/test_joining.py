"""An invitation's link: it works once, for seven days, at one organization, for the owner of one address."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from orgs import directory, invitations
from orgs.models import Invitation, Membership, User
from orgs.records import OrganizationRecord
from tests.audit_log import events, log
from tests.factories import PASSWORD, change, make_user
from tests.forms_app.portal.people import as_role, html, letters_sent, link_in, text, visitor

OVER = "This link is no longer good"
NEW = "new@acme.example"
ACCOUNT = {"name": "Nell", "password": "a horse of her own", "again": "a horse of her own"}


def invited(acme: OrganizationRecord, email: str = NEW, role: str = "requester", by: str = "admin") -> str:
    """The link, as it came by mail."""
    mail.outbox.clear()
    client, _ = as_role(acme, by)
    assert client.post("/members/invite", {"email": email, "role": role})["Location"] == "/members"
    [letter] = letters_sent()
    assert letter.to == [email.lower()]
    return link_in(letter)


def role_of(email: str, organization: OrganizationRecord) -> str | None:
    rows = Membership.objects.filter(user__email=email, organization_id=organization.id)
    return rows.values_list("role", flat=True).first()


def test_somebody_new_makes_an_account_and_is_in(acme: OrganizationRecord) -> None:
    client, link = visitor(acme), invited(acme)
    page = text(client.get(link))
    assert "Join Acme" in page and NEW in page and "Requester" in page
    assert client.post(link, ACCOUNT)["Location"] == "/"
    assert "Welcome to Acme." in text(client.get("/"))
    assert role_of(NEW, acme) == "requester"
    assert [entry[0] for entry in log()] == ["invitation.create", "membership.create"]
    [joined] = events("membership.create")
    assert (joined.actor_name, joined.organization, joined.metadata) == (
        "Nell",
        acme.id,
        {"user": NEW, "role": "requester"},
    )


def test_the_link_works_once(acme: OrganizationRecord) -> None:
    link = invited(acme)
    visitor(acme).post(link, ACCOUNT)
    for client in (visitor(acme), visitor(acme, User.objects.get(email=NEW))):
        answer = client.get(link)
        assert answer.status_code == 404 and OVER in text(answer)
        assert client.post(link, {**ACCOUNT, "password": "another horse", "again": "another horse"}).status_code == 404
    assert User.objects.get(email=NEW).check_password(ACCOUNT["password"])


def test_two_who_use_it_at_once_are_one(acme: OrganizationRecord) -> None:
    secret = invited(acme).rpartition("/")[2]
    first, second = invitations.find(acme, secret), invitations.find(acme, secret)
    assert first and second
    invitations.accept_anew(acme, first, "Nell", ACCOUNT["password"])
    with pytest.raises(Exception, match="account for this address by now"):
        invitations.accept_anew(acme, second, "Eve", ACCOUNT["password"])
    with pytest.raises(Exception, match="used already"):
        invitations.accept(acme, second, User.objects.get(email=NEW))
    assert User.objects.get(email=NEW).name == "Nell"


def test_it_ends_after_a_week(acme: OrganizationRecord) -> None:
    link = invited(acme)
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23), tick=False):
        assert visitor(acme).get(link).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=False):
        assert visitor(acme).get(link).status_code == 404
        assert visitor(acme).post(link, ACCOUNT).status_code == 404
    assert not User.objects.filter(email=NEW).exists()


@pytest.mark.parametrize("tampered", ["{}x", "{}/", "x{}", "%00{}", "é{}"])
def test_a_changed_link_opens_nothing(acme: OrganizationRecord, tampered: str) -> None:
    secret = invited(acme).rpartition("/")[2]
    assert visitor(acme).get(f"/join/{tampered.format(secret)}").status_code == 404


def test_another_organizations_link_opens_nothing_here(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    link = invited(acme)
    assert visitor(globex).post(link, ACCOUNT).status_code == 404
    assert Client().post(f"/o/globex{link}", ACCOUNT).status_code == 404
    assert Client().get(f"/o/nope{link}").status_code == 404
    assert Client().get(f"/o/acme{link}").status_code == 200


def test_a_withdrawn_or_replaced_one_opens_nothing(acme: OrganizationRecord) -> None:
    first = invited(acme)
    second = invited(acme, role="viewer")
    assert visitor(acme).get(first).status_code == 404
    client, _ = as_role(acme, "admin")
    row = Invitation.objects.get(withdrawn_at=None)
    assert client.post(f"/invitations/{row.id}/withdraw")["Location"] == "/members"
    assert visitor(acme).get(second).status_code == 404
    assert [entry[0] for entry in log()] == ["invitation.create", "invitation.create", "invitation.withdraw"]


def test_a_suspended_organization_takes_nobody_in(acme: OrganizationRecord) -> None:
    link = invited(acme)
    change(acme, status="suspended")
    assert visitor(acme).post(link, ACCOUNT).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"again": "something else"}, "The two passwords differ."),
        ({"password": "12345", "again": "12345"}, "too short"),
        ({"password": "password", "again": "password"}, "too common"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_a_bad_account_is_not_made_and_uses_nothing_up(
    acme: OrganizationRecord, wrong: dict[str, str], said: str
) -> None:
    link = invited(acme)
    answer = visitor(acme).post(link, {**ACCOUNT, **wrong})
    assert answer.status_code == 200 and said in text(answer)
    assert ACCOUNT["password"] not in html(answer)
    assert visitor(acme).post(link, ACCOUNT).status_code == 302


# --- Those who have an account ----------------------------------------------------------------------------------------


def test_a_member_of_another_organization_joins_with_the_password_of_the_account(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(globex, "owner")
    link, client = invited(acme, user.email.upper()), visitor(acme)
    assert "You have an account already." in text(client.get(link))
    answer = client.post(link, ACCOUNT)
    assert "The password is wrong." in text(answer)
    assert role_of(user.email, acme) is None
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert client.post(link, {"password": PASSWORD, "username": "somebody@else.example"})["Location"] == "/"
    assert (role_of(user.email, acme), role_of(user.email, globex)) == ("requester", "owner")
    assert client.get("/").status_code == 200


def test_the_link_alone_never_opens_an_account_that_exists(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    victim, thief = make_user(globex, "owner"), make_user(acme, "requester")
    link = invited(acme, victim.email)
    as_thief = visitor(acme, thief)
    assert "The password is wrong." in text(as_thief.post(link, {"password": ""} | ACCOUNT))
    assert as_thief.session["_auth_user_id"] == str(thief.id)
    without = make_user(globex, "viewer")
    without.set_unusable_password()
    without.save()
    assert "The password is wrong." in text(visitor(acme).post(invited(acme, without.email), ACCOUNT))


def test_guessing_at_a_link_is_as_slow_as_at_the_sign_in(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(globex, "owner")
    link, client = invited(acme, user.email), visitor(acme)
    for _ in range(10):
        client.post(link, {"password": "wrong"})
    assert "Too many attempts." in text(client.post(link, {"password": PASSWORD}))


def test_who_is_signed_in_only_says_yes(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(globex, "owner")
    link = invited(acme, user.email)
    client = visitor(acme, user)
    assert "password" not in text(client.get(link)).lower()
    assert role_of(user.email, acme) is None
    assert client.post(link)["Location"] == "/"
    assert role_of(user.email, acme) == "requester"


def test_a_deactivated_person_does_not_come_back_by_an_invitation(acme: OrganizationRecord) -> None:
    user = make_user(None, is_active=False)
    link = invited(acme, user.email)
    assert visitor(acme).post(link, {"password": PASSWORD}).status_code == 200
    assert role_of(user.email, acme) is None


def test_who_became_a_member_meanwhile_keeps_the_role(acme: OrganizationRecord) -> None:
    user = make_user(None)
    link = invited(acme, user.email, "admin")
    Membership.objects.create(user=user, organization_id=acme.id, role="viewer")
    directory.forget()
    visitor(acme).post(link, {"password": PASSWORD})
    assert role_of(user.email, acme) == "viewer"


# --- Inviting ---------------------------------------------------------------------------------------------------------


def test_without_an_e_mail_server_the_inviter_gets_the_link_to_hand_over(
    acme: OrganizationRecord, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    client, _ = as_role(acme, "admin")
    page = html(client.post("/members/invite", {"email": NEW, "role": "viewer"}))
    link = page.partition("http://acme.localhost")[2].partition("<")[0]
    assert visitor(acme).post(link, ACCOUNT).status_code == 302
    assert role_of(NEW, acme) == "viewer"


def test_the_secret_of_a_link_is_kept_nowhere(acme: OrganizationRecord) -> None:
    secret = invited(acme).rpartition("/")[2]
    row = Invitation.objects.get()
    assert secret not in str(vars(row))
    assert secret not in str([vars(event) for event in events()])
    client, _ = as_role(acme, "owner")
    assert secret not in html(client.get("/members"))


def test_an_admin_invites_admins_and_only_an_owner_invites_owners(acme: OrganizationRecord) -> None:
    for by, status in (("admin", 200), ("owner", 302)):
        client, _ = as_role(acme, by)
        answer = client.post("/members/invite", {"email": f"{by}@acme.example", "role": "owner"})
        assert answer.status_code == status
    assert Invitation.objects.get().email == "owner@acme.example"
    for role in ("technician", "auditor", "superuser", ""):
        client, _ = as_role(acme, "owner")
        assert client.post("/members/invite", {"email": "x@acme.example", "role": role}).status_code == 200
    assert Invitation.objects.count() == 1


def test_a_member_is_not_invited_again(acme: OrganizationRecord) -> None:
    member = make_user(acme, "viewer")
    client, _ = as_role(acme, "owner")
    answer = client.post("/members/invite", {"email": member.email, "role": "admin"})
    assert f"{member.email} is a member already." in text(answer)
    assert not Invitation.objects.exists()
