"""The portal of Acme's people in a browser: every page is accessible, at a desk and on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.acceptance.stack import Stack
from tests.pages.visiting import DESK, PHONE, Visitor, session, visiting

# What opens without signing in; what a requester sees; what an administrator sees beside that.
OPEN = ["/sign-in", "/sign-in?next=/profile", "/reset", "/reset/sent", "/join/nothing"]
OF_REQUESTERS = ["/", "/?q=nothing+of+the+kind", "/profile", "/profile/password", "/profile/tokens"]
OF_ADMINISTRATORS = ["/", "/members", "/members?q=viewer", "/members/invite", "/groups", "/branding", "/profile/tokens"]
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
SURPLUS_WIDTH = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def at_portal(browser: Browser, stack: Stack, shot: Path, role: str = "") -> Iterator[Visitor]:
    """Somebody at Acme's portal; with a role, signed in as the demo's person of that role."""
    acme = stack.up.document["organizations"]["acme"]
    with session(browser) as context, visiting(context, acme["url"], shot) as visit:
        if role:
            [user] = [user for user in acme["users"] if user["role"] == role]
            sign_in(visit, user["email"], user["password"])
        yield visit


def sign_in(visit: Visitor, email: str, password: str, path: str = "/sign-in") -> None:
    visit.open(path)
    visit.page.get_by_label("E-mail address").fill(email)
    visit.page.get_by_label("Password").fill(password)
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="Sign in").click()


def look_at(visit: Visitor, shots: Path, name: str) -> None:
    """What is in front of the visitor, at four sights: axe finds nothing, nothing sticks out. Each is kept."""
    for device, size in (("desk", DESK), ("phone", PHONE)):
        visit.page.set_viewport_size(size)
        for scheme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            sight = f"portal-{name}-{device}-{scheme}"
            visit.page.screenshot(path=shots / f"{sight}.png", full_page=True)
            assert violations(visit.page) == [], sight
            assert visit.page.evaluate(SURPLUS_WIDTH) == 0, sight
    visit.page.set_viewport_size(DESK)


def violations(page: Page) -> list[dict[str, Any]]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [{"rule": each["id"], "where": [node["html"] for node in each["nodes"]]} for each in found]


def file_name(role: str, path: str) -> str:
    return f"{role}{''.join(letter if letter.isalnum() else '-' for letter in path)}"


@pytest.mark.parametrize(
    ("role", "paths"),
    [("", OPEN), ("requester", OF_REQUESTERS), ("admin", OF_ADMINISTRATORS)],
    ids=lambda value: str(value)[:9],
)
def test_every_page_is_accessible(
    browser: Browser, stack: Stack, shots: Path, shot: Path, role: str, paths: list[str]
) -> None:
    with at_portal(browser, stack, shot, role) as visit:
        for path in paths:
            answer = visit.open(path)
            assert answer.status == (404 if path == "/join/nothing" else 200), path
            assert visit.page.locator("h1").count() == 1
            look_at(visit, shots, file_name(role, path))


def test_a_person_is_invited_joins_gets_a_token_and_signs_out(
    browser: Browser, stack: Stack, shots: Path, shot: Path
) -> None:
    with at_portal(browser, stack, shot, "admin") as admin:
        admin.open("/groups")
        admin.page.get_by_label("Name").fill("Finance")
        admin.click("Make the group", "button")
        look_at(admin, shots, "a-group")
        admin.click("Save", "button")
        assert "The group is saved." in admin.text

        admin.open("/members/invite")
        admin.click("Invite", "button")
        assert "This field is required." in admin.text
        look_at(admin, shots, "invite-refused")
        admin.page.get_by_label("E-mail address").fill("nell@acme.example")
        admin.page.get_by_label("Role").select_option("requester")
        admin.click("Invite", "button")
        look_at(admin, shots, "invited")
        link = admin.page.locator("#link").inner_text()

        with at_portal(browser, stack, shots / "joined.png") as new:
            join_and_make_a_token(new, shots, link.removeprefix(new.url))

        admin.open("/members?q=nell")
        admin.page.get_by_role("link", name="Change Nell").click()
        look_at(admin, shots, "a-member")
        admin.click("Remove", "button")
        assert "The person is no member any more." in admin.text


def join_and_make_a_token(new: Visitor, shots: Path, link: str) -> None:
    new.open(link)
    look_at(new, shots, "join")
    new.page.get_by_label("Your name").fill("Nell")
    for label in ("A password", "The password again"):
        new.page.get_by_label(label, exact=True).fill("a horse of her own")
    new.click("Make my account", "button")
    assert "Welcome to Acme." in new.text
    new.open("/profile/tokens")
    new.page.get_by_label("What it is for").fill("my script")
    new.page.get_by_label("Fill in forms").check()
    new.click("Make the token", "button")
    assert new.page.locator("#token").inner_text().startswith("bfr_")
    look_at(new, shots, "token-made")
    new.page.locator("details.menu summary").click()
    look_at(new, shots, "menu-open")
    new.page.locator("details.menu").get_by_role("button", name="Sign out").click()
    new.page.wait_for_url("**/sign-in")
    assert "You are signed out." in new.text


def test_a_wrong_password_is_told_and_the_keyboard_is_enough(
    browser: Browser, stack: Stack, shots: Path, shot: Path
) -> None:
    acme = stack.up.document["organizations"]["acme"]
    viewer = acme["users"][4]
    with at_portal(browser, stack, shot) as visit:
        sign_in(visit, viewer["email"], "wrong", "/sign-in?next=/profile")
        assert "The e-mail address or the password is wrong" in visit.text
        look_at(visit, shots, "sign-in-refused")
        visit.page.get_by_label("Password").focus()
        visit.page.keyboard.type(viewer["password"])
        with visit.page.expect_navigation():
            visit.page.keyboard.press("Enter")
        assert visit.heading == "Profile"
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.textContent") == "Skip to the content"
        visit.page.locator("details.menu summary").focus()
        visit.page.keyboard.press("Enter")
        assert visit.page.get_by_role("link", name="API tokens").first.is_visible()
        visit.page.keyboard.press("Escape")
        assert not visit.page.get_by_role("link", name="API tokens").first.is_visible()


def test_branding_is_seen_by_everybody_and_stays_readable(
    browser: Browser, stack: Stack, shots: Path, shot: Path, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.png"
    with at_portal(browser, stack, shot, "owner") as owner:
        owner.page.locator(".brand").screenshot(path=logo)
        owner.open("/branding")
        owner.page.get_by_label("Name of the portal").fill("Acme Help Desk")
        owner.page.get_by_label("Use a colour of our own").check()
        owner.page.get_by_label("Colour", exact=True).fill("#ffdd00")
        owner.page.get_by_label("Logo (optional)").set_input_files(logo)
        owner.click("Save", "button")
        assert "The branding is saved." in owner.text
        look_at(owner, shots, "branded")
        with at_portal(browser, stack, shots / "branded-sign-in.png") as stranger:
            stranger.open("/sign-in")
            assert "Acme Help Desk" in stranger.text
            look_at(stranger, shots, "branded-sign-in")
        owner.page.get_by_label("Name of the portal").fill("")
        owner.page.get_by_label("Use a colour of our own").uncheck()
        owner.page.get_by_label("Remove the logo").check()
        owner.click("Save", "button")
        assert "Acme Help Desk" not in owner.text


def test_without_javascript_all_of_it_works(browser: Browser, stack: Stack, shot: Path) -> None:
    acme = stack.up.document["organizations"]["acme"]
    context = browser.new_context(java_script_enabled=False)
    try:
        with visiting(context, acme["url"], shot) as visit:
            [user] = [user for user in acme["users"] if user["role"] == "requester"]
            sign_in(visit, user["email"], user["password"])
            assert visit.heading == "What can we do for you?"
            visit.page.locator("details.menu summary").click()
            with visit.page.expect_navigation():
                visit.page.locator("details.menu").get_by_role("link", name="Profile").click()
            assert visit.heading == "Profile"
    finally:
        context.close()


def test_the_first_page_is_light(browser: Browser, stack: Stack, shot: Path) -> None:
    with at_portal(browser, stack, shot, "requester") as visit:
        sizes: list[int] = []
        visit.page.on("response", lambda answer: sizes.append(len(answer.body())))
        visit.page.reload(wait_until="networkidle")
        assert 0 < sum(sizes) < 150_000
