"""Forms with files over real HTTP: who may send them, and that half of what was sent is never taken for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from uuid6 import uuid7

from orgs.models import User
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.bifrost.serving import serving
from tests.factories import make_token, make_user
from tests.forms_app.conftest import FormMaker, submissions
from tests.workflows_app.live.listening import cookies_of
from workflows_app.files.models import StoredFile

LIMIT = 2_000
LARGER = {r"/api/files": 10 * LIMIT, r"(?:/o/[^/]+)?/forms/[^/]+": 10 * LIMIT}
ITEMS: list[dict[str, Any]] = [
    {"type": "field", "name": "note", "kind": "text", "label": "Note", "sent": False},
    {"type": "field", "name": "document", "kind": "file", "label": "Document", "required": True},
]
FORM = "/o/acme/forms/attach"
TOKEN = "a" * 32


@pytest.fixture
def address(engine_stops: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    # Threads of the web close their connections with each request: one that stays would keep the database.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    with serving(get_wsgi_application(), 4, LIMIT, LARGER) as made:
        yield f"http://{made}"


@pytest.fixture
def person(acme: OrganizationRecord) -> User:
    return make_user(acme, "requester")


@pytest.fixture(autouse=True)
def form(acme: OrganizationRecord, make_form: FormMaker) -> None:
    make_form(acme, "attach", slug="attach", items=ITEMS)


def sent(address: str, person: User | None, size: int, cookies: dict[str, str] | None = None, **headers: str) -> Any:
    """The answer to a form with a file of that size, from a browser in which the person has signed in."""
    known = {"csrftoken": TOKEN, **(cookies_of(person) if person else {})} if cookies is None else cookies
    fields = {"-submission": str(uuid7()), "-asked": ["v.note", "v.document"], "v.note": "kept words"}
    with httpx.Client(cookies=known, headers=headers) as browser:
        return browser.post(
            f"{address}{FORM}",
            data={"csrfmiddlewaretoken": TOKEN, **fields},
            files={"v.document": ("a.txt", b"x" * size, "text/plain")},
        )


def sizes(organization: OrganizationRecord) -> list[int]:
    """Of all files that are kept."""
    with org_context(organization):
        return list(StoredFile.objects.values_list("size", flat=True))


def test_somebody_who_is_signed_in_may_send_a_large_file(acme: OrganizationRecord, address: str, person: User) -> None:
    assert sent(address, person, 5 * LIMIT).status_code == 302
    assert sizes(acme) == [5 * LIMIT] and len(submissions(acme)) == 1


def test_what_is_larger_than_a_form_takes_is_refused_whole(
    acme: OrganizationRecord, address: str, person: User
) -> None:
    answer = sent(address, person, 11 * LIMIT)
    assert answer.status_code == 413 and "larger than what is taken at once" in answer.text
    assert sizes(acme) == [] and submissions(acme) == []


def test_of_a_stranger_s_large_file_nothing_is_kept(acme: OrganizationRecord, address: str) -> None:
    answer = sent(address, None, 5 * LIMIT)
    assert answer.status_code == 401 and "kept words" in answer.text, "the words before it come back after signing in"
    assert sizes(acme) == [] and submissions(acme) == []


def test_a_session_of_another_organization_s_person_opens_nothing(
    acme: OrganizationRecord, globex: OrganizationRecord, address: str
) -> None:
    assert sent(address, make_user(globex, "owner"), 5 * LIMIT).status_code == 403
    assert sizes(acme) == []


@pytest.mark.parametrize("how", ["without the cookie", "from elsewhere", "from nowhere"])
def test_what_another_site_makes_a_browser_send_is_not_let_in(
    acme: OrganizationRecord, address: str, person: User, how: str
) -> None:
    if how == "without the cookie":
        answer = sent(address, person, 5 * LIMIT, cookies=cookies_of(person))
    else:
        origin = {"from elsewhere": "https://elsewhere.example", "from nowhere": "null"}[how]
        answer = sent(address, person, 5 * LIMIT, Origin=origin)
    assert answer.status_code == 413
    assert sizes(acme) == [] and submissions(acme) == []


def test_a_program_s_file_is_taken_by_its_token_alone(acme: OrganizationRecord, address: str) -> None:
    files = {"file": ("a.txt", b"x" * 5 * LIMIT, "text/plain")}
    for headers in ({}, {"Authorization": "Bearer bfr_nonsense"}):
        assert httpx.post(f"{address}/api/files", files=files, headers=headers).status_code == 401
    assert sizes(acme) == []
    headers = {"Authorization": f"Bearer {make_token(acme)}"}
    assert httpx.post(f"{address}/api/files", files=files, headers=headers).status_code == 201
    files["file"] = ("a.txt", b"x" * 11 * LIMIT, "text/plain")
    assert httpx.post(f"{address}/api/files", files=files, headers=headers).status_code == 413
    assert sizes(acme) == [5 * LIMIT]
