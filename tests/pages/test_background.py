"""Executions that workers run, in the browser: what they wait for, cancelling, running again, limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.acceptance.launching import eventually
from tests.acceptance.stack import Stack
from tests.pages.visiting import EXECUTIONS, Visitor

LIST = EXECUTIONS.format("acme")
SETTINGS = "/o/acme/admin/dispatch/workflowsetting/"
ENDED = {"Success", "CompletedWithErrors", "Failed", "Compensated", "Cancelled", "Rejected"}

Begin = Callable[..., str]


@pytest.fixture
def begin(stack: Stack) -> Iterator[Begin]:
    """Starts a workflow of Acme and returns the execution's id; afterwards none of them goes on."""
    begun: list[str] = []

    def start(workflow: str, **parameters: Any) -> str:
        begun.append(stack.run(workflow, **parameters).json()["executionId"])
        return begun[-1]

    yield start
    cancel_what_goes_on(stack)


def cancel_what_goes_on(stack: Stack) -> None:
    rows = stack.call("GET", "/api/executions?limit=100", stack.token("acme")).json()["results"]
    for row in rows:
        if row["status"] not in ENDED:
            stack.call("POST", f"/api/executions/{row['executionId']}/cancel", stack.token("acme"))
    eventually(lambda: not stack.unfinished(), "the end of every execution")


def wait_for(stack: Stack, execution: str, status: str) -> None:
    eventually(lambda: stack.record(execution)["status"] == status, f"{status} of {execution}")


def open_record(visitor: Visitor, execution: str) -> None:
    assert visitor.open(f"{LIST}{execution}/change/").status == 200


def select(visitor: Visitor, action: str, *executions: str) -> None:
    """Checks the boxes of these rows and runs the action."""
    for execution in executions:
        visitor.page.locator("tr", has_text=execution).get_by_role("checkbox").check()
    visitor.page.locator("select[name=action]").select_option(label=action)
    visitor.click("Run", "button")


# --- cancel --------------------------------------------------------------------------------------------------------


def test_what_runs_is_cancelled_after_a_question(staff: Visitor, stack: Stack, begin: Begin) -> None:
    running = begin("linger")
    wait_for(stack, running, "Running")
    open_record(staff, running)
    staff.click("Cancel")
    assert staff.heading == "Cancel this execution?" and "linger RUNNING" in staff.text
    staff.click("Back")
    assert "RUNNING" in staff.text
    staff.click("Cancel")
    staff.click("Cancel the execution", "button")
    assert "Asked to end" in staff.text
    wait_for(stack, running, "Cancelled")
    open_record(staff, running)
    assert "Cancel asked for by Administrator" in staff.text and "Cancelled by Administrator." in staff.text
    assert staff.page.locator("#main").get_by_role("link", name="Cancel", exact=True).count() == 0


# --- again ---------------------------------------------------------------------------------------------------------


def test_a_failed_one_runs_again_by_the_same_code(staff: Visitor, stack: Stack, begin: Begin) -> None:
    failed = begin("stumble")
    open_record(staff, failed)
    staff.click("Run again")
    assert staff.heading == "Run this execution again?"
    staff.page.get_by_label("The code that it ran").check()
    staff.click("Run again", "button")
    assert "Started again." in staff.text and f"Retry of {failed}" in staff.text
    again = re.search(r"execution/([0-9a-f-]{36})/change/", staff.page.url)
    assert again and again[1] != failed
    wait_for(stack, again[1], "Failed")
    staff.click(failed)
    assert staff.page.url.endswith(f"{failed}/change/")


def test_every_attempt_is_told_with_its_error(staff: Visitor, stack: Stack, begin: Begin) -> None:
    faltered = begin("falter")
    wait_for(stack, faltered, "Failed")
    open_record(staff, faltered)
    for part in (
        "RuntimeError: attempt 1",
        "Suspended: attempt 1 of 2 failed; the next one begins in",
        "Running, attempt 2",
        "RuntimeError: attempt 2",
    ):
        assert part in staff.text


# --- several -------------------------------------------------------------------------------------------------------


def test_several_are_cancelled_and_run_again_from_the_list(staff: Visitor, stack: Stack, begin: Begin) -> None:
    running, done = [begin("linger"), begin("linger")], begin("tell", message="the tale")
    for execution in running:
        wait_for(stack, execution, "Running")
    staff.open(LIST)
    select(staff, "Cancel", *running, done)
    assert staff.heading == "Cancel these 3 executions?" and "1 of 3 has ended, and stays as it is." in staff.text
    staff.click("Cancel 3 executions", "button")
    assert "2 asked to end" in staff.text and "1 left as it is: ended already." in staff.text
    for execution in running:
        wait_for(stack, execution, "Cancelled")

    staff.open(LIST)
    select(staff, "Run again", *running)
    staff.click("Run again", "button")
    assert "2 started again." in staff.text


def test_on_a_phone_a_selected_one_is_cancelled(phone: Visitor, stack: Stack, begin: Begin) -> None:
    running = begin("linger")
    wait_for(stack, running, "Running")
    phone.open(LIST)
    select(phone, "Cancel", running)
    phone.click("Cancel the execution", "button")
    wait_for(stack, running, "Cancelled")


# --- limits --------------------------------------------------------------------------------------------------------


@pytest.fixture
def limited(staff: Visitor) -> Iterator[None]:
    """At most one execution of linger runs in Acme."""
    staff.open(f"{SETTINGS}add/")
    staff.page.get_by_label("Workflow").select_option("linger")
    staff.page.get_by_label("At once").fill("1")
    staff.click("Save", "button")
    assert "linger" in staff.text
    yield
    staff.open(SETTINGS)
    if staff.page.locator("#result_list a", has_text="linger").count():
        remove_limit(staff)


def remove_limit(staff: Visitor) -> None:
    staff.open(SETTINGS)
    staff.click("linger")
    staff.click("Delete workflow setting")
    with staff.page.expect_navigation():
        staff.page.locator("#main").get_by_role("button", name="Yes").click()


@pytest.mark.usefixtures("limited")
def test_a_limit_holds_the_second_one_back_until_it_is_removed(staff: Visitor, stack: Stack, begin: Begin) -> None:
    first = begin("linger")
    wait_for(stack, first, "Running")
    second = begin("linger")
    open_record(staff, second)
    assert "QUEUED" in staff.text and "Waits for: 1 of at most 1 executions of linger run" in staff.text

    staff.open("/admin/")
    card = staff.page.locator(".bifrost-figures > *", has_text="Waiting for a worker")
    assert re.search(r"Waiting for a worker 1 Run queue\s+the first for \d+ s", re.sub(r"\s+", " ", card.inner_text()))
    card.get_by_role("link", name="Run queue").click()
    staff.page.wait_for_url("**/dispatch/dispatch/?status=Queued")
    row = staff.page.locator("#result_list tbody tr")
    assert row.count() == 1
    assert re.search(r"Acme linger QUEUED normal limited \d+ s", re.sub(r"\s+", " ", row.inner_text()))

    remove_limit(staff)
    wait_for(stack, second, "Running")


def test_a_limit_is_a_positive_number(staff: Visitor) -> None:
    staff.open(f"{SETTINGS}add/")
    number = staff.page.get_by_label("At once")
    number.fill("0")
    staff.page.get_by_role("button", name="Save", exact=True).click()
    assert not number.evaluate("field => field.checkValidity()")
    assert staff.page.url.endswith("/add/")


# --- processes -----------------------------------------------------------------------------------------------------


def test_the_workers_are_shown_with_what_they_run(staff: Visitor, stack: Stack, begin: Begin) -> None:
    running = begin("linger")
    wait_for(stack, running, "Running")
    staff.open("/admin/dispatch/worker/")
    rows = [re.sub(r"\s+", " ", row) for row in staff.page.locator("#result_list tbody tr").all_inner_texts()]
    workers = [row for row in rows if row.startswith("worker-")]
    assert len(workers) == 2 and all(re.search(r"[0-3] S AGO", row) for row in workers)
    assert sum(int(re.search(r"S AGO (\d+)", row)[1]) for row in workers) == 1  # type: ignore[index]


def test_the_list_is_narrowed_to_what_is_queued(staff: Visitor, stack: Stack, begin: Begin) -> None:
    running = begin("linger")
    wait_for(stack, running, "Running")
    staff.open(LIST)
    staff.page.get_by_role("button", name="Filters").click()
    staff.page.get_by_role("link", name="Running", exact=True).click()
    staff.page.wait_for_url("**status=Running")
    assert running in staff.text and "SUCCESS" not in staff.text
