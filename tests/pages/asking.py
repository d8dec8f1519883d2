"""A site of one page that asks something, played to the browser: rendering and reading are the real ones, and no
platform has to run for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.contrib.staticfiles import finders
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from playwright.sync_api import Page, Route

from bifrost.sdk.errors import ValidationError
from bifrost.sdk.tolerant import JSON
from workflows_app.inputs.changing import only_row
from workflows_app.inputs.definition import Definition
from workflows_app.inputs.offering import Offer
from workflows_app.inputs.reading import read
from workflows_app.inputs.rendering import Asked

SITE = "http://inputs.test"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Asking</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="htmx-config" content='{{"includeIndicatorStyles": false, "allowEval": false}}'>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/static/portal/portal.css">
<link rel="stylesheet" href="/static/portal/form.css">{head}</head>
<body><main id="main"><h1>Welcome a new colleague</h1><div class="filling"><form method="post" novalidate>
<input type="hidden" name="csrfmiddlewaretoken" value="token">
<button type="submit" class="input-unseen" tabindex="-1" aria-hidden="true">Send it</button>
<div class="panel filling-panel">{form}</div>
<div class="filling-actions"><button type="submit" class="button" id="send">Send it</button>
<a class="button button-quiet" href="/">Cancel</a></div>
</form></div></main><script src="/static/portal/htmx.min.js" defer></script>{scripts}</body></html>"""
Offering = Callable[[str, Mapping[str, JSON]], Offer | int]


class Site:
    """What it was sent lies in `taken`; how its options were asked for in `asked`. `offering` answers with options, or
    with a status that is none of success."""

    def __init__(self, definition: Definition, offering: Offering = lambda field, values: Offer()) -> None:
        self.definition = definition
        self.offering = offering
        self.values: dict[str, JSON] = {}
        self.problems: list[tuple[str, str]] = []
        self.zone = ZoneInfo("Europe/Berlin")
        self.taken: dict[str, JSON] | None = None
        self.asked: list[tuple[str, dict[str, JSON]]] = []
        self.bodies: list[str] = []

    def open(self, page: Page) -> None:
        page.route(f"{SITE}/**", self._answer)
        page.goto(SITE)
        page.locator("h1").wait_for()

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            assert isinstance(found, str), path
            route.fulfill(path=Path(found))
        elif path.startswith("/options/"):
            self._offer(route, path.rpartition("/")[2])
        else:
            if route.request.method == "POST":
                self._take(_request(route))
            route.fulfill(body=self.page(), content_type="text/html")

    def page(self) -> str:
        asked = Asked(self.definition, self.values, self.problems, options_url="/options/", zone=self.zone)
        parts = {
            name: render_to_string(f"inputs/{name}.html", {"asked": asked}) for name in ("head", "form", "scripts")
        }
        return PAGE.format(**parts)

    def _take(self, request: HttpRequest) -> None:
        self.values, self.problems = read(self.definition, request.POST, zone=self.zone)
        known = {place for place, _problem in self.problems}
        try:
            checked = self.definition.validate(self.values)
            self.taken = None if self.problems else checked
        except ValidationError as invalid:
            self.taken = None
            found = [(each["field"], each["message"]) for each in invalid.details["errors"]]
            self.problems += [problem for problem in found if problem[0] not in known]

    def _offer(self, route: Route, name: str) -> None:
        request = _request(route)
        self.bodies.append(request.body.decode())
        of_row, asking, row = self.definition.place(name)
        group = name.partition(".")[0]
        data = only_row(request.POST, f"v.{group}", row) if row else request.POST
        values, _problems = read(self.definition, data, zone=self.zone)
        if row:
            values = next(iter(values[group]), {})
        self.asked.append((name, of_row.arguments(asking, values)))
        made = self.offering(asking.name, self.asked[-1][1])
        if isinstance(made, int):
            route.fulfill(status=made, body="<h1>Sign in</h1>", content_type="text/html")
            return
        asked = Asked(self.definition, values, options_url="/options/", offers={name: made}, zone=self.zone)
        body = render_to_string("inputs/kinds/provided.html", {"control": asked.control_at(name, values)})
        route.fulfill(body=body, content_type="text/html", headers={"X-Options": "true"})


def until(condition: Callable[[], bool], page: Page, what: str) -> None:
    """Waits for something that the page does by itself."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        page.wait_for_timeout(20)


def _request(route: Route) -> HttpRequest:
    kind = route.request.headers.get("content-type", "")
    return RequestFactory().post("/", data=route.request.post_data_buffer or b"", content_type=kind)


def script(path: str) -> str:
    found = finders.find(path)
    assert isinstance(found, str)
    return found


def cases(path: Path) -> list[dict[str, JSON]]:
    found = json.loads(path.read_text())
    assert isinstance(found, list)
    return found
