"""Who gets into an organization's portal, and what everybody else is told: always the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from orgs import directory
from orgs.models import Membership, User
from orgs.records import OrganizationRecord
from orgs.signing_in import FROM_ONE_PLACE, OF_ONE_ACCOUNT
from tests.audit_log import log
from tests.factories import PASSWORD, change, make_user
from tests.forms_app.portal.people import (
    as_role,
    at_host,
    html,
    letters_sent,
    link_in,
    membership,
    sign_in,
    text,
    visitor,
)

REFUSED = "The e-mail address or the password is wrong, or the account has no access here."
TOO_OFTEN = "Too many attempts."
WITHOUT_EMAIL = "django.core.mail.backends.dummy.EmailBackend"


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


@pytest.mark.parametrize("role", ["owner", "admin", "operator", "requester", "viewer"])
def test_every_member_signs_in_and_comes_home(acme: OrganizationRecord, role: str) -> None:
    user = make_user(acme, role, name="Ada")
    client = visitor(acme)
    answer = sign_in(client, user.email.upper())
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Ada" in text(client.get("/"))


def test_staff_sign_in_where_their_scope_leads(
    acme: OrganizationRecord, globex: OrganizationRecord, msp: OrganizationRecord
) -> None:
    technician = make_user(msp, "technician", organizations=(acme,))
    at_acme, at_globex = visitor(acme), visitor(globex)
    assert sign_in(at_acme, technician.email).status_code == 302
    assert is_in(at_acme)
    assert REFUSED in text(sign_in(at_globex, technician.email))


class CountingHasher(MD5PasswordHasher):
    """Says how much work was done: its work is what takes time."""

    hashed = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.hashed += 1
        return super().encode(password, salt)


def test_whoever_may_not_enter_learns_nothing_from_the_words_or_the_time(
    acme: OrganizationRecord, globex: OrganizationRecord, settings: Settings
) -> None:
    member = make_user(acme, "viewer")
    stranger = make_user(globex, "owner")
    gone = make_user(acme, "viewer", is_active=False)
    nowhere = make_user()
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    pages, work = set(), set()
    tries = [(member.email, "wrong"), *((user.email, PASSWORD) for user in (stranger, gone, nowhere))]
    for email, password in [*tries, ("nobody@example.com", PASSWORD)]:
        client = visitor(acme)
        CountingHasher.hashed = 0
        answer = sign_in(client, email, password)
        pages.add((answer.status_code, text(answer)))
        work.add(CountingHasher.hashed)
        assert not is_in(client)
    assert len(pages) == 1 and REFUSED in pages.pop()[1]
    assert work == {1}


def test_an_organization_that_does_not_exist_looks_like_one_at_which_one_has_no_account(
    acme: OrganizationRecord,
) -> None:
    make_user(acme, "viewer")
    pages = set()
    for name in ("acme", "nope", "%00"):
        client = Client()
        pages.add(text(client.get(f"/o/{name}/sign-in")))
        answer = client.post(f"/o/{name}/sign-in", {"username": "nobody@example.com", "password": PASSWORD})
        pages.add(text(answer).replace(REFUSED, "").strip())
    assert "Acme" not in "".join(pages)
    assert len({page for page in pages if REFUSED not in page}) <= 2


def test_a_suspended_organizations_portal_lets_nobody_in_and_tells_only_its_own(acme: OrganizationRecord) -> None:
    inside, user = as_role(acme, "owner")
    change(acme, status="suspended")
    assert inside.get("/").status_code == 403
    client = visitor(acme)
    assert "This portal is closed at present." in text(sign_in(client, user.email))
    assert REFUSED in text(sign_in(client, user.email, "wrong"))
    assert "_auth_user_id" not in client.session


def test_somebody_deactivated_is_out_at_once(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "owner")
    assert is_in(client)
    User.objects.filter(id=user.id).update(is_active=False)
    directory.forget()
    assert client.get("/")["Location"] == "/sign-in?next=/"


def test_somebody_removed_is_out_and_can_sign_out(acme: OrganizationRecord) -> None:
    client, user = as_role(acme, "viewer")
    membership(acme, user).delete()
    directory.forget()
    answer = client.get("/")
    assert answer.status_code == 403
    assert 'action="/sign-out"' in html(answer)
    assert client.post("/sign-out")["Location"] == "/sign-in"


def test_a_member_of_two_organizations_goes_to_either(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    Membership.objects.create(user=user, organization_id=globex.id, role="owner")
    directory.forget()
    at_host(globex)
    for organization, other in ((acme, "globex"), (globex, "acme")):
        at_host(organization)
        client = visitor(organization)
        assert sign_in(client, user.email).status_code == 302
        assert f'href="http://{other}.localhost/"' in html(client.get("/"))
    by_path = Client()
    by_path.force_login(user)
    assert 'href="/o/globex/"' in html(by_path.get("/o/acme/"))
    assert by_path.get("/o/globex/").status_code == 200


def test_a_session_of_one_organization_opens_no_other(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    user = make_user(acme, "owner")
    at_globex = visitor(globex, user)
    assert at_globex.get("/").status_code == 403
    assert at_globex.get("/members").status_code == 403


# --- Where one comes from and goes to --------------------------------------------------------------------------------


def test_after_signing_in_one_is_where_one_wanted_to_be(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    client = visitor(acme)
    wanted = client.get("/profile?from=mail")["Location"]
    assert wanted == "/sign-in?next=/profile%3Ffrom%3Dmail"
    assert 'name="next" value="/profile?from=mail"' in html(client.get(wanted))
    assert sign_in(client, user.email, next="/profile?from=mail")["Location"] == "/profile?from=mail"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        " https://evil.example",
        "http://globex.localhost/",
        "/\tevil\n//",
    ],
)
def test_nobody_is_led_to_another_site(acme: OrganizationRecord, elsewhere: str) -> None:
    user = make_user(acme, "viewer")
    client = visitor(acme)
    led = sign_in(client, user.email, next=elsewhere)["Location"]
    assert led.startswith("/") and not led.startswith(("//", "/\\"))
    assert "evil.example" not in html(client.get("/sign-in", {"next": elsewhere}))


def test_signing_out_is_a_post_and_ends_the_session(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "viewer")
    assert client.get("/sign-out").status_code == 405
    assert is_in(client)
    client.post("/sign-out")
    assert not is_in(client)
    assert "You are signed out." in text(client.get("/sign-in"))


def test_a_form_from_elsewhere_is_refused(acme: OrganizationRecord) -> None:
    user = make_user(acme, "owner")
    client = Client(enforce_csrf_checks=True, headers={"Host": at_host(acme)})
    assert sign_in(client, user.email).status_code == 403
    client.force_login(user)
    for path in ("/sign-out", "/profile", "/profile/password", "/profile/tokens", "/members/invite", "/branding"):
        assert client.post(path, {}).status_code == 403


def test_the_session_changes_its_name_when_one_signs_in(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    client = visitor(acme)
    client.get("/sign-in")
    before = client.session.session_key
    sign_in(client, user.email)
    assert client.session.session_key != before


# --- Guessing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exists", [True, False])
def test_after_many_wrong_passwords_even_the_right_one_waits(acme: OrganizationRecord, exists: bool) -> None:
    email = make_user(acme, "viewer").email if exists else "nobody@example.com"
    client = visitor(acme)
    for _ in range(FROM_ONE_PLACE.most):
        assert REFUSED in text(sign_in(client, email, "wrong"))
    assert TOO_OFTEN in text(sign_in(client, email))
    other = make_user(acme, "viewer")
    assert sign_in(client, other.email).status_code == 302
    if exists:
        with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
            assert sign_in(visitor(acme), email).status_code == 302


def test_one_account_cannot_be_guessed_from_many_places(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    client = visitor(acme)
    for number in range(OF_ONE_ACCOUNT.most):
        client.post("/sign-in", {"username": user.email, "password": "no"}, REMOTE_ADDR=f"10.0.0.{number}")
    answer = client.post("/sign-in", {"username": user.email, "password": PASSWORD}, REMOTE_ADDR="10.0.1.1")
    assert TOO_OFTEN in text(answer)


def test_the_staffs_sign_in_is_as_patient_and_no_more(msp: OrganizationRecord) -> None:
    user = make_user(msp, "owner", all_organizations=True)
    client = Client()
    for _ in range(FROM_ONE_PLACE.most):
        client.post("/admin/login/", {"username": user.email, "password": "wrong"})
    assert TOO_OFTEN in text(client.post("/admin/login/", {"username": user.email, "password": PASSWORD}))


def test_a_success_wipes_out_the_failures_before_it(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    for _ in range(3):
        for _ in range(FROM_ONE_PLACE.most - 1):
            sign_in(visitor(acme), user.email, "wrong")
        assert sign_in(visitor(acme), user.email).status_code == 302


# --- A new password --------------------------------------------------------------------------------------------------


def reset_link(acme: OrganizationRecord, user: User) -> str:
    mail.outbox.clear()
    assert visitor(acme).post("/reset", {"email": user.email})["Location"] == "/reset/sent"
    [letter] = letters_sent()
    assert letter.to == [user.email]
    return link_in(letter)


def follow(client: Client, link: str) -> str:
    """Opens the link; the address of the page that asks for the password, or "" where the link is not good."""
    answer = client.get(link)
    if answer.status_code == 302:
        return str(answer["Location"])
    assert "This link is no longer good" in text(answer)
    return ""


NEW = {"new_password1": "quite another horse", "new_password2": "quite another horse"}


def test_a_new_password_is_set_by_a_link_once_and_ends_all_sessions(acme: OrganizationRecord) -> None:
    inside, user = as_role(acme, "viewer")
    link = reset_link(acme, user)
    client = visitor(acme)
    page = follow(client, link)
    token = link.rpartition("/")[2]
    assert token not in page and token not in html(client.get(page))
    assert client.post(page, NEW)["Location"] == "/sign-in"
    assert not is_in(inside)
    assert not is_in(client)
    assert sign_in(client, user.email, NEW["new_password1"]).status_code == 302
    assert REFUSED in text(sign_in(visitor(acme), user.email))
    assert follow(visitor(acme), link) == ""
    assert log() == [("user.change", f"user:{user.id}", user.email)]


def test_a_reset_link_is_no_good_when_late_tampered_with_or_at_another_organization(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    user = make_user(acme, "viewer")
    link = reset_link(acme, user)
    assert follow(visitor(globex), link) == ""
    assert follow(visitor(acme), link[:-1] + ("0" if link[-1] != "0" else "1")) == ""
    other = make_user(acme, "owner")
    foreign = reset_link(acme, other).split("/")
    assert follow(visitor(acme), "/".join([*foreign[:-1], link.rpartition("/")[2]])) == ""
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert follow(visitor(acme), link) == ""
    assert follow(visitor(acme), link)


def test_a_link_that_was_opened_in_time_still_ends_with_a_password_change(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    client = visitor(acme)
    page = follow(client, reset_link(acme, user))
    user.set_password("changed meanwhile 1")
    user.save()
    assert "This link is no longer good" in text(client.post(page, NEW))


def test_nobody_else_gets_a_letter_and_the_answer_is_the_same(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    closed_out = make_user(acme, "viewer", is_active=False)
    stranger = make_user(globex, "owner")
    mail.outbox.clear()
    for email in (closed_out.email, stranger.email, "nobody@example.com"):
        assert visitor(acme).post("/reset", {"email": email})["Location"] == "/reset/sent"
    assert letters_sent() == []


def test_nobody_is_flooded_with_letters(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer")
    mail.outbox.clear()
    for _ in range(5):
        answer = visitor(acme).post("/reset", {"email": user.email})
    assert TOO_OFTEN in text(answer)
    assert len(letters_sent()) == 3


def test_the_letter_leads_to_the_organization_where_it_was_asked_for(acme: OrganizationRecord) -> None:
    user = make_user(acme, "viewer", name="<b>Ada</b>\r\nBcc: eve@example.com")
    reset_link(acme, user)
    [letter] = letters_sent()
    assert "http://acme.localhost/reset/" in letter.body
    assert "Bcc" not in letter.message().as_string().partition("\n\n")[0]


def test_without_an_e_mail_server_the_pages_say_whom_to_ask(acme: OrganizationRecord, settings: Settings) -> None:
    settings.EMAIL_BACKEND = WITHOUT_EMAIL
    client = visitor(acme)
    assert "Ask your provider for a new one." in text(client.get("/sign-in"))
    assert "No e-mail can be sent from here." in text(client.get("/reset"))
