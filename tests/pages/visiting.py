"""A person with a browser in front of the running platform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, StorageState, ViewportSize

EXECUTIONS = "/o/{}/admin/workflows_app/execution/"
# Debian's Chromium, which is to ask nobody but the platform.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Milliseconds for which anything on a page is waited for: others keep the machine busy.
PATIENCE = 20_000
# What htmx says where a page is left while a request of its own is under way. One that fails says more than that.
LEFT = ("htmx:sendAbort", "htmx:afterRequest")


class Visitor:
    """Opens pages and notes what goes wrong on them: complaints in the console, requests that leave the platform."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def open(self, path: str) -> Response:
        answer = self.page.goto(self.url + path)
        assert answer
        self.page.locator("h1").wait_for()
        return answer

    def sign_in(self, email: str, password: str, at: str = "/admin/") -> None:
        """Fills in the form; where it leads is for the caller to see."""
        self.open(f"{at}login/?next={at}")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password").fill(password)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Log in").click()

    def click(self, name: str, role: str = "link") -> None:
        """Follows the link or presses the button of this name in the page's own part, not in the sidebar."""
        with self.page.expect_navigation():
            self.page.locator("#main").get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]

    @property
    def text(self) -> str:
        """What a reader sees, on one line."""
        return re.sub(r"\s+", " ", self.page.locator("body").inner_text())

    @property
    def heading(self) -> str:
        return re.sub(r"\s+", " ", self.page.locator("h1").inner_text()).strip()

    def _heard(self, message: ConsoleMessage) -> None:
        # That the page itself is a 404 is no fault of the page.
        itself = message.text.startswith("Failed to load resource") and message.location["url"] == self.page.url
        if message.type in {"error", "warning"} and not itself and not message.text.startswith(LEFT):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.foreign.append(url)


@contextmanager
def session(
    browser: Browser, *, phone: bool = False, state: StorageState | None = None, script: bool = True
) -> Iterator[BrowserContext]:
    """A browser that nobody has signed in with, or one that is signed in as `state` says; or one without JavaScript."""
    context = browser.new_context(
        viewport=PHONE if phone else DESK,
        is_mobile=phone,
        color_scheme="dark" if phone else "light",
        storage_state=state,
        java_script_enabled=script,
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def visiting(context: BrowserContext, url: str, shot: Path) -> Iterator[Visitor]:
    """A visit to the platform at this address. Its last sight is kept as `shot`."""
    visitor = Visitor(context.new_page(), url)
    try:
        yield visitor
    finally:
        visitor.page.screenshot(path=shot)
        visitor.page.close()
    assert visitor.foreign == [], visitor.foreign
    assert visitor.complaints == [], visitor.complaints
