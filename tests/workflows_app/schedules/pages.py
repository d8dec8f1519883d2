"""The staff's pages about an organization's schedules, as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.http import HttpResponse
from django.test import Client

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from workflows_app.dispatch.models import Schedule
from workflows_app.models import ScheduleParameters
from workflows_app.schedules.parameters import exact_values

LIST = "/o/acme/admin/dispatch/schedule/"
FORM = {
    "enabled": "on",
    "cron": "",
    "timezone": "",
    "overlap": "skip",
    "missed": "run_once",
    "paused_until_0": "",
    "paused_until_1": "",
}


def staff(msp: OrganizationRecord, role: str = "admin", *organizations: OrganizationRecord) -> Client:
    client = Client()
    client.force_login(make_user(msp, role, all_organizations=not organizations, organizations=organizations))
    return client


def add(workflow: str) -> str:
    """The second step of adding one."""
    return f"{LIST}add/?workflow={workflow}"


def page(schedule: Schedule, below: str = "change/") -> str:
    return f"{LIST}{schedule.id}/{below}"


def html(answer: HttpResponse) -> str:
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def text(answer: HttpResponse) -> str:
    """What a reader sees of the page's own part."""
    body = html(answer).partition('id="content"')[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def error_of(answer: HttpResponse, name: str) -> str:
    """What stands beside the field of that parameter."""
    found = re.search(rf'id="i-v-{name}-error">([^<]*)<', html(answer))
    return unescape(found[1]) if found else ""


class _Sent(HTMLParser):
    """What the schedule's form would send, by the names of its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._inside = self._template = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in pairs}
        if tag == "form":
            self._inside = said.get("id") == "schedule_form"
        self._template = self._template or tag == "template"
        name = said.get("name", "") if self._inside and not self._template and "disabled" not in said else ""
        if tag == "input" and name and (said.get("type") not in {"checkbox", "radio"} or "checked" in said):
            self.values.setdefault(name, []).append(said.get("value", "on" if "checked" in said else ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in said or self._select not in self.values):
            self.values[self._select] = [said.get("value", "")]
        elif tag == "textarea" and name:
            self._area, self.values[name] = name, [""]

    def handle_data(self, data: str) -> None:
        if self._area:
            before = self.values[self._area][0]
            self.values[self._area] = [before + (data if before else data.removeprefix("\n"))]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "template":
            self._template = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def sent(answer: HttpResponse, **typed: Any) -> dict[str, Any]:
    """What the page sends where this was typed over what stands there: `days` for a parameter's field, `_cron` for one
    of the schedule's own. None: not ticked."""
    reader = _Sent()
    reader.feed(html(answer))
    for name, value in typed.items():
        key = name[1:] if name.startswith("_") else f"v.{name}"
        if value is None:
            reader.values.pop(key, None)
        else:
            reader.values[key] = value if isinstance(value, list) else [value]
    return reader.values


def kept(organization: OrganizationRecord, workflow: str) -> dict[str, Any]:
    """The parameters that a run would get."""
    with org_context(organization):
        found = ScheduleParameters.objects.get(workflow=workflow)
        return exact_values(organization, found.values, found.values_sealed)
