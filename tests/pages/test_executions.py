"""An execution's record in the browser."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.acceptance.stack import Stack
from tests.pages.visiting import EXECUTIONS, Visitor


@pytest.fixture
def told(stack: Stack) -> str:
    """The id of an execution of Acme."""
    return str(stack.run("tell", message="the tale").json()["executionId"])


def test_staff_find_the_log_of_an_organization_s_execution(staff: Visitor, told: str) -> None:
    staff.open("/admin/")
    staff.page.locator("tr", has_text="acme").get_by_role("link", name="Executions").click()
    staff.page.wait_for_url("**/o/acme/admin/**")
    staff.page.locator("tr", has_text=told).get_by_role("link").first.click()
    staff.page.wait_for_url(f"**/{told}/change/")
    assert staff.heading.endswith("tell")
    for part in ("SUCCESS", "Told the tale", "length: 8", told):
        assert part in staff.text


def test_an_execution_is_not_found_under_another_organization(staff: Visitor, told: str) -> None:
    elsewhere = EXECUTIONS.format("test-org-active")
    assert staff.open(f"{elsewhere}{told}/change/").status == 404
    foreign = staff.text
    assert staff.open(f"{elsewhere}{uuid4()}/change/").status == 404
    assert staff.text == foreign and staff.heading == "Not found"
    staff.open(elsewhere)
    assert told not in staff.text


def test_a_failure_shows_its_traceback_to_staff(staff: Visitor, stack: Stack) -> None:
    failed = stack.run("stumble").json()["executionId"]
    staff.open(f"{EXECUTIONS.format('acme')}?status=Failed")
    staff.click("stumble")
    assert "An unexpected error occurred during workflow execution" in staff.text
    assert "telling.py" in staff.text and "KeyError: 'missing'" in staff.text and failed in staff.text


def test_a_failure_is_counted_on_the_overview(staff: Visitor, stack: Stack) -> None:
    def failures() -> int:
        staff.open("/admin/")
        card = staff.page.locator(".bifrost-figures > *", has_text="Failed in the last 24 hours")
        return int(card.locator(".bifrost-number").inner_text())

    before = failures()
    stack.run("stumble", "test-org-active")
    assert failures() == before + 1


def test_the_list_is_narrowed_by_its_filter(staff: Visitor, told: str) -> None:
    staff.open(EXECUTIONS.format("acme"))
    staff.page.get_by_role("button", name="Filters").click()
    staff.page.get_by_role("link", name="Failed", exact=True).click()
    staff.page.wait_for_url("**status=Failed")
    assert told not in staff.text
