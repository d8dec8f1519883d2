"""Who gets in, and how far."""

from __future__ import annotations

import pytest

from tests.acceptance.stack import Stack
from tests.pages.conftest import TECHNICIAN
from tests.pages.visiting import Visitor

REFUSED = "Please enter the correct email and password of a member of the staff."


def test_the_keyboard_is_enough_to_sign_in_and_out(visitor: Visitor, stack: Stack) -> None:
    admin = stack.up.document["admin"]
    visitor.open("/admin/")
    page, keyboard = visitor.page, visitor.page.keyboard
    page.wait_for_function("document.activeElement.name === 'username'")
    keyboard.type(admin["email"])
    keyboard.press("Tab")
    keyboard.type(admin["password"])
    with page.expect_navigation():
        keyboard.press("Enter")
    assert visitor.heading == "Overview"
    press_by_keyboard(visitor, admin["email"])
    with page.expect_navigation():
        press_by_keyboard(visitor, "Log out")
    visitor.open("/admin/")
    assert page.get_by_label("Password").is_visible()


def press_by_keyboard(visitor: Visitor, text: str) -> None:
    """Tabs to the element with this text, from the end to the beginning again if need be, and presses Enter."""
    here = "text => document.activeElement.tabIndex >= 0 && document.activeElement.textContent.includes(text)"
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate(here, text):
            return visitor.page.keyboard.press("Enter")
    pytest.fail(f"The Tab key does not lead to {text!r}.")


def test_a_wrong_password_is_told_without_saying_which_was_wrong(visitor: Visitor, stack: Stack) -> None:
    for email in (stack.up.document["admin"]["email"], "nobody@msp.example"):
        visitor.sign_in(email, "wrong")
        assert REFUSED in visitor.text


@pytest.mark.parametrize("site", ["/admin/", "/o/acme/admin/"])
def test_a_customer_s_owner_does_not_get_into_the_staff_s_pages(visitor: Visitor, stack: Stack, site: str) -> None:
    owner = stack.up.document["organizations"]["acme"]["users"][0]
    visitor.sign_in(owner["email"], owner["password"], site)
    assert REFUSED in visitor.text
    visitor.open(site)
    assert visitor.page.get_by_label("Password").is_visible()


def test_a_technician_gets_into_the_chosen_organization_and_no_other(visitor: Visitor) -> None:
    visitor.sign_in(*TECHNICIAN)
    assert "acme" in visitor.text and "test-org-active" not in visitor.text
    assert visitor.open("/o/acme/admin/workflows_app/execution/").status == 200
    assert visitor.open("/o/test-org-active/admin/workflows_app/execution/").status == 404
    assert "There is no organization 'test-org-active'." in visitor.text
    visitor.open("/admin/orgs/organization/")
    assert "Acme" in visitor.text and "Test Organization" not in visitor.text


def test_on_a_phone_the_menu_opens_by_its_button(phone: Visitor) -> None:
    phone.open("/admin/")
    entry = phone.page.locator("#nav-sidebar").get_by_role("link", name="Run queue")
    assert not entry.is_visible()
    phone.page.get_by_role("button", name="Menu", exact=True).click()
    entry.click()
    phone.page.wait_for_url("**/admin/dispatch/dispatch/")
