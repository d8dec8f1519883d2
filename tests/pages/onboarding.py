"""What people do with the onboarding form: fill it in, wait for it, approve it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.stack import Stack
from tests.pages.visiting import Visitor

FORM = "/forms/onboarding"


def fill_in(page: Page, name: str, department: str = "it", team: str = "Security") -> None:
    """The form of somebody who stays, whose address is that of the name."""
    page.get_by_label("Full name").fill(name)
    page.get_by_label("E-mail address").fill(address_of(name))
    page.get_by_label("First day").fill("2027-03-01")
    choose(page, "department", department)
    choose(page, "team", team)


def address_of(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@acme.example"


def choose(page: Page, field: str, value: str) -> None:
    """Once the options are there."""
    page.locator(f"#i-v-{field} option[value='{value}']").wait_for(state="attached")
    page.locator(f"#i-v-{field}").select_option(value)


def submit(page: Page) -> str:
    """Presses the button; the id of the request whose page it leads to."""
    button(page).click()
    return request_of(page)


def button(page: Page) -> Locator:
    return page.locator(".filling-actions").get_by_role("button", name="Ask for it")


def request_of(page: Page) -> str:
    page.wait_for_url("**/requests/*")
    page.locator("#run-status").wait_for()
    return page.url.rpartition("/")[2]


def is_waiting(page: Page) -> None:
    expect(page.locator("#run-status")).to_contain_text("Waiting for approval since")


def approve(approver: Visitor, name: str, comment: str = "") -> None:
    """Finds it in the inbox and approves it as it is."""
    approver.open("/approvals")
    approver.click(f"Welcome {name}")
    if comment:
        approver.page.get_by_label("Comment").fill(comment)
    approver.click("Approve", "button")
    assert "Decided by Acme operator" in approver.text


def runs_for(stack: Stack, name: str) -> int:
    """How many executions were asked for with this address."""
    rows = f"SELECT count(*) FROM {stack.schema('acme')}.workflows_app_execution WHERE input->>'email' = %s"
    return int(stack.sql(rows, address_of(name))[0][0])
