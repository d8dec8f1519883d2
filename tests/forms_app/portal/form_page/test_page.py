"""The page by which a form is filled in, as a browser without JavaScript meets it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from orgs.records import OrganizationRecord
from tests.factories import make_user

from .conftest import ITEMS, PAGE, MakeForm, executions, filled, hidden, text

# --- the form as it begins --------------------------------------------------------------------------------------------


def test_the_form_is_shown_with_its_fields(acme: OrganizationRecord, requester: Client, make_form: MakeForm) -> None:
    make_form(acme, description="For new <colleagues>")
    answer = requester.get(PAGE)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    seen = text(answer)
    for part in ("Welcome <somebody>", "For new <colleagues>", "Name", "Country", "Send it", "By the clock of UTC"):
        assert part in seen, part
    assert b"<somebody>" not in answer.content


def test_a_link_fills_it_in(acme: OrganizationRecord, requester: Client, make_form: MakeForm) -> None:
    make_form(acme)
    page = requester.get(f"{PAGE}?name=%3Cb%3EAda&country=uk&password=hunter2&town=uk%201&evil=1").content.decode()
    assert 'value="&lt;b&gt;Ada"' in page
    assert '<option value="uk" selected>' in page
    assert '<input type="hidden" name="v.town" value="uk 1" data-held>' in page
    assert "hunter2" not in page and "evil" not in page


@pytest.mark.parametrize("slug", ["other", "welcome2", "a" * 150])
def test_a_form_that_is_none_is_not_found(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm, slug: str
) -> None:
    make_form(acme)
    assert requester.get(f"/o/acme/forms/{slug}").status_code == 404
    assert requester.post(f"/o/acme/forms/{slug}", filled()).status_code == 404


def test_what_is_not_published_or_another_organizations_is_not_found(
    acme: OrganizationRecord, globex: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(globex, slug="theirs")
    make_form(acme, slug="draft", published=False)
    for slug in ("theirs", "draft"):
        for path in (f"/o/acme/forms/{slug}", f"/o/acme/forms/{slug}/options/town"):
            assert requester.post(path, filled()).status_code == 404
    # At the other organization's address nobody of Acme is let in.
    assert requester.get("/o/globex/forms/theirs").status_code == 403
    assert executions(acme) == executions(globex) == []


def test_who_may_not_submit_forms_finds_none_and_who_is_not_signed_in_is_led_to_signing_in(
    acme: OrganizationRecord, make_form: MakeForm
) -> None:
    make_form(acme)
    assert Client().get(PAGE).status_code == 302
    viewer = Client()
    viewer.force_login(make_user(acme, "viewer"))
    assert viewer.get(PAGE).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_fields(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    make_form(acme, [{"name": f"field_{number}"} for number in range(150)], slug="long")
    requester.get(PAGE)
    counts = []
    for slug in ("welcome", "long"):
        with CaptureQueriesContext(connection) as queries:
            requester.get(f"/o/acme/forms/{slug}")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- submitting -------------------------------------------------------------------------------------------------------


def test_what_was_filled_in_starts_the_workflow_and_leads_to_its_page(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    form = make_form(acme)
    begun = requester.get(PAGE)
    sent = filled(begun, name=" Ada ", country="de", town="de 2", at="2026-01-31T09:30")
    answer = requester.post(PAGE, sent)
    [execution] = executions(acme)
    assert answer.status_code == 302 and answer["Location"] == f"/o/acme/requests/{execution['id']}"
    assert execution["input"]["name"] == "Ada" and execution["input"]["town"] == "de 2"
    assert execution["input"]["at"] == "2026-01-31T09:30:00Z"
    assert execution["trigger"]["type"] == "form" and execution["trigger"]["formId"] == str(form.id)
    assert execution["trigger"]["submissionId"] == hidden(begun, "-submission")


def test_many_clicks_are_one(acme: OrganizationRecord, requester: Client, make_form: MakeForm) -> None:
    make_form(acme)
    sent = filled(requester.get(PAGE))
    cookies = requester.cookies

    def click(_number: int) -> str:
        client = Client()
        client.cookies = cookies
        try:
            return str(client.post(PAGE, sent)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as clicks:
        places = set(clicks.map(click, range(10)))
    assert len(places) == len(executions(acme)) == 1


def test_going_back_and_sending_other_values_is_asked_about_and_then_another_one(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    begun = requester.get(PAGE)
    requester.post(PAGE, filled(begun))
    again = requester.post(PAGE, filled(begun, name="Bo"))
    assert again.status_code == 409 and "What this page started before" in text(again)
    assert 'value="Bo"' in again.content.decode()
    assert requester.post(PAGE, filled(again, name="Bo")).status_code == 302
    assert len(executions(acme)) == 2


def test_every_mistake_is_told_on_top_and_at_its_field_and_nothing_that_was_typed_is_lost(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    begun = requester.get(PAGE)
    answer = requester.post(PAGE, filled(begun, name="", country="fr", at="2026-02-30T10:00", password="hunter2"))
    page, seen = answer.content.decode(), text(answer)
    assert answer.status_code == 400 and "There are 3 problems" in seen
    assert "Name must be filled in" in seen and "Country is not among the options" in seen
    assert 'value="2026-02-30T10:00"' in page
    assert "hunter2" not in page and "Type it again" in seen
    assert hidden(answer, "-submission") == hidden(begun, "-submission")
    assert executions(acme) == []


def test_an_option_that_is_not_offered_is_refused_also_where_it_was_before(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    answer = requester.post(PAGE, filled(country="uk", town="de 1"))
    assert answer.status_code == 400 and "Town is not among the options" in text(answer)
    # The options of the other country are there, and none is chosen.
    assert '<option value="uk 1">' in answer.content.decode() and executions(acme) == []


def test_a_provider_that_fails_stops_the_form_with_a_sentence(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    answer = requester.post(PAGE, filled(country="broken", town="broken 1"))
    assert answer.status_code == 503 and "hunter2" not in answer.content.decode()
    assert "There is a problem" in text(answer) and executions(acme) == []


@pytest.mark.parametrize("submission", ["", "x", "' OR 1=1", "\x00"])
def test_a_page_without_a_proper_id_of_its_submission_gets_one(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm, submission: str
) -> None:
    make_form(acme)
    assert requester.post(PAGE, filled() | {"-submission": submission}).status_code == 302


def test_a_form_that_another_page_sends_is_refused(acme: OrganizationRecord, make_form: MakeForm) -> None:
    make_form(acme)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user(acme, "requester"))
    assert strict.post(PAGE, filled()).status_code == 403
    assert executions(acme) == []


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_kept_while_the_rest_is_mended(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    items = [*ITEMS[:1], {"name": "paper", "kind": "file", "sent": False, "rules": {"types": [".txt"]}}]
    make_form(acme, items)
    begun = requester.get(PAGE)
    assert 'enctype="multipart/form-data"' in begun.content.decode()
    sent = {"-asked": ["v.name", "v.paper"], "-submission": hidden(begun, "-submission"), "v.name": ""}
    answer = requester.post(PAGE, sent | {"v.paper": SimpleUploadedFile("a.txt", b"plain words", "text/plain")})
    assert answer.status_code == 400 and "a.txt" in text(answer)
    token = hidden(answer, "v.paper.kept")
    assert requester.post(PAGE, sent | {"v.name": "Ada", "v.paper.kept": token}).status_code == 302
    # Somebody else's token recalls nothing.
    other = Client()
    other.force_login(make_user(acme, "requester"))
    assert "a.txt" not in text(other.post(PAGE, sent | {"v.paper.kept": token}))
