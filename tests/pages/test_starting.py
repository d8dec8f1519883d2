"""What starts executions by itself, or holds them back, in the browser: approvals, webhooks, schedules."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack
from tests.pages.visiting import EXECUTIONS, Visitor

OF_ACME = "/o/acme/admin/"


def last_of(stack: Stack, workflow: str) -> dict[str, Any]:
    [newest, *_] = stack.call("GET", f"/api/executions?workflow={workflow}", stack.token("acme")).json()["results"]
    return stack.record(newest["executionId"])


def ended_well(stack: Stack, execution: str) -> dict[str, Any]:
    eventually(lambda: stack.record(execution)["status"] == "Success", "Success")
    return stack.record(execution)


# --- approvals -------------------------------------------------------------------------------------------------


def test_an_execution_goes_on_once_it_is_approved(staff: Visitor, stack: Stack) -> None:
    waiting = stack.run("remove_user", email="bo@acme.example").json()["executionId"]
    staff.open(f"{EXECUTIONS.format('acme')}{waiting}/change/")
    assert "Waits for: an approval, until" in staff.text
    staff.click("Approvals")
    staff.click("Run remove_user")
    assert "bo@acme.example" in staff.text
    staff.page.get_by_label("Comment").fill("He has left.")
    staff.click("Approve", "button")
    assert "Approved: the execution is queued." in staff.text
    assert ended_well(stack, waiting)["result"] == {"removed": "bo@acme.example"}
    staff.click("Execution")
    assert "Queued: approved by Administrator He has left." in staff.text


def test_a_rejected_one_never_runs(staff: Visitor, stack: Stack) -> None:
    waiting = stack.run("remove_user", email="cy@acme.example").json()["executionId"]
    staff.open(f"{OF_ACME}workflows_app/approval/?state__exact=pending")
    staff.click("Run remove_user")
    staff.click("Reject", "button")
    assert "Rejected." in staff.text
    assert stack.record(waiting)["status"] == "Rejected"


# --- webhooks --------------------------------------------------------------------------------------------------


def test_a_secret_is_made_used_and_a_delivery_sent_once_more(staff: Visitor, stack: Stack) -> None:
    staff.open(f"{OF_ACME}workflows_app/webhook/")
    assert "It has no secret yet" in staff.text
    staff.page.locator("form", has=staff.page.locator("input[value=take_ticket]")).get_by_role("button").click()
    staff.page.wait_for_url("**/rotate/")
    secret = staff.page.locator("#secret").inner_text()
    answer = stack.http.post(
        "/webhooks/acme/take_ticket", json={"ticket": 7, "password": "hush"}, headers={"X-Webhook-Secret": secret}
    )
    assert answer.status_code == 202, answer.text
    assert ended_well(stack, answer.json()["executionId"])["result"] == {"ticket": 7}

    staff.click("All webhooks")
    assert secret not in staff.page.content()
    staff.open(f"{OF_ACME}workflows_app/webhookdelivery/")
    staff.click("take_ticket")
    assert '"ticket": 7' in staff.text and "REDACTED" in staff.text and "hush" not in staff.page.content()
    staff.click("Deliver once more", "button")
    assert "Delivered once more." in staff.text and "Once more of" in staff.text
    staff.click("Execution")
    again = last_of(stack, "take_ticket")["executionId"]
    assert again != answer.json()["executionId"] and again in staff.text
    ended_well(stack, again)


# --- schedules -------------------------------------------------------------------------------------------------


def test_a_schedule_is_enabled_shows_its_next_runs_and_is_paused(staff: Visitor) -> None:
    staff.open(f"{OF_ACME}dispatch/schedule/add/")
    staff.page.get_by_label("Workflow").select_option("report_by_night")
    staff.click("Next", "button")
    staff.page.get_by_label("Cron").fill("30 6 * * 1-5")
    staff.page.get_by_label("Timezone").fill("Europe/Berlin")
    assert staff.page.get_by_label("Days").input_value() == "7"
    staff.page.get_by_label("Days").fill("many")
    staff.page.get_by_role("button", name="Add a row").click()
    staff.page.get_by_label("Labels: name").last.fill("floor")
    staff.page.get_by_label("Labels: value").last.fill("third")
    staff.click("Save and continue editing", "button")
    expect(staff.page.locator("#problems")).to_be_focused()
    assert staff.page.get_by_label("Labels: value").first.input_value() == "third"

    staff.page.get_by_label("Days").fill("3")
    with staff.page.expect_navigation():
        staff.page.get_by_label("Days").press("Enter")
    staff.click("report_by_night")
    assert staff.page.get_by_label("Days").input_value() == "3"
    assert "By 30 6 * * 1-5 in Europe/Berlin" in staff.text
    assert staff.page.locator("ol li", has_text="06:30 +0").count() == 10

    staff.page.get_by_label("Enabled").uncheck(force=True)
    staff.click("Save", "button")
    row = staff.page.locator("tr", has_text="report_by_night")
    assert "OFF" in row.inner_text()
    staff.open("/admin/dispatch/schedule/")
    assert "report_by_night" in staff.text


def test_a_cron_that_cannot_be_is_explained(staff: Visitor) -> None:
    staff.open(f"{OF_ACME}dispatch/schedule/add/?workflow=stamp_by_night")
    staff.page.get_by_label("Cron").fill("61 * * * *")
    staff.click("Save", "button")
    assert staff.page.url.endswith("/add/?workflow=stamp_by_night") and "61" in staff.text
