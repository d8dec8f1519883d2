"""The portal of Acme's people in a browser, with the forms that bin/up makes to try it with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ViewportSize

from tests.acceptance.launching import EXAMPLES, eventually
from tests.acceptance.stack import Stack
from tests.pages.accessibility import violations
from tests.pages.visiting import DESK, PHONE, Visitor, session, visiting

SIGHTS: list[tuple[str, ViewportSize, Literal["light", "dark"]]] = [("desk", DESK, "light"), ("phone", PHONE, "dark")]
SURPLUS_WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# What the demo's forms need of the workspace that ships.
SOURCES = [
    "data_providers/organization_data.py",
    "data_providers/workplace.py",
    "workflows/examples/my_first_workflow.py",
    "workflows/examples/price_list.py",
    "workflows/examples/request_equipment.py",
    "workflows/user_management/welcome_colleague.py",
]
MAKE_FORMS = """
from bifrost.demo_forms import prepare_forms
from orgs import directory
prepare_forms(directory.msp())
"""


def prepare_demo_forms(stack: Stack) -> None:
    for source in SOURCES:
        target = stack.workspace / source
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / source, target)
    stack.manage("shell", "-v", "0", "-c", MAKE_FORMS)
    listed = "/api/forms"
    eventually(lambda: "onboarding" in stack.call("GET", listed, stack.token("acme")).text, "the demo's forms")


@contextmanager
def at_portal(
    browser: Browser,
    stack: Stack,
    shot: Path,
    role: str = "",
    *,
    org_id: str = "acme",
    phone: bool = False,
    script: bool = True,
) -> Iterator[Visitor]:
    """Somebody at Acme's portal, or another organization's; with a role, signed in as the demo's person of it."""
    organization = stack.up.document["organizations"][org_id]
    with session(browser, phone=phone, script=script) as context, visiting(context, organization["url"], shot) as visit:
        if role:
            sign_in(visit, **credentials(stack, role, org_id))
        yield visit


def credentials(stack: Stack, role: str, org_id: str = "acme") -> dict[str, str]:
    [user] = [user for user in stack.up.document["organizations"][org_id]["users"] if user["role"] == role]
    return {"email": user["email"], "password": user["password"]}


def sign_in(visit: Visitor, email: str, password: str, path: str = "/sign-in") -> None:
    visit.open(path)
    give_credentials(visit, email, password)


def give_credentials(visit: Visitor, email: str, password: str) -> None:
    """At the sign-in that is in front of the visitor."""
    visit.page.get_by_label("E-mail address").fill(email)
    visit.page.get_by_label("Password").fill(password)
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="Sign in").click()


def look_at(visit: Visitor, shots: Path, name: str) -> None:
    """What is in front of the visitor, at a desk in the light and on a phone in the dark; both sights are kept. Nothing
    sticks out, and axe finds nothing."""
    for device, size, scheme in SIGHTS:
        visit.page.set_viewport_size(size)
        visit.page.emulate_media(color_scheme=scheme)
        sight = f"portal-{name}-{device}-{scheme}"
        visit.page.screenshot(path=shots / f"{sight}.png", full_page=True)
        assert visit.page.evaluate(SURPLUS_WIDTH) == 0, sight
        assert violations(visit.page) == [], sight
    visit.page.emulate_media(color_scheme="light")
    visit.page.set_viewport_size(DESK)


def file_name(role: str, path: str) -> str:
    return f"{role}{''.join(letter if letter.isalnum() else '-' for letter in path)}"
