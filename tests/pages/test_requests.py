"""What people do with requests in the portal, in a browser: follow one, decide one, find one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack
from tests.pages.visiting import Visitor, session, visiting

REQUESTS = "/o/acme/requests"
WORKFLOWS = """
    from bifrost import OrganizationContext, data_provider, param, workflow

    @data_provider()
    async def shops(context, device):
        return [{"value": each.lower(), "label": f"{each} shop, {device}s"} for each in ("North", "South")]

    async def order(what):
        return what

    @workflow(category="examples", execution_mode="async")
    async def order_device(context: OrganizationContext, device: str):
        \"\"\"Goes on when it is told to.\"\"\"
        await context.step("Ask the supplier", order, device)
        context.log("info", f"Asked for {device}")
        await context.wait_for_signal("delivered")
        context.log("info", "It has arrived")
        return {"device": device, "tags": ["new", "blue"]}

    @workflow(category="examples", requires_approval=True)
    @param("amount", "int", "In pounds", required=True, validation={"max": 500})
    @param("shop", "string", data_provider="shops")
    async def buy_device(
        context: OrganizationContext, device: str, amount: int, shop: str | None = None, extras: list[str] = []
    ):
        \"\"\"Needs somebody's yes.\"\"\"
        context.progress(1, 2, "Ordering")
        return {"device": device, "amount": amount, "shop": shop, "extras": extras, "due": "2026-12-03"}
"""


@pytest.fixture(scope="module", autouse=True)
def workflows(stack: Stack) -> None:
    (stack.workspace / "workflows" / "devices.py").write_text(dedent(WORKFLOWS))
    listed = "/api/workflows"
    eventually(lambda: "buy_device" in stack.call("GET", listed, stack.token("acme")).text, "the workflows are there")


@pytest.fixture
def plain(browser: Browser, stack: Stack, shot: Path, administrator: BrowserContext) -> Iterator[Visitor]:
    """The administrator with a browser that runs no scripts."""
    context = browser.new_context(java_script_enabled=False, storage_state=administrator.storage_state())
    with visiting(context, stack.url, shot) as visit:
        yield visit
    context.close()


def start(stack: Stack, workflow: str, **parameters: object) -> str:
    """The id of the execution that acme's token has started."""
    return str(stack.run(workflow, **parameters).json()["executionId"])


def test_an_open_page_follows_its_request_to_the_end(staff: Visitor, stack: Stack) -> None:
    execution = start(stack, "order_device", device="laptop")
    staff.open(f"{REQUESTS}/{execution}")
    assert staff.heading == "Order device"
    page = staff.page
    page.evaluate("window.sameDocument = true")
    status, log = page.locator("#run-status"), page.locator("#run-log")
    expect(status).to_contain_text("Waiting for “Delivered” since")
    expect(page.locator("#run-steps")).to_contain_text("Ask the supplier Done")
    expect(log.locator("li")).to_have_count(1)

    answer = stack.call("POST", f"/api/executions/{execution}/signals/delivered", stack.token("acme"), json={})
    assert answer.status_code == 202

    expect(status).to_contain_text("Done at")
    expect(log).to_contain_text("It has arrived")
    assert log.locator("li").all_inner_texts()[0].endswith("Asked for laptop"), "no line twice"
    expect(log.locator("li")).to_have_count(2)
    expect(page.locator("#run-outcome")).to_contain_text("laptop")
    expect(page.get_by_role("link", name="Cancel")).to_have_count(0)
    assert page.evaluate("window.sameDocument") is True, "the page was not loaded anew"


@pytest.fixture
def traveller(browser: Browser, administrator: BrowserContext, stack: Stack, shot: Path) -> Iterator[Visitor]:
    """The administrator with a connection of their own, which may be lost."""
    with session(browser, state=administrator.storage_state()) as context, visiting(context, stack.url, shot) as visit:
        yield visit


def test_a_lost_connection_is_told_and_the_page_goes_on_when_it_is_back(traveller: Visitor, stack: Stack) -> None:
    staff = traveller
    execution = start(stack, "order_device", device="tablet")
    staff.open(f"{REQUESTS}/{execution}")
    expect(staff.page.locator("#run-status")).to_contain_text("Waiting for “Delivered”")
    staff.page.context.set_offline(True)
    expect(staff.page.get_by_text("The connection is lost for the moment.")).to_be_visible()
    stack.call("POST", f"/api/executions/{execution}/signals/delivered", stack.token("acme"), json={})
    eventually(lambda: stack.record(execution)["status"] == "Success", "its end")
    staff.page.context.set_offline(False)
    expect(staff.page.locator("#run-status")).to_contain_text("Done at")
    expect(staff.page.get_by_text("The connection is lost for the moment.")).to_be_hidden()
    staff.complaints.clear()  # the browser itself tells of the lost connection


def test_one_edits_and_approves_what_somebody_has_asked_for(staff: Visitor, stack: Stack) -> None:
    execution = start(stack, "buy_device", device="laptop", amount=450, shop="north", extras=["mouse", "cable"])
    staff.open("/o/acme/approvals")
    staff.click("Buy device")
    assert "Amount 450" in staff.text and staff.heading == "Buy device"
    staff.page.get_by_text("Change something before you approve").click()
    staff.page.get_by_label("Amount").fill("900")
    staff.click("Approve", "button")
    assert "must be at most 500" in staff.text
    staff.page.get_by_label("Amount").fill("300")
    shop, extras = staff.page.get_by_label("Shop", exact=True), staff.page.get_by_label("Extras")
    expect(shop.locator("option:checked")).to_have_text("North shop, laptops")
    shop.select_option(label="South shop, laptops")
    expect(extras).to_have_value("mouse\ncable")
    extras.fill("mouse\nbag")
    staff.page.get_by_label("Comment").fill("The smaller one.")
    staff.click("Approve", "button")
    assert "Decided by Administrator" in staff.text and "Approved as 300" in staff.text
    eventually(lambda: stack.record(execution)["status"] == "Success", "its end")
    record = stack.record(execution)
    assert (record["inputData"]["amount"], record["approvedInput"]["amount"]) == (450, 300)
    bought = {"device": "laptop", "amount": 300, "shop": "south", "extras": ["mouse", "bag"]}
    assert record["result"] == {**bought, "due": "2026-12-03"}
    staff.click("The request")
    assert "The smaller one." in staff.text and "Approved as 300" in staff.text
    assert "3 December 2026" in staff.text and "left" not in staff.text
    staff.page.go_back()
    assert "Decided by Administrator" in staff.text, "the page before is not the form again"


def test_it_is_cancelled_from_its_page(staff: Visitor, stack: Stack) -> None:
    execution = start(stack, "order_device", device="phone")
    staff.open(f"{REQUESTS}/{execution}")
    staff.click("Cancel")
    assert "“Order device” will be stopped" in staff.text
    staff.click("Cancel the request", "button")
    expect(staff.page.locator("#run-status")).to_contain_text("Cancelled at")


def test_without_scripts_all_of_it_works_and_the_page_is_fetched_anew(plain: Visitor, stack: Stack) -> None:
    execution = start(stack, "order_device", device="screen")
    eventually(lambda: stack.record(execution)["status"] == "Suspended", "its pause")
    plain.open(f"{REQUESTS}/{execution}")
    assert "Waiting for “Delivered” since" in plain.text
    stack.call("POST", f"/api/executions/{execution}/signals/delivered", stack.token("acme"), json={})
    expect(plain.page.locator("#run-status")).to_contain_text("Done at")
    start(stack, "buy_device", device="laptop", amount=1)
    plain.open("/o/acme/approvals")
    plain.click("Buy device")
    plain.page.get_by_text("Change something before you approve").click()
    plain.page.get_by_label("Amount").fill("2")
    plain.click("Approve", "button")
    assert "Approved as 2" in plain.text


@pytest.mark.parametrize("path", [f"{REQUESTS}/all", "/o/acme/approvals?show=decided", "/o/acme/notices"])
def test_a_phone_shows_it_without_moving_sideways(phone: Visitor, stack: Stack, path: str) -> None:
    execution = start(stack, "tell", message="x" * 300)
    for each in (path, f"{REQUESTS}/{execution}"):
        phone.open(each)
        assert phone.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), each
