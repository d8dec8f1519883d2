"""The page by which a form is filled in, as a browser without JavaScript meets it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from forms_app import public
from forms_app.models import Form, FormVersion, Submission
from orgs.records import COMMAND_LINE, OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from workflows_app import catalog
from workflows_app.engine import process
from workflows_app.models import Execution

PAGE = "/o/acme/forms/welcome"
SOURCE = """
    from bifrost import data_provider, param, workflow

    @workflow(category="examples")
    @param("password", "secret")
    async def welcome(context, name: str, country: str = "", town: str = "", password: str = "", at: str = ""):
        return {"name": name, "country": country, "town": town, "at": at}

    @data_provider(name="towns", description="Towns of a country", cache_ttl_seconds=0)
    async def towns(context, country=None):
        if country == "broken":
            raise RuntimeError("the password is hunter2")
        return [{"value": f"{country} {number}", "label": f"Town {number}"} for number in (1, 2)]
"""
ITEMS: list[dict[str, Any]] = [
    {"name": "name", "label": "Name", "required": True},
    {"name": "country", "kind": "choice", "choices": ["de", "uk", "broken"], "label": "Country"},
    {"name": "town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}, "label": "Town"},
    {"name": "password", "kind": "secret", "label": "Password"},
    {"name": "at", "kind": "datetime", "label": "Start"},
]
MakeForm = Callable[..., Form]


@pytest.fixture(autouse=True)
def workspace(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    (settings.WORKSPACE / "workflows" / "welcoming.py").write_text(dedent(SOURCE))
    catalog.refresh()
    yield
    process.stop(grace=0)


@pytest.fixture
def make_form() -> MakeForm:
    """A published form of the organization."""

    def make(organization: OrganizationRecord, items: list[dict[str, Any]] | None = None, **parts: Any) -> Form:
        said = {"slug": "welcome", "name": "Welcome <somebody>", "workflow": "welcome", "published": True, **parts}
        with org_context(organization):
            form = Form.objects.create(**said)
            FormVersion.objects.create(
                form=form.id,
                number=1,
                items=items or ITEMS,
                submit_label="Send it",
                confirmation="**Welcome**",
                saved_by={"kind": "system", "id": "system", "email": "", "name": "Test"},
            )
        return form

    return make


@pytest.fixture
def requester(acme: OrganizationRecord) -> Client:
    """Somebody of Acme who may submit forms."""
    client = Client()
    client.force_login(make_user(acme, "requester"))
    return client


def text(answer: HttpResponse) -> str:
    """What one reads of the page's own part."""
    body = re.sub(r"<(script|template|noscript).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def hidden(answer: HttpResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, name
    return unescape(found[1])


def filled(answer: HttpResponse | None = None, **values: Any) -> dict[str, Any]:
    """What a browser sends: all fields that are asked, with the values given."""
    asked = [f"v.{item['name']}" for item in ITEMS]
    submission = hidden(answer, "-submission") if answer else str(uuid4())
    given = {f"v.{name}": value for name, value in values.items() if name.isidentifier()}
    return {"-asked": asked, "-submission": submission, "v.name": "Ada", **given}


def executions(organization: OrganizationRecord) -> list[dict[str, Any]]:
    with org_context(organization):
        return list(Execution.objects.values("id", "input", "trigger", "status"))


# --- the form as it begins ---------------------------------------------------------------------------------------


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


# --- submitting --------------------------------------------------------------------------------------------------


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


# --- files -------------------------------------------------------------------------------------------------------


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


# --- without JavaScript ------------------------------------------------------------------------------------------


def test_a_button_shows_the_options_and_the_parts_that_belong_to_the_answers(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    condition = {"field": "country", "is": "equals", "value": "uk"}
    make_form(acme, [*ITEMS, {"name": "visa", "label": "Visa", "visibleWhen": condition, "sent": False}])
    assert "First fill in" not in text(requester.get(PAGE))
    answer = requester.post(PAGE, filled(name="", country="uk", password="hunter2") | {"-update": "true"})
    page = answer.content.decode()
    assert answer.status_code == 200 and "There is a problem" not in page and "hunter2" not in page
    assert '<option value="uk 2">' in page
    assert not re.search(r'id="item-i-v-visa"[^>]*hidden disabled', page)
    assert executions(acme) == []


def test_rows_are_added_and_removed(acme: OrganizationRecord, requester: Client, make_form: MakeForm) -> None:
    rows = {"name": "rows", "kind": "group", "fields": [{"name": "item"}], "sent": False}
    make_form(acme, [*ITEMS[:1], rows])
    sent = {"-asked": ["v.name", "v.rows"], "v.rows": ["0", "1"], "v.rows.0.item": "pen", "v.rows.1.item": "ink"}
    added = text(requester.post(PAGE, sent | {"-add": "v.rows"}))
    assert "Rows 3" in added
    removed = requester.post(PAGE, sent | {"-remove": "v.rows.0"}).content.decode()
    assert 'value="ink"' in removed and 'value="pen"' not in removed


# --- options -----------------------------------------------------------------------------------------------------


def test_the_options_of_a_field_are_a_piece_of_the_page(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    answer = requester.post(f"{PAGE}/options/town?refresh=true", filled(country="de", town="de 2"))
    page = answer.content.decode()
    assert answer["X-Options"] == "true" and page.lstrip().startswith("<div")
    assert '<option value="de 2" selected>Town 2</option>' in page
    first = requester.post(f"{PAGE}/options/town", filled())
    assert "First fill in: Country" in text(first)


def test_the_failure_of_a_provider_is_told_at_its_field(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm
) -> None:
    make_form(acme)
    answer = requester.post(f"{PAGE}/options/town", filled(country="broken"))
    assert answer.status_code == 200 and "hunter2" not in answer.content.decode()
    assert "No options" in text(answer) and 'role="status"' in answer.content.decode()


def test_in_a_group_they_are_those_of_the_row(acme: OrganizationRecord, requester: Client, make_form: MakeForm) -> None:
    make_form(acme, [{"name": "rows", "kind": "group", "fields": ITEMS[1:3]}])
    sent = {"-asked": ["v.rows"], "v.rows": ["0", "4"], "v.rows.0.country": "uk", "v.rows.4.country": "de"}
    page = requester.post(f"{PAGE}/options/rows.4.town", sent).content.decode()
    assert 'name="v.rows.4.town"' in page and "de 1" in page and "uk 1" not in page
    assert f'hx-post="{PAGE}/options/rows.4.town"' in page
    for place in ("rows.town", "rows.4.country", "rows.4", "rows.4.town.x"):
        assert requester.post(f"{PAGE}/options/{place}", sent).status_code == 404


@pytest.mark.parametrize("field", ["name", "nothing", "towns", "__class__"])
def test_only_fields_with_options_have_some(
    acme: OrganizationRecord, requester: Client, make_form: MakeForm, field: str
) -> None:
    make_form(acme)
    assert requester.post(f"{PAGE}/options/{field}", filled()).status_code == 404
    assert requester.get(f"{PAGE}/options/town").status_code == 405


# --- public links ------------------------------------------------------------------------------------------------

OPEN_TO_ALL = [ITEMS[0], ITEMS[3]]


def link(organization: OrganizationRecord, form: Any) -> str:
    until = timezone.now() + timedelta(hours=1)
    return public.open_link(organization, form.id, COMMAND_LINE, until=until, per_hour=5)


def test_a_stranger_fills_in_a_form_by_its_link_and_learns_that_it_was_taken(
    acme: OrganizationRecord, make_form: MakeForm
) -> None:
    path = f"/o/acme/public/{link(acme, make_form(acme, OPEN_TO_ALL, slug='open'))}"
    stranger = Client()
    begun = stranger.get(path)
    assert begun.status_code == 200 and "Cancel" not in text(begun)
    wrong = stranger.post(path, filled(begun, name="", password="hunter2"))
    assert wrong.status_code == 400 and "Name must be filled in" in text(wrong) and b"hunter2" not in wrong.content
    answer = stranger.post(path, filled(begun, password="hunter2"))
    assert answer["Location"] == f"{path}?submitted"
    taken = stranger.get(answer["Location"])
    assert "<strong>Welcome</strong>" in taken.content.decode() or "Welcome" in text(taken)
    [execution] = executions(acme)
    assert str(execution["id"]) not in answer["Location"] + taken.content.decode()


def test_a_link_that_ended_or_belongs_to_another_organization_is_not_found(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: MakeForm
) -> None:
    form = make_form(acme, OPEN_TO_ALL)
    token = link(acme, form)
    for path in (f"/o/globex/public/{token}", f"/o/acme/public/{token}x", "/o/acme/public/x", "/o/nobody/public/x"):
        assert Client().get(path).status_code == 404, path
    assert Client().get(f"/o/acme/public/{token}").status_code == 200
    public.end_link(acme, form.id, COMMAND_LINE)
    assert Client().get(f"/o/acme/public/{token}").status_code == 404
    assert Client().post(f"/o/acme/public/{token}", filled()).status_code == 404
    with org_context(acme):
        assert not Submission.objects.exists()
