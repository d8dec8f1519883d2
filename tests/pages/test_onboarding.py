"""The demo's onboarding form, as its people use it: filled in, watched, approved, and all that comes between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack
from tests.pages.onboarding import (
    FORM,
    approve,
    button,
    choose,
    fill_in,
    is_waiting,
    request_of,
    runs_for,
    submit,
)
from tests.pages.portal import SURPLUS_WIDTH, at_portal, credentials, give_credentials, look_at
from tests.pages.visiting import PHONE, Visitor, visiting

CLICK_TEN_TIMES = "button => { for (let click = 0; click < 10; click++) button.click() }"
SEND_TEN_TIMES = """form => Promise.all(Array.from({length: 10}, () =>
    fetch(form.action, {method: "POST", body: new FormData(form)}).then(answer => answer.url)))"""
# Faster than any hand: in the moment in which the options have come.
CHANGE_AT_ONCE = """() => document.addEventListener("htmx:afterSwap", (event) => {
    if (!event.target.closest("[data-field=team]")) return;
    queueMicrotask(() => {
        const department = document.querySelector("#i-v-department");
        department.value = "it";
        department.dispatchEvent(new Event("change", {bubbles: true}));
    });
}, {once: true})"""
STATUS = "path => fetch(path).then(answer => answer.status)"


@pytest.fixture
def asker(browser: Browser, demo: Stack, shot: Path) -> Iterator[Visitor]:
    with at_portal(browser, demo, shot, "requester") as visit:
        yield visit


@pytest.fixture
def approver(browser: Browser, demo: Stack, shot: Path) -> Iterator[Visitor]:
    with at_portal(browser, demo, shot.with_stem(f"{shot.stem}-approver"), "operator") as visit:
        yield visit


def test_from_the_form_to_the_result(asker: Visitor, approver: Visitor, demo: Stack, shots: Path) -> None:
    page = asker.page
    asker.open("/")
    asker.click("Onboard a new colleague")
    _fill_in_what_depends(asker, shots)
    execution = submit(page)
    assert "Somebody looks at it today, and you are told." in asker.text
    page.evaluate("window.sameDocument = true")
    is_waiting(page)
    expect(page.locator("#run-status")).to_contain_text("asked of")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "33")
    expect(page.locator("#run-steps")).to_contain_text("Reserve account Done")
    assert page.locator("#run-log").count() == 0, "the log is for others"
    look_at(asker, shots, "run-waits-for-approval")

    _edit_and_approve(approver, shots)

    expect(page.locator("#run-status")).to_contain_text("Done at")
    outcome = page.locator("#run-outcome")
    expect(outcome).to_contain_text("Ann Example can begin")
    for part in ("Payroll", "Create the account", "Reserve a desk", "Print the badge"):
        expect(outcome).to_contain_text(part)
    expect(outcome).not_to_contain_text("Prepare the laptop")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("#run-steps")).to_contain_text("The desk is reserved for Friday.")
    assert page.evaluate("window.sameDocument") is True, "the page was not loaded anew"
    look_at(asker, shots, "run-done")

    record = demo.record(execution)
    assert (record["inputData"]["team"], record["result"]["team"]) == ("Recruiting", "Payroll"), "both are kept"
    asker.open("/requests")
    assert "Onboard a new colleague Done" in asker.text


def _fill_in_what_depends(asker: Visitor, shots: Path) -> None:
    page = asker.page
    fill_in(page, "Ann Example")
    expect(page.get_by_label("Last day")).to_be_hidden()
    page.get_by_label("Guest for some time").check()
    page.get_by_label("Last day").fill("2027-04-01")
    choose(page, "department", "hr")
    # The team is not one of the other department's any more.
    page.locator("#i-v-team option[value=Recruiting]").wait_for(state="attached")
    expect(page.locator("#i-v-team")).to_have_value("")
    look_at(asker, shots, "form-filled-in")
    button(page).click()
    expect(page.locator("#problems")).to_contain_text("Team")
    expect(page.locator("#problems")).to_be_focused()
    expect(page.get_by_label("Last day")).to_have_value("2027-04-01")
    look_at(asker, shots, "form-refused")
    choose(page, "team", "Recruiting")
    page.get_by_label("Desk").check()


def _edit_and_approve(approver: Visitor, shots: Path) -> None:
    approver.open("/")
    assert "Waiting for your decision" in approver.text
    look_at(approver, shots, "operator-home-waiting")
    approver.click("Welcome Ann Example")
    assert "Ann Example begins on 01 March 2027 in Recruiting, until 01 April 2027." in approver.text
    approver.page.locator("#i-v-team").fill("Payroll")
    approver.page.get_by_label("What to prepare").fill("desk\nbadge")
    approver.page.get_by_label("Comment").fill("The desk is reserved for Friday.")
    look_at(approver, shots, "approval-edited")
    approver.click("Approve", "button")
    assert "Decided by Acme operator" in approver.text and "Payroll" in approver.text
    look_at(approver, shots, "approval-decided")


# --- one submission is one request ---------------------------------------------------------------------------------


def test_a_choice_that_is_changed_in_the_moment_options_come_is_followed(asker: Visitor) -> None:
    page = asker.page
    asker.open(FORM)
    choose(page, "department", "finance")
    choose(page, "team", "Accounting")
    page.evaluate(CHANGE_AT_ONCE)
    choose(page, "department", "hr")
    choose(page, "team", "Security")
    expect(page.locator("#i-v-department")).to_have_value("it")


def test_ten_fast_clicks_are_one_request(asker: Visitor, demo: Stack) -> None:
    page = asker.page
    asker.open(FORM)
    fill_in(page, "Ten Clicks")
    places = set(page.locator("form:has([data-inputs])").evaluate(SEND_TEN_TIMES))
    button(page).evaluate(CLICK_TEN_TIMES)
    execution = request_of(page)
    assert [place.rpartition("/")[2] for place in places] == [execution]
    assert runs_for(demo, "Ten Clicks") == 1


def test_going_back_starts_nothing_by_itself(asker: Visitor, demo: Stack) -> None:
    page = asker.page
    asker.open(FORM)
    fill_in(page, "Going Back")
    first = submit(page)
    page.go_back()
    assert asker.heading == "Onboard a new colleague"
    page.go_forward()
    assert request_of(page) == first
    page.reload()
    assert request_of(page) == first and runs_for(demo, "Going Back") == 1


def test_two_tabs_are_two_requests_and_do_not_mix(asker: Visitor, demo: Stack, shot: Path) -> None:
    asker.open(FORM)
    with visiting(asker.page.context, asker.url, shot) as other:
        other.open(FORM)
        fill_in(asker.page, "Tab One")
        fill_in(other.page, "Tab Two", "sales", "Key accounts")
        second, first = submit(other.page), submit(asker.page)
    assert first != second
    teams = [demo.record(execution)["inputData"]["team"] for execution in (first, second)]
    assert teams == ["Security", "Key accounts"]


# --- the connection, and the session -------------------------------------------------------------------------------


def test_a_lost_connection_loses_nothing_that_was_filled_in(asker: Visitor, demo: Stack, shots: Path) -> None:
    page, context = asker.page, asker.page.context
    asker.open(FORM)
    fill_in(page, "In Tunnel")
    context.set_offline(True)
    page.locator("#i-v-department").select_option("finance")
    expect(page.get_by_text("The options could not be loaded. Try again.")).to_be_visible()
    button(page).click()
    expect(page.get_by_text("There is no connection at the moment. Nothing was submitted")).to_be_visible()
    look_at(asker, shots, "form-offline")
    context.set_offline(False)
    expect(page.get_by_text("There is no connection at the moment.")).to_be_hidden()
    page.get_by_role("button", name="Refresh the options of Team").click()
    choose(page, "team", "Controlling")
    expect(page.get_by_label("Full name")).to_have_value("In Tunnel")
    execution = submit(page)
    assert demo.record(execution)["inputData"]["team"] == "Controlling"
    asker.complaints.clear()  # of the browser, about the connection


def test_an_open_page_comes_back_with_the_connection(asker: Visitor, approver: Visitor, demo: Stack) -> None:
    asker.open(FORM)
    fill_in(asker.page, "Long Tunnel")
    execution = submit(asker.page)
    is_waiting(asker.page)
    asker.page.context.set_offline(True)
    expect(asker.page.locator("#run-lost")).to_be_visible()
    approve(approver, "Long Tunnel")
    eventually(lambda: demo.record(execution)["status"] == "Success", "its end")
    asker.page.context.set_offline(False)
    expect(asker.page.locator("#run-outcome")).to_contain_text("Long Tunnel can begin")
    expect(asker.page.locator("#run-lost")).to_be_hidden()
    asker.complaints.clear()  # of the browser, about the connection


def test_a_session_that_ends_while_one_fills_in_loses_nothing(asker: Visitor, demo: Stack, shots: Path) -> None:
    page = asker.page
    asker.open(FORM)
    fill_in(page, "Long Lunch")
    page.get_by_label("Guest for some time").check()
    page.get_by_label("Last day").fill("2027-05-01")
    page.context.clear_cookies(name="sessionid")
    page.locator("#i-v-department").select_option("finance")
    expect(page.get_by_text("you are not signed in any more. Submit the form").first).to_be_visible()
    expect(page.get_by_label("Full name")).to_have_value("Long Lunch")
    look_at(asker, shots, "form-signed-out")
    button(page).click()
    expect(page.get_by_text("what you filled in is kept: sign in, and go on with it")).to_be_visible()
    look_at(asker, shots, "sign-in-keeps")
    give_credentials(asker, **credentials(demo, "requester"))
    expect(page.get_by_text("This is what you filled in. It is not submitted yet.")).to_be_visible()
    expect(page.get_by_label("Last day")).to_have_value("2027-05-01")
    expect(page.locator("#i-v-department")).to_have_value("finance")
    choose(page, "team", "Accounting")
    execution = submit(page)
    assert demo.record(execution)["inputData"]["ends_on"] == "2027-05-01"
    assert runs_for(demo, "Long Lunch") == 1
    asker.complaints.clear()  # of the browser, about the 401


def test_signing_in_in_another_tab_is_enough(asker: Visitor, demo: Stack, shot: Path) -> None:
    page = asker.page
    asker.open(FORM)
    fill_in(page, "Other Tab")
    page.context.clear_cookies(name="sessionid")
    with visiting(page.context, asker.url, shot) as other:
        other.open("/")
        give_credentials(other, **credentials(demo, "requester"))
    button(page).click()
    expect(page.get_by_text("This is what you filled in. It is not submitted yet.")).to_be_visible()
    expect(page.locator("#i-v-team")).to_have_value("Security")
    submit(page)
    assert runs_for(demo, "Other Tab") == 1
    asker.complaints.clear()  # of the browser, about the page that was refused


def test_a_session_that_ends_on_the_page_of_a_request_leads_back_to_it(
    asker: Visitor, approver: Visitor, demo: Stack
) -> None:
    asker.open(FORM)
    fill_in(asker.page, "Signed Out")
    execution = submit(asker.page)
    is_waiting(asker.page)
    asker.page.context.clear_cookies(name="sessionid")
    approve(approver, "Signed Out")
    asker.page.wait_for_url("**/sign-in?next=**")
    give_credentials(asker, **credentials(demo, "requester"))
    assert request_of(asker.page) == execution
    expect(asker.page.locator("#run-outcome")).to_contain_text("Signed Out can begin")
    asker.complaints.clear()  # of the browser, about the 401


# --- a phone, and no JavaScript ------------------------------------------------------------------------------------


def test_all_of_it_on_a_phone(browser: Browser, demo: Stack, shots: Path, shot: Path) -> None:
    approving = shot.with_stem(f"{shot.stem}-approver")
    with (
        at_portal(browser, demo, shot, "requester", phone=True) as asker,
        at_portal(browser, demo, approving, "operator", phone=True) as approver,
    ):
        page = asker.page
        asker.open(f"{FORM}?email=pocket%40acme.example")
        expect(page.get_by_label("E-mail address")).to_have_value("pocket@acme.example")
        fill_in(page, "In Pocket")
        assert page.evaluate(SURPLUS_WIDTH) == 0
        submit(page)
        is_waiting(page)
        approver.page.locator("details.menu summary").click()
        with approver.page.expect_navigation():
            approver.page.locator("details.menu").get_by_role("link", name="Approvals").click()
        approver.click("Welcome In Pocket")
        assert approver.page.evaluate(SURPLUS_WIDTH) == 0
        approver.page.screenshot(path=shots / "phone-approval.png", full_page=True)
        approver.click("Approve", "button")
        expect(page.locator("#run-outcome")).to_contain_text("In Pocket can begin")
        assert page.viewport_size == PHONE and page.evaluate(SURPLUS_WIDTH) == 0
        page.screenshot(path=shots / "phone-run.png", full_page=True)


def test_all_of_it_without_javascript(browser: Browser, demo: Stack, shots: Path, shot: Path) -> None:
    approving = shot.with_stem(f"{shot.stem}-approver")
    with (
        at_portal(browser, demo, shot, "requester", script=False) as asker,
        at_portal(browser, demo, approving, "operator", script=False) as approver,
    ):
        page = asker.page
        asker.open(FORM)
        assert "“Update options” shows what there is to choose from." in page.content()  # Playwright sees no noscript
        expect(page.locator("#i-v-department")).to_be_hidden()
        page.screenshot(path=shots / "plain-form.png", full_page=True)
        page.get_by_label("Full name").fill("No Script")
        page.get_by_label("E-mail address").fill("no.script@acme.example")
        page.get_by_label("First day").fill("2027-03-01")
        page.get_by_label("Guest for some time").check()
        asker.click("Update options", "button")
        page.get_by_label("Last day").fill("2027-03-05")
        page.locator("#i-v-department").select_option("marketing")
        asker.click("Update options", "button")
        page.locator("#i-v-team").select_option("Events")
        execution = submit(page)
        is_waiting(page)
        approve(approver, "No Script", "With pleasure.")
        expect(page.locator("#run-outcome")).to_contain_text("No Script can begin")
        assert "With pleasure." in asker.text
    assert demo.record(execution)["inputData"]["ends_on"] == "2027-03-05"


def test_without_javascript_a_session_that_ends_loses_nothing(browser: Browser, demo: Stack, shot: Path) -> None:
    with at_portal(browser, demo, shot, "requester", script=False) as asker:
        page = asker.page
        asker.open(FORM)
        page.get_by_label("Full name").fill("Plain Lunch")
        page.context.clear_cookies(name="sessionid")
        button(page).click()
        give_credentials(asker, **credentials(demo, "requester"))
        asker.click("Go on with the form", "button")
        expect(page.get_by_label("Full name")).to_have_value("Plain Lunch")
        expect(page.locator("#i-v-department option[value=it]")).to_be_attached()


# --- whose it is ---------------------------------------------------------------------------------------------------

MAKE_COLLEAGUE = """
from orgs.models import Membership, Organization, User
user = User.objects.create_user("second@acme.example", "correct horse battery", name="Acme second requester")
Membership.objects.create(user=user, organization=Organization.objects.get(org_id="acme"), role="requester")
"""


def test_a_request_is_found_by_nobody_whom_it_does_not_concern(
    browser: Browser, demo: Stack, shot: Path, asker: Visitor
) -> None:
    asker.open(FORM)
    fill_in(asker.page, "Mine Alone")
    execution = submit(asker.page)
    is_waiting(asker.page)
    [[approval]] = demo.sql(
        f"SELECT id FROM {demo.schema('acme')}.workflows_app_approval WHERE execution_id = %s", execution
    )
    pages = [f"/requests/{execution}{more}" for more in ("", "/part", "/cancel", "/again")]
    doors = [*pages, f"/approvals/{approval}", f"/live/executions/{execution}"]
    assert [asker.page.evaluate(STATUS, path) for path in pages[:3]] == [200, 200, 200]

    demo.manage("shell", "-v", "0", "-c", MAKE_COLLEAGUE)
    with at_portal(browser, demo, shot.with_stem("colleague")) as colleague:
        colleague.open("/")
        give_credentials(colleague, "second@acme.example", "correct horse battery")
        _finds_nothing(colleague, doors)
        colleague.open("/requests")
        assert "No requests yet" in colleague.text
    with at_portal(browser, demo, shot.with_stem("elsewhere"), "owner", org_id="test-org-active") as elsewhere:
        _finds_nothing(elsewhere, doors)
        elsewhere.open("/requests/all")
        assert "Mine Alone" not in elsewhere.text and "Onboard" not in elsewhere.text
    with at_portal(browser, demo, shot.with_stem("outsider")) as outsider:
        outsider.open("/")
        give_credentials(outsider, **credentials(demo, "owner", "test-org-active"))
        assert "the account has no access here" in outsider.text


def _finds_nothing(visit: Visitor, doors: list[str]) -> None:
    assert {path: visit.page.evaluate(STATUS, path) for path in doors} == dict.fromkeys(doors, 404)
    assert visit.open(doors[0]).status == 404
    visit.complaints.clear()  # of the browser, about what was not found
