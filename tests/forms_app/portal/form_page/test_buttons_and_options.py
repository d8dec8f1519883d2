"""What a form's page shows again on the way: by its buttons, and with the options of its fields."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from orgs.records import OrganizationRecord

from .conftest import ITEMS, PAGE, MakeForm, executions, filled, text

# --- without JavaScript -----------------------------------------------------------------------------------------------


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


# --- options ----------------------------------------------------------------------------------------------------------


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
