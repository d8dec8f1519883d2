"""Staff build a form in a browser: by mouse and keyboard, with a lost connection, and without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.acceptance.stack import Stack
from tests.pages.test_every_page import check
from tests.pages.visiting import PATIENCE, Visitor, session, visiting

FORMS = "/o/acme/admin/forms_app/form/"
KEPT = re.compile("kept as a draft")


def make_form(visitor: Visitor, workflow: str = "tell") -> str:
    """A new form from the workflow; its address."""
    visitor.open(f"{FORMS}add/")
    visitor.click(f"Make a form from {workflow}", "button")
    found = re.search(r"/form/([0-9a-f-]{36})/", visitor.page.url)
    assert found
    return f"{FORMS}{found[1]}/"


def add(page: Page, what: str) -> None:
    page.locator(".builder-add").get_by_role("button", name=what, exact=True).click()
    settle(page)


def settle(page: Page) -> None:
    """What was pressed has been answered."""
    expect(page.locator("#builder")).to_have_attribute("aria-busy", "false")


def titles(page: Page) -> list[str]:
    return [text.split("\n")[0].strip() for text in page.locator("#builder-items .builder-name").all_inner_texts()]


@pytest.fixture
def page(staff: Visitor) -> Page:
    return staff.page


def test_a_form_is_built_and_every_key_is_kept(staff: Visitor, page: Page, shots: Path) -> None:
    staff.open(f"{FORMS}add/?q=examples")
    page.screenshot(path=shots / "form-new.png")
    address = make_form(staff)
    page.get_by_label("Label", exact=True).fill("What to tell")
    page.get_by_label("Help").fill("One sentence is enough.")
    expect(page.locator("#builder-said")).to_contain_text(KEPT)
    # The list, the heading and the preview follow; the keyboard stays where it was.
    expect(page.locator("#builder-items")).to_contain_text("What to tell")
    expect(page.frame_locator("#builder-frame").get_by_text("One sentence is enough.")).to_be_visible()
    expect(page.get_by_label("Help")).to_be_focused()

    add(page, "Field")
    page.get_by_label("Label", exact=True).fill("How urgent")
    page.get_by_label("Kind", exact=True).select_option(label="Choice from a list")
    settle(page)
    expect(page.get_by_label("Choices")).to_be_visible()
    expect(page.locator("#builder-alerts")).to_contain_text("To do before it can be saved")
    page.get_by_label("Choices").fill("today = Today\nlater = When there is time")
    expect(page.locator("#builder-alerts")).not_to_contain_text("To do")
    add(page, "Text")
    expect(page.locator("#panel-title")).to_have_text("What people should know.")
    page.get_by_label("Field", exact=True).select_option(label="How urgent")
    settle(page)
    page.get_by_label("Value", exact=True).select_option(label="Today")
    expect(page.locator("#builder-items")).to_contain_text("when How urgent is “today”")
    check(staff)
    page.screenshot(path=shots / "form-builder.png", full_page=True)

    page.reload()
    assert titles(page)[:3] == ["What to tell", "How urgent", "What people should know."]
    staff.click("Save and publish", "button")
    assert "The form is published: people see it now." in staff.text
    staff.open(f"{address}settings/")
    check(staff)
    page.screenshot(path=shots / "form-settings.png", full_page=True)
    staff.open(f"{address}versions/?from=1&to=2")
    assert "added How urgent" in staff.text
    check(staff)
    page.screenshot(path=shots / "form-versions.png", full_page=True)


def test_the_keyboard_alone_orders_the_items_and_undoes_it(staff: Visitor, page: Page) -> None:
    make_form(staff)
    add(page, "Section")
    add(page, "Section")
    page.get_by_label("Heading").fill("Last")
    expect(page.locator("#builder-items")).to_contain_text("Last")
    page.locator("#choose-2").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#builder-said")).to_contain_text("Last is now 2 of 3.")
    expect(page.get_by_role("button", name="Move Last up")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#builder-said")).to_contain_text("Last is now 1 of 3.")
    expect(page.get_by_role("button", name="Move Last down")).to_be_focused()
    assert titles(page)[:3] == ["Last", "Message", "New section"]
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator("#choose-1")).to_contain_text("Last")
    page.locator("#choose-0").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("Last")


def test_what_is_typed_while_the_connection_is_away_is_kept_when_it_is_back(staff: Visitor, page: Page) -> None:
    make_form(staff)
    away = True

    def answer(route: Route) -> None:
        route.abort() if away and route.request.method == "POST" else route.continue_()

    page.route("**/change/**", answer)
    page.get_by_label("Label", exact=True).fill("Typed in a tunnel")
    expect(page.locator("#builder-said")).to_contain_text("Not kept: the server does not answer.")
    page.get_by_label("Help").fill("And more")
    away = False
    expect(page.locator("#builder-said")).to_contain_text(KEPT)
    page.reload()
    expect(page.get_by_label("Label", exact=True)).to_have_value("Typed in a tunnel")
    expect(page.get_by_label("Help")).to_have_value("And more")
    staff.complaints.clear()  # of the browser, about the requests that did not get through


def test_what_is_typed_just_before_leaving_is_kept(staff: Visitor, page: Page) -> None:
    address = make_form(staff)
    page.get_by_label("Label", exact=True).fill("In a hurry")
    staff.click("Versions")
    staff.open(f"{address}change/")
    page.reload()
    expect(page.get_by_label("Label", exact=True)).to_have_value("In a hurry")


def test_an_expired_session_loses_nothing(browser: Browser, stack: Stack, shot: Path) -> None:
    with session(browser) as context, visiting(context, stack.url, shot) as visit:
        visit.sign_in(**stack.up.document["admin"])
        make_form(visit)
        context.clear_cookies(name="sessionid")
        visit.page.get_by_label("Label", exact=True).fill("Typed too late")
        expect(visit.page.locator("#builder-said")).to_contain_text("your session is over")
        with visiting(context, stack.url, shot) as other:
            other.sign_in(**stack.up.document["admin"])
        visit.page.get_by_label("Help").fill("In the same page")
        expect(visit.page.locator("#builder-said")).to_contain_text(KEPT)


def test_without_javascript_every_button_works(
    browser: Browser, stack: Stack, administrator: BrowserContext, shot: Path
) -> None:
    plain = browser.new_context(java_script_enabled=False, storage_state=administrator.storage_state())
    plain.set_default_timeout(PATIENCE)
    with visiting(plain, stack.url, shot) as visit:
        make_form(visit)
        visit.page.get_by_label("Label", exact=True).fill("Typed")
        visit.click("Section", "button")
        visit.page.get_by_label("Heading").fill("Part two")
        visit.click("Move New section up", "button")
        assert titles(visit.page)[:2] == ["Part two", "Typed"]
        expect(visit.page.frame_locator("#builder-frame").get_by_text("Part two")).to_be_visible()
        visit.click("Save", "button")
        assert "Version 2 is saved." in visit.text
    plain.close()


def test_a_phone_shows_the_builder_whole(phone: Visitor, shots: Path) -> None:
    address = make_form(phone, "remove_user")
    check(phone)
    phone.page.screenshot(path=shots / "form-builder-phone.png", full_page=True)
    for page in ("settings", "versions", "preview"):
        phone.open(f"{address}{page}/")
        check(phone)
