"""The portal of Acme's people in a browser: every page is accessible, at a desk and on a phone, in light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.stack import Stack
from tests.pages.onboarding import choose, request_of
from tests.pages.portal import at_portal, file_name, look_at, sign_in
from tests.pages.things import public_form, requests_in_every_state
from tests.pages.visiting import Visitor, visiting

# What opens without signing in; what a requester sees; what an approver and an administrator see beside that. A name in
# braces is one of the `things` that are there.
OPEN = [
    "/sign-in",
    "/sign-in?next=/profile",
    "/reset",
    "/reset/sent",
    "/join/nothing",
    "{public}",
    "{public}?submitted",
]
OF_REQUESTERS = [
    "/",
    "/?q=nothing+of+the+kind",
    "/forms/onboarding",
    "/forms/request-equipment",
    "/forms/say-hello?message=Hello",
    "/requests",
    "/requests?status=failed",
    "/requests?q=nothing+of+the+kind",
    "/requests/{own}",
    "/approvals",
    "/approvals?show=own",
    "/notices",
    "/notices?show=new",
    "/profile",
    "/profile/password",
    "/profile/tokens",
]
OF_APPROVERS = [
    "/",
    "/approvals",
    "/approvals?show=decided",
    "/approvals/{start_approval}",
    "/approvals/{step_approval}",
    "/requests/{step_waits}",
    "/notices",
]
OF_ADMINISTRATORS = [
    "/",
    "/members",
    "/members?q=viewer",
    "/members/invite",
    "/groups",
    "/branding",
    "/profile/tokens",
    "/requests/all",
    "/requests/all?status=approval",
]
STATES = {
    "done": "Done",
    "with_problems": "Done, with problems",
    "failed": "Did not work",
    "undone": "Did not work, undone",
    "cancelled": "Cancelled",
    "rejected": "Not approved",
    "running": "In progress",
    "start_waits": "Waiting for approval",
    "step_waits": "Waiting for approval",
    "paused": "Waiting",
}


@pytest.fixture(scope="module")
def things(browser: Browser, demo: Stack, shots: Path) -> dict[str, str]:
    """A request in each state, approvals that wait, a form that is open to all."""
    made = {"public": public_form(demo), **requests_in_every_state(demo)}
    with at_portal(browser, demo, shots / "things.png", "requester") as asker:
        asker.open("/forms/request-equipment")
        ask_for_equipment(asker.page)
        made["own"] = request_of(asker.page)
    return made


@pytest.mark.parametrize(
    ("role", "paths"),
    [("", OPEN), ("requester", OF_REQUESTERS), ("operator", OF_APPROVERS), ("admin", OF_ADMINISTRATORS)],
    ids=["anybody", "requester", "approver", "administrator"],
)
def test_every_page_is_accessible(
    browser: Browser, demo: Stack, shots: Path, shot: Path, things: dict[str, str], role: str, paths: list[str]
) -> None:
    with at_portal(browser, demo, shot, role) as visit:
        for path in paths:
            answer = visit.open(path.format(**things))
            assert answer.status == (404 if path == "/join/nothing" else 200), path
            assert visit.page.locator("h1").count() == 1
            look_at(visit, shots, file_name(role, path))


@pytest.mark.parametrize("state", STATES)
def test_a_request_is_accessible_in_every_state(
    browser: Browser, demo: Stack, shots: Path, shot: Path, things: dict[str, str], state: str
) -> None:
    with at_portal(browser, demo, shot, "admin") as visit:
        visit.open(f"/requests/{things[state]}")
        assert visit.page.locator("#run-status .badge").first.inner_text() == STATES[state]
        look_at(visit, shots, f"run-{state}")


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


MOST_BYTES = 150_000


@pytest.mark.parametrize("path", ["/", "/forms/onboarding", "/requests/{own}"])
def test_a_first_visit_is_light(browser: Browser, demo: Stack, shot: Path, things: dict[str, str], path: str) -> None:
    """By what goes over the line, headers and all, with an empty cache."""
    with at_portal(browser, demo, shot, "requester") as visit:
        line = visit.page.context.new_cdp_session(visit.page)
        sizes: list[int] = []
        line.on("Network.loadingFinished", lambda loaded: sizes.append(int(loaded["encodedDataLength"])))
        line.send("Network.enable")
        line.send("Network.setCacheDisabled", {"cacheDisabled": True})
        visit.open(path.format(**things))
        visit.page.wait_for_load_state("load")
        if "forms" in path:
            visit.page.locator("#i-v-department option[value=it]").wait_for(state="attached")
        print(f"{path}: {sum(sizes):,} bytes in {len(sizes)} requests")
        assert len(sizes) > 3 and sum(sizes) < MOST_BYTES


def ask_for_equipment(page: Page) -> None:
    """Something dear, which somebody has to approve."""
    choose(page, "kind", "laptop")
    choose(page, "model", "L-16")
    page.get_by_label("What is it for?").fill("Drawings of large machines")
    page.get_by_role("button", name="Request", exact=True).last.click()
    page.wait_for_url("**/requests/*")
