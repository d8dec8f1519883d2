"""A form that was filled in for longer than its page was good: nothing is submitted, and nothing is lost."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from orgs.models import User
from orgs.records import OrganizationRecord
from tests.factories import PASSWORD, make_user
from tests.forms_app.conftest import FormMaker, submissions
from tests.forms_app.portal.people import at_host, html, text, visitor

PAGE = "/forms/keep"
ITEMS: list[dict[str, Any]] = [
    {"type": "field", "name": "note", "kind": "text", "label": "Note"},
    {"type": "field", "name": "password", "kind": "secret", "label": "New password", "required": True},
    {
        "type": "field",
        "name": "rows",
        "kind": "group",
        "label": "Rows",
        "sent": False,
        "fields": [{"name": "item", "label": "Item"}],
    },
]
SENT = {"v.note": '"><script>', "v.password": "hunter2", "v.rows": ["0"], "v.rows.0.item": "pen"}


@pytest.fixture(autouse=True)
def form(acme: OrganizationRecord, make_form: FormMaker) -> None:
    make_form(acme, "keep", slug="keep", items=ITEMS)


@pytest.fixture
def person(acme: OrganizationRecord) -> User:
    return make_user(acme, "requester")


def fields(answer: HttpResponseBase) -> dict[str, list[str]]:
    """What the hidden inputs of a page say."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html(answer)):
        found.setdefault(unescape(name), []).append(unescape(value))
    return found


def submitted_too_late(client: Client) -> HttpResponseBase:
    """The answer to the form of a person whose session has ended meanwhile."""
    begun = fields(client.get(PAGE))
    client.cookies.pop("sessionid")
    return client.post(
        PAGE, {**begun, **SENT, "-asked": ["v.note", "v.password", "v.rows"], "-submission": begun["-submission"]}
    )


def test_who_submits_too_late_signs_in_and_has_it_all_but_secrets_again(acme: OrganizationRecord, person: User) -> None:
    client = visitor(acme, person)
    late = submitted_too_late(client)
    assert late.status_code == 401 and "no-store" in late["Cache-Control"]
    assert "what you filled in is kept: sign in" in text(late)
    assert "hunter2" not in html(late) and "<script>" not in html(late)

    wrong = client.post("/sign-in", {**fields(late), "username": person.email, "password": "wrong"})
    assert fields(wrong)["v.note"] == ['"><script>'] and "what you filled in is kept" in text(wrong)
    back = client.post("/sign-in", {**fields(wrong), "username": person.email, "password": PASSWORD})
    assert back.status_code == 200 and "Nothing was submitted yet" in text(back)
    assert f'action="{PAGE}"' in html(back) and PASSWORD not in html(back)

    again = client.post(PAGE, {**fields(back), "-update": "resumed"})
    assert again.status_code == 200 and "This is what you filled in. It is not submitted yet." in text(again)
    assert 'value="&quot;&gt;&lt;script&gt;"' in html(again) and 'value="pen"' in html(again)
    assert fields(again)["-submission"] == fields(late)["-submission"]
    assert submissions(acme) == []
    done = client.post(PAGE, {**fields(again), **SENT})
    assert done.status_code == 302
    assert [each.execution for each in submissions(acme)] != []


def test_who_asks_for_a_page_too_late_is_led_to_the_sign_in_as_ever(acme: OrganizationRecord) -> None:
    answer = Client(headers={"Host": at_host(acme)}).get(f"{PAGE}?note=x")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/forms/keep%3Fnote%3Dx")


def test_a_stranger_learns_nothing_of_a_form(acme: OrganizationRecord) -> None:
    client = Client(headers={"Host": at_host(acme)})
    there, nowhere = (client.post(f"/forms/{slug}", {"v.note": "x"}) for slug in ("keep", "nothing"))
    without = [re.sub(r"csrf\S+ value=\S+|/forms/\w+", "", html(answer)) for answer in (there, nowhere)]
    assert there.status_code == nowhere.status_code == 401 and without[0] == without[1]


# --- who has signed in anew, in another tab -------------------------------------------------------------------------


def with_an_old_token(acme: OrganizationRecord, person: User, **headers: str) -> tuple[Client, HttpResponseBase]:
    client = Client(enforce_csrf_checks=True, headers={"Host": at_host(acme)})
    client.force_login(person)
    begun = fields(client.get(PAGE))
    client.cookies.pop("csrftoken")
    client.get("/profile")
    sent = {**begun, "v.note": "kept", "-asked": ["v.note"]}
    return client, client.post(PAGE, sent, headers=headers)


def test_the_page_from_before_is_taken_after_a_look_at_it(acme: OrganizationRecord, person: User) -> None:
    host = at_host(acme)
    client, late = with_an_old_token(acme, person, Origin=f"http://{host}")
    assert late.status_code == 403 and "What you filled in is still here" in text(late)
    again = client.post(PAGE, {**fields(late), "-update": "resumed"}, headers={"Origin": f"http://{host}"})
    assert again.status_code == 200 and 'value="kept"' in html(again)


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_site_puts_no_words_into_a_form(acme: OrganizationRecord, person: User, origin: str) -> None:
    _client, refused = with_an_old_token(acme, person, Origin=origin)
    assert refused.status_code == 403 and "v.note" not in html(refused)
    assert "This page is out of date" in text(refused)
    assert submissions(acme) == []
