"""What axe-core finds on a page."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RUN = "options => axe.run(options).then(results => results.violations)"


def violations(page: Page, *more: str) -> list[dict[str, Any]]:
    """What breaks a rule of WCAG 2.2 AA, or one with a tag of these. The page keeps axe: a second look takes less."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(RUN, {"runOnly": [*WCAG, *more], "resultTypes": ["violations"]})
    return [{"rule": each["id"], "where": [node["html"] for node in each["nodes"]]} for each in found]
