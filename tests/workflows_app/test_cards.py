"""Result cards as people see them: by the API, on the admin's page, and whatever they hold shown as text."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import Client

from bifrost import testing
from orgs.records import OrganizationRecord
from tests.factories import make_actor, make_token, make_user
from tests.workflows_app.rest.rows import make_events, make_execution
from workflows_app.cards import MOST_CARDS, cards_of
from workflows_app.files.checking import Checked
from workflows_app.files.storing import store_for_run
from workflows_app.timeline import told

ADMIN = "/o/{}/admin/workflows_app/execution/"
FILE = {"fileId": "019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f", "name": "users.csv", "contentType": "text/csv", "size": 2381}


def line(title: str, *, key: str | None = None, attempt: int = 1, **parts: Any) -> tuple[str, str, Any]:
    """The journal's line of a card, as a workflow records it."""
    context = testing.context(attempt=attempt)
    context.result_card(title, key=key, **parts)
    [record] = context.records
    return record.kind, record.name, record.data


def shown(organization: OrganizationRecord, execution: UUID) -> list[str]:
    return [card["title"] for card in cards_of(organization, execution)]


def rendered(**parts: Any) -> str:
    """The page's part for one card."""
    context = testing.context()
    context.result_card(parts.pop("title", "Done"), **parts)
    page = render_to_string("workflows_app/cards.html", {"cards": context.cards, "file_url_name": "api-file"})
    return re.sub(r"\s+", " ", page)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_cards_come_in_their_order_and_of_one_key_the_last_in_the_place_of_the_first(acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(
        acme,
        made,
        line("1 of 2", key="progress"),
        ("log", "info", {"message": "m", "data": None}),
        line("Another"),
        line("2 of 2", key="progress"),
        line("Another"),
    )
    assert shown(acme, made) == ["2 of 2", "Another", "Another"]
    assert cards_of(acme, made)[0]["key"] == "progress"
    assert cards_of(acme, made)[1]["key"] is None


@pytest.mark.django_db
def test_values_and_columns_keep_the_authors_order(acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(acme, made, line("Done", values={"zz": 1, "a": 2, "mmm": 3}, table=[{"zz": 1, "a": 2}]))
    [card] = cards_of(acme, made)
    assert list(card["values"]) == ["zz", "a", "mmm"] and card["columns"] == ["zz", "a"]


@pytest.mark.django_db
def test_another_attempt_shows_its_cards_anew(acme: OrganizationRecord) -> None:
    made = make_execution(acme, attempt=2)
    make_events(acme, made, line("First try"), line("Second try", attempt=2))
    assert shown(acme, made) == ["Second try"]


@pytest.mark.django_db
def test_another_organizations_cards_are_not_there(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(acme, made, line("Confidential"))
    assert cards_of(globex, made) == []


@pytest.mark.django_db
def test_a_keyed_card_that_changes_often_costs_no_more(
    acme: OrganizationRecord, django_assert_num_queries: Any
) -> None:
    made = make_execution(acme)
    make_events(acme, made, *(line(f"{n} of 300", key="progress") for n in range(301)), line("Other"))
    with django_assert_num_queries(4):  # two of them set the schema and reset it
        assert shown(acme, made) == ["300 of 300", "Other"]


@pytest.mark.django_db
def test_values_under_names_of_secrets_are_redacted_even_where_the_journal_has_them(acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(
        acme, made, line("Done", values={"Password": "hunter22"}, table=[{"API token": "t0ken", "Name": "Ann"}])
    )
    [card] = cards_of(acme, made)
    assert card["values"] == {"Password": "REDACTED"}
    assert card["table"] == [{"API token": "REDACTED", "Name": "Ann"}]


def api(organization: OrganizationRecord, execution: UUID) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {make_token(organization)}"}
    record: dict[str, Any] = Client().get(f"/api/executions/{execution}", headers=headers).json()
    return record


@pytest.mark.django_db
def test_the_record_holds_them(acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    assert api(acme, made)["resultCards"] == []
    make_events(acme, made, line("Done", text="**Bold**", values={"Plan": "E3"}, files=[FILE], links=["/x"], key="k"))
    [card] = api(acme, made)["resultCards"]
    assert card == {
        "key": "k",
        "title": "Done",
        "tone": "success",
        "text": "**Bold**",
        "values": {"Plan": "E3"},
        "table": None,
        "columns": [],
        "moreRows": 0,
        "links": [{"label": "/x", "url": "/x"}],
        "files": [FILE],
    }


@pytest.mark.django_db
def test_a_record_says_where_it_has_more_cards_than_it_shows(acme: OrganizationRecord) -> None:
    made = make_execution(acme)
    make_events(acme, made, *(line(str(n)) for n in range(MOST_CARDS + 1)))
    record = api(acme, made)
    assert len(record["resultCards"]) == len(cards_of(acme, made)) == MOST_CARDS
    assert record["truncated"] == ["resultCards"]


# --- the page's part --------------------------------------------------------------------------------------------------


def test_a_card_shows_text_values_table_links_and_files() -> None:
    page = rendered(
        title="Three licences",
        text="They are **usable**.",
        values={"Plan": "E3", "Ready": True, "Failed": False, "Left": 0, "Note": None, "Groups": ["a", "b"]},
        table=[{"Name": "Ann", "Mail": "ann@acme.example"}, {"Name": "Bob"}],
        links={"The ticket": "https://psa.example/7"},
        files=[FILE],
    )
    assert re.search(r"<h2[^>]*>\s*Three licences\s*</h2>", page)
    assert "<strong>usable</strong>" in page
    assert dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)) == {
        "Plan": "E3",
        "Ready": "Yes",
        "Failed": "No",
        "Left": "0",
        "Note": "—",
        "Groups": "a, b",
    }
    assert re.findall(r'<th scope="col">(.*?)</th>', page) == ["Name", "Mail"]
    assert re.findall(r"<td>(.*?)</td>", page) == ["Ann", "ann@acme.example", "Bob", "—"]
    assert '<a href="https://psa.example/7" rel="noopener noreferrer nofollow">The ticket</a>' in page
    assert f'href="/api/files/{FILE["fileId"]}" download>users.csv</a>' in page and ">2.3 KB<" in page


def test_a_tone_is_told_in_words_not_by_colour_alone() -> None:
    assert "Note" in rendered(tone="warning") and "Problem" in rendered(tone="error")
    assert "card-tone" not in rendered(tone="success") + rendered(tone="info")


def test_a_table_that_was_cut_says_so() -> None:
    assert "1 more row is not shown." in rendered(table=[{"n": n} for n in range(501)])
    assert "7 more rows are not shown." in rendered(table=[{"n": n} for n in range(507)])


def test_whatever_a_card_holds_is_shown_as_text() -> None:
    evil = "<script>alert(1)</script>{{ 7|add:7 }}"
    page = rendered(
        title=evil,
        text=evil,
        values={evil: evil, "deep": {"x": evil}, "list": [evil]},
        table=[{evil: evil}],
        links={evil: "https://a.example/?q='\"><script>"},
        files=[{**FILE, "name": evil}],
        key=evil,
    )
    assert "<script" not in page and "14" not in page.replace("2014", "")
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 8
    assert all('"' not in address and "<" not in address for address in re.findall(r'href="([^"]*)"', page))


def test_values_that_are_called_like_methods_are_values() -> None:
    page = rendered(values={"items": "three", "keys": "none"})
    assert "<dd>three</dd>" in page


def test_a_file_of_which_only_the_id_is_known_has_a_link() -> None:
    assert f"download>{FILE['fileId']}</a>" in rendered(files=[{"fileId": FILE["fileId"]}])


def test_the_journal_tells_of_a_card_by_its_title() -> None:
    kind, name, data = line("Done", values={"a": 1})
    assert told(kind, name, data) == ("Done", {"values": {"a": 1}})


# --- the staff's page -------------------------------------------------------------------------------------------------


def staff(organization: OrganizationRecord, role: str = "technician") -> Client:
    client = Client()
    client.force_login(make_user(organization, role, all_organizations=organization.is_msp))
    return client


@pytest.fixture
def with_file(acme: OrganizationRecord) -> tuple[UUID, dict[str, Any]]:
    """An execution with a card that has a file."""
    made = make_execution(acme)
    file = store_for_run(acme, made, make_actor(), Checked("users.csv", "text/csv", False), b"a;b", "1")
    make_events(acme, made, line("Three licences", text="*Soon*", files=[file]))
    return made, file


@pytest.mark.django_db
def test_the_page_of_an_execution_shows_its_cards_and_their_files(
    acme: OrganizationRecord, msp: OrganizationRecord, with_file: tuple[UUID, dict[str, Any]]
) -> None:
    made, file = with_file
    client = staff(msp)
    page = client.get(f"{ADMIN.format('acme')}{made}/change/").content.decode()
    assert "Three licences" in page and "<em>Soon</em>" in page
    assert "/static/workflows_app/cards.css" in page
    address = f"{ADMIN.format('acme')}files/{file['fileId']}/"
    assert f'href="{address}"' in page

    download: HttpResponse = client.get(address)
    assert (download.status_code, download.content) == (200, b"a;b")
    assert download["Content-Disposition"] == 'attachment; filename="users.csv"'


@pytest.mark.django_db
def test_a_file_is_not_found_by_those_who_may_not_see_its_execution(
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    msp: OrganizationRecord,
    with_file: tuple[UUID, dict[str, Any]],
) -> None:
    _, file = with_file
    assert staff(msp).get(f"{ADMIN.format('globex')}files/{file['fileId']}/").status_code == 404
    assert staff(globex).get(f"{ADMIN.format('acme')}files/{file['fileId']}/").status_code in (302, 403, 404)
    assert staff(msp).get(f"{ADMIN.format('acme')}files/not-an-id/").status_code in (302, 404)
    assert Client().get(f"{ADMIN.format('acme')}files/{file['fileId']}/").status_code == 302
