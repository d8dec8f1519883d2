"""What holds on every page. That nothing leaves the platform and no console complains, each visit sees by itself."""

from __future__ import annotations

import pytest

from tests.acceptance.stack import Stack
from tests.pages.visiting import DESK, EXECUTIONS, Visitor

ORGANIZATION = "/o/acme/admin/"
PAGES = [
    "/admin/",
    "/admin/orgs/organization/",
    "/admin/orgs/organization/add/",
    "/admin/orgs/user/",
    "/admin/orgs/user/add/",
    "/admin/orgs/membership/",
    "/admin/orgs/membership/add/",
    "/admin/orgs/apitoken/",
    "/admin/orgs/apitoken/add/",
    "/admin/orgs/auditevent/",
    "/admin/dispatch/fleet/",
    "/admin/dispatch/dispatch/",
    "/admin/dispatch/worker/",
    "/admin/dispatch/schedule/",
    "/admin/dispatch/scheduleaudience/",
    "/admin/dispatch/scheduleaudience/add/",
    "/admin/dispatch/workflowsetting/",
    "/admin/dispatch/workflowsetting/add/",
    "/admin/fleet/fleetconnection/",
    "/admin/workflows/",
    "/admin/password_change/",
    ORGANIZATION,
    EXECUTIONS.format("acme"),
    f"{ORGANIZATION}forms_app/form/",
    f"{ORGANIZATION}forms_app/form/add/",
    f"{ORGANIZATION}workflows_app/approval/",
    f"{ORGANIZATION}workflows_app/alert/",
    f"{ORGANIZATION}workflows_app/webhook/",
    f"{ORGANIZATION}workflows_app/webhookdelivery/",
    f"{ORGANIZATION}dispatch/schedule/",
    f"{ORGANIZATION}dispatch/schedule/add/",
    f"{ORGANIZATION}dispatch/schedule/add/?workflow=stamp_by_night",
    f"{ORGANIZATION}dispatch/workflowsetting/",
    f"{ORGANIZATION}dispatch/workflowsetting/add/",
    f"{ORGANIZATION}integrations/config/",
    f"{ORGANIZATION}integrations/config/add/",
    f"{ORGANIZATION}integrations/circuitbreaker/",
    f"{ORGANIZATION}integrations/connection/",
    f"{ORGANIZATION}integrations/connection/add/",
    f"{ORGANIZATION}integrations/connection/add/?provider=microsoft",
    f"{ORGANIZATION}integrations/connection/add/?provider=generic",
    f"{ORGANIZATION}orgs/auditevent/",
    f"{ORGANIZATION}data-providers/",
    "/api/docs",
]
MISSING = ["/nothing", "/admin/nothing/", "/o/acme/nothing", "/o/nobody/admin/"]
UNLABELLED = """
    [...document.querySelectorAll("input, select, textarea")]
        .filter((field) => field.checkVisibility() && !["hidden", "submit", "button"].includes(field.type))
        .filter((field) => !field.labels.length && !field.ariaLabel && !field.placeholder && !field.title)
        .map((field) => field.outerHTML)
"""
WITHOUT_TEXT = "[...document.images].filter((image) => !image.hasAttribute('alt')).map((image) => image.outerHTML)"
SURPLUS_WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def check(visitor: Visitor) -> None:
    assert visitor.page.locator("h1").count() == 1 and visitor.heading
    assert visitor.page.title().strip(" |")
    assert visitor.page.evaluate(UNLABELLED) == []
    assert visitor.page.evaluate(WITHOUT_TEXT) == []
    assert visitor.page.evaluate(SURPLUS_WIDTH) == 0


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole_and_has_a_heading_and_labels_for_its_fields(phone: Visitor, path: str) -> None:
    """On a phone and, after it, at a desk."""
    assert phone.open(path).status == 200
    if path != "/api/docs":
        check(phone)
    phone.page.set_viewport_size(DESK)
    check(phone)


@pytest.mark.parametrize("path", MISSING)
def test_a_page_that_is_not_there_says_so(staff: Visitor, path: str) -> None:
    assert staff.open(path).status == 404
    check(staff)


def test_a_phone_shows_a_whole_record(phone: Visitor, stack: Stack) -> None:
    failed = stack.run("stumble").json()["executionId"]
    assert phone.open(f"{EXECUTIONS.format('acme')}{failed}/change/").status == 200
    assert "KeyError" in phone.text
    check(phone)


@pytest.mark.parametrize("what", ["cancel", "again"])
def test_a_page_that_asks_has_all_that_others_have(phone: Visitor, staff: Visitor, stack: Stack, what: str) -> None:
    failed = stack.run("stumble").json()["executionId"]
    for visitor in (phone, staff):
        assert visitor.open(f"{EXECUTIONS.format('acme')}{failed}/{what}/").status == 200
        check(visitor)


def test_the_way_in_has_labels_too(visitor: Visitor) -> None:
    assert visitor.open("/admin/login/").status == 200
    check(visitor)
