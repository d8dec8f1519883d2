"""What a form does by itself in the browser: conditions, cascades, rows; and how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bifrost.sdk.tolerant import JSON
from tests.pages.accessibility import violations
from tests.pages.asking import Site, cases, script, until
from tests.pages.visiting import DESK, PATIENCE, PHONE
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.fields import Choice
from workflows_app.inputs.offering import Offer

CASES = Path(__file__).parents[1] / "workflows_app" / "inputs" / "conditions.json"
GUEST = {"field": "kind", "is": "equals", "value": "guest"}
EVERYTHING: list[dict[str, Any]] = [
    {"type": "section", "title": "Who is coming", "text": "What you enter here goes to the people who prepare it."},
    {"name": "first", "label": "First name", "required": True, "width": "half"},
    {"name": "last", "label": "Last name", "required": True, "width": "half", "help": "As it stands in the passport."},
    {"name": "email", "kind": "email", "label": "E-mail", "required": True, "placeholder": "name@acme.example"},
    {"name": "phone", "kind": "phone", "label": "Telephone", "width": "half"},
    {"name": "zone", "kind": "timezone", "label": "Time zone", "width": "half", "default": "Europe/London"},
    {
        "name": "kind",
        "kind": "radio",
        "label": "Kind of account",
        "choices": [{"value": "staff", "label": "Member of staff"}, {"value": "guest", "label": "Guest"}],
        "default": "staff",
    },
    {"name": "host", "label": "Host", "required": True, "visibleWhen": GUEST, "help": "Who answers for the guest?"},
    {"type": "section", "title": "What they need"},
    {
        "name": "country",
        "kind": "choice",
        "label": "Country",
        "choices": [{"value": "de", "label": "Germany"}, {"value": "uk", "label": "United Kingdom"}],
        "required": True,
        "width": "half",
    },
    {
        "name": "office",
        "kind": "choice",
        "provider": "offices",
        "inputs": {"country": "country"},
        "label": "Office",
        "width": "half",
        "required": True,
    },
    {"name": "desk", "kind": "radio", "provider": "desks", "inputs": {"office": "office"}, "label": "Desk"},
    {"name": "licenses", "kind": "multiple_choice", "label": "Licenses", "choices": ["Mail", "Office", "Phone system"]},
    {"name": "start", "kind": "date", "label": "First day", "width": "half", "rules": {"min": "2026-01-01"}},
    {"name": "at", "kind": "datetime", "label": "Account from", "width": "half"},
    {
        "name": "late",
        "label": "Why so late",
        "visibleWhen": {"field": "at", "is": "above", "value": "2026-07-01T00:00:00Z"},
    },
    {"name": "budget", "kind": "number", "label": "Budget in euro", "rules": {"min": 0}, "width": "half"},
    {"name": "pin", "kind": "secret", "label": "Temporary password", "width": "half", "rules": {"min_length": 4}},
    {
        "name": "equipment",
        "kind": "group",
        "label": "Equipment",
        "fields": [
            {
                "name": "what",
                "label": "What",
                "kind": "choice",
                "choices": ["Laptop", "Telephone"],
                "required": True,
                "width": "half",
            },
            {
                "name": "size",
                "label": "Screen in inches",
                "kind": "number",
                "width": "half",
                "visibleWhen": {"field": "what", "is": "equals", "value": "Laptop"},
            },
            {"name": "model", "label": "Model", "kind": "choice", "provider": "models", "inputs": {"what": "what"}},
            {"name": "more", "label": "Labels", "kind": "key_value"},
        ],
    },
    {"name": "tags", "kind": "key_value", "label": "Attributes", "help": "For the directory."},
    {"name": "groups", "kind": "list", "label": "Groups"},
    {"name": "note", "kind": "long_text", "label": "Anything else"},
    {"name": "raw", "kind": "json", "label": "Raw settings"},
    {"name": "paper", "kind": "file", "label": "Contract", "rules": {"types": [".pdf"], "max_bytes": 5_000_000}},
    {"name": "vip", "kind": "switch", "label": "Priority", "help": "Prepared within a day."},
    {"name": "cost", "kind": "text", "label": "Cost center", "mode": "fixed", "default": "4711"},
    {"name": "agreed", "kind": "checkbox", "label": "The person has agreed", "required": True},
]


def office(field: str, arguments: Mapping[str, JSON]) -> Offer:
    if "country" in arguments:
        return Offer((Choice(f"{arguments['country']}-1", "North"), Choice(f"{arguments['country']}-2", "South")))
    if field == "model":
        return Offer((Choice("a", f"{arguments['what']} A"),)) if "what" in arguments else Offer(first="What")
    if "office" in arguments:
        return Offer(tuple(Choice(number, f"Desk {number} of {arguments['office']}") for number in (1, 2)))
    return Offer(first="Country" if field == "office" else "Office")


@pytest.fixture
def site() -> Site:
    return Site(Definition.read(EVERYTHING), office)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The site at a desk, in another time zone than the person's; nothing may complain."""
    # Not the person's time zone, which is the one that counts.
    context = browser.new_context(viewport=DESK, timezone_id="America/New_York")
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    site.open(opened)
    yield opened
    context.close()
    assert [said for said in complaints if "401" not in said] == []


def test_conditions_hold_on_the_page_as_they_do_on_the_server(browser: Browser) -> None:
    known = cases(CASES)
    page = browser.new_page()
    page.add_script_tag(path=script("inputs/conditions.js"))
    found = page.evaluate("cases => cases.map(each => bifrostConditions.holds(each.condition, each.values))", known)
    page.close()
    wrong = [case["name"] for case, held in zip(known, found, strict=True) if held is not case["holds"]]
    assert len(found) > 40 and wrong == []


def test_parts_come_and_go_with_the_answers(page: Page) -> None:
    host = page.get_by_label("Host")
    expect(host).to_be_hidden()
    page.get_by_label("Guest", exact=True).check()
    expect(host).to_be_visible()
    host.fill("Ada")
    page.get_by_label("Member of staff").check()
    expect(host).to_be_disabled()

    # By the person's clock, whatever that of the browser is: 01:00 in Berlin is still June in Greenwich.
    page.get_by_label("Account from").fill("2026-07-01T01:00")
    expect(page.get_by_label("Why so late")).to_be_hidden()
    page.get_by_label("Account from").fill("2026-07-01T03:00")
    expect(page.get_by_label("Why so late")).to_be_visible()


def test_options_follow_what_they_depend_on(page: Page, site: Site) -> None:
    expect(page.locator("#i-v-office")).to_have_text("First fill in: Country")
    page.get_by_label("Temporary password").fill("hunter2")
    page.get_by_label("Country").select_option("de")
    page.locator("#i-v-office option[value=de-2]").wait_for(state="attached")
    page.get_by_label("Office", exact=False).first.select_option("de-2")
    page.get_by_text("Desk 2 of de-2").click()
    # Another country: both are reset, and what was chosen is not sent.
    page.get_by_label("Country").select_option("uk")
    page.locator("#i-v-office option[value=uk-1]").wait_for(state="attached")
    expect(page.locator("#i-v-office")).to_have_value("")
    expect(page.locator("#i-v-desk")).to_have_text("First fill in: Office")
    until(lambda: ("office", {"country": "uk"}) in site.asked, page, "the question")
    assert "hunter2" not in "".join(site.bodies)
    expect(page.locator("[data-said]")).to_have_text("The options were updated.")

    # Asking anew keeps what is still offered.
    page.locator("#i-v-office").select_option("uk-1")
    page.get_by_text("Desk 1 of uk-1").wait_for()
    questions = len(site.asked)
    page.get_by_role("button", name="Refresh the options of Office").click()
    until(lambda: len(site.asked) > questions, page, "the question")
    expect(page.locator("#i-v-office")).to_have_value("uk-1")
    expect(page.get_by_text("Desk 1 of uk-1")).to_be_visible()


def test_a_page_to_sign_in_at_is_no_options(page: Page, site: Site) -> None:
    site.offering = lambda field, arguments: 401
    page.get_by_label("Country").select_option("de")
    expect(page.get_by_text("you are not signed in any more. Submit the form").first).to_be_visible()
    assert page.get_by_role("heading", name="Sign in").count() == 0
    site.offering = office
    page.get_by_label("Country").select_option("uk")
    page.locator("#i-v-office option[value=uk-1]").wait_for(state="attached")
    expect(page.get_by_text("The options could not be loaded")).to_have_count(0)


def test_a_filled_in_form_yields_its_values(page: Page, site: Site) -> None:
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("<b>")
    page.get_by_label("E-mail").fill("ada@acme.example")
    page.get_by_label("Country").select_option("de")
    page.locator("#i-v-office option[value=de-1]").wait_for(state="attached")
    page.locator("#i-v-office").select_option("de-1")
    page.get_by_text("Desk 2 of de-1").click()
    page.get_by_label("Phone system").check()
    page.get_by_label("Budget in euro").fill("1200.50")
    page.get_by_label("The person has agreed").check()
    _fill_in_rows(page)
    # What Enter presses is the button that sends, not the first of a row.
    page.get_by_label("First name").press("Enter")
    until(lambda: site.taken is not None, page, "the form's arrival")
    assert site.taken is not None
    wanted = {
        "first": "Ada",
        "last": "<b>",
        "office": "de-1",
        "desk": 2,
        "licenses": ["Phone system"],
        "budget": 1200.5,
    }
    assert wanted.items() <= site.taken.items()
    assert site.taken["equipment"] == [
        {"what": "Telephone"},
        {"what": "Laptop", "size": 14.0, "model": "a", "more": {"asset": "7"}},
    ]
    assert site.taken["tags"] == {"team": "Sales"} and site.taken["cost"] == "4711" and "host" not in site.taken


def _fill_in_rows(page: Page) -> None:
    add = page.get_by_role("button", name="Add another")
    for _number in range(3):
        add.click()
    rows = page.locator("fieldset.input-row")
    expect(rows.nth(2).get_by_label("What")).to_be_focused()
    rows.nth(0).get_by_label("What").select_option("Telephone")
    expect(rows.nth(0).get_by_label("Screen in inches")).to_be_hidden()
    rows.nth(1).get_by_role("button", name="Remove Equipment 2").click()
    expect(rows.nth(1).locator("legend").first).to_have_text("Equipment 2")
    last = rows.nth(1)
    last.get_by_label("What").select_option("Laptop")
    last.get_by_label("Screen in inches").fill("14")
    last.get_by_label("Model").and_(page.locator("select:enabled")).select_option("Laptop A")
    last.get_by_label("Labels: name").fill("asset")
    last.get_by_label("Labels: value").fill("7")
    page.get_by_label("Attributes: name").first.fill("team")
    page.get_by_label("Attributes: value").first.fill("Sales")
    page.locator("#item-i-v-tags").get_by_role("button", name="Add a row").click()
    expect(page.get_by_label("Attributes: name").nth(1)).to_be_focused()


def test_mistakes_are_told_on_top_where_the_focus_is(page: Page, shots: Path) -> None:
    page.get_by_label("E-mail").fill("ada")
    page.get_by_label("Budget in euro").fill("1,5")
    page.get_by_label("Temporary password").fill("hunter2")
    page.locator("#send").click()
    summary = page.locator("#problems")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("heading")).to_have_text("There are 7 problems")
    page.get_by_role("link", name="Budget in euro").click()
    budget = page.get_by_label("Budget in euro")
    expect(budget).to_be_focused()
    expect(budget).to_have_value("1,5")
    expect(budget).to_have_accessible_description(
        "Must be a number such as 1250 or 0.5, with a point and no other sign"
    )
    expect(page.get_by_label("Temporary password")).to_have_value("")
    page.screenshot(path=shots / "form-mistakes.png", full_page=True)
    assert violations(page, "best-practice") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desk", "phone"])
def test_every_kind_of_field_is_to_be_looked_at(
    browser: Browser, site: Site, shots: Path, width: str, scheme: Any
) -> None:
    context = browser.new_context(viewport=PHONE if width == "phone" else DESK, color_scheme=scheme)
    page = context.new_page()
    site.values = {
        "country": "de",
        "office": "de-1",
        "equipment": [{"what": "Laptop", "size": 14}],
        "groups": ["Sales", "Everybody"],
        "vip": True,
        "tags": {"team": "Sales"},
    }
    site.open(page)
    page.get_by_text("Desk 1 of de-1").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it is wider than the screen"
    page.screenshot(path=shots / f"form-{width}-{scheme}.png", full_page=True)
    assert violations(page, "best-practice") == []
    context.close()
