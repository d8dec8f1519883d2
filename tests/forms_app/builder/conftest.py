"""A workspace with one workflow, and staff at their browsers without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from forms_app import versions
from forms_app.models import Form, FormVersion
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import PASSWORD, make_actor, make_user
from tests.forms_app.builder.workflows import SOURCE
from workflows_app import catalog

ADMIN = "/o/{}/admin/forms_app/form/"
SignIn = Callable[..., "Builder"]


class Builder:
    """Somebody of the staff in front of the builder: reads the page, and sends what a browser would send."""

    def __init__(self, client: Client, org_id: str) -> None:
        self.client, self.admin = client, ADMIN.format(org_id)
        self.answer = HttpResponse()
        self.form_id = ""

    def get(self, path: str) -> int:
        self.answer = self.client.get(path if path.startswith("/") else self.admin + path, follow=True)
        return self.answer.status_code

    def open(self, form_id: UUID | str, item: int | str = 0) -> int:
        self.form_id = str(form_id)
        return self.get(f"{form_id}/change/?item={item}")

    def press(self, do: str, **typed: str | None) -> int:
        """Presses a button of the page that is open, with this typed; None unticks a box."""
        changed = {name.replace("__", "."): value for name, value in typed.items()}
        values = {**fields_of(self.html), **changed, "do": do}
        return self.post({name: value for name, value in values.items() if value is not None})

    def post(self, values: dict[str, Any], path: str = "") -> int:
        address = f"{self.admin}{self.form_id}/{path or 'change'}/"
        self.answer = self.client.post(address, values, follow=True)
        return self.answer.status_code

    @property
    def html(self) -> str:
        return self.answer.content.decode()

    @property
    def text(self) -> str:
        """What a reader sees, on one line."""
        bare = re.sub(r"(?s)<(script|style|option)\b.*?</\1>|<[^>]+>", " ", self.html)
        return re.sub(r"\s+", " ", unescape(bare))


class _Fields(HTMLParser):
    """The values that the form with the id `builder` would send."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in pairs}
        self._inside = self._inside or said.get("id") == "builder"
        name = said.get("name", "") if self._inside else ""
        if tag == "input" and name and (said.get("type") != "checkbox" or "checked" in said):
            self.values[name] = said.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in said or self._select not in self.values):
            self.values[self._select] = said.get("value", "")
        elif tag == "textarea" and name:
            self._area, self.values[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data if self.values[self._area] else data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


def fields_of(html: str) -> dict[str, str]:
    reader = _Fields()
    reader.feed(html)
    return reader.values


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    file = settings.WORKSPACE / "workflows" / "orders.py"
    file.write_text(SOURCE)
    catalog.refresh()
    yield file


@pytest.fixture
def sign_in(msp: OrganizationRecord) -> SignIn:
    """A member of the staff with this role, in front of this organization's pages."""

    def make(role: str = "admin", org_id: str = "acme", **scope: Any) -> Builder:
        client = Client()
        user = make_user(msp, role, **(scope or {"all_organizations": True}))
        assert client.login(username=user.email, password=PASSWORD)
        return Builder(client, org_id)

    return make


@pytest.fixture
def builder(sign_in: SignIn) -> Builder:
    return sign_in()


@pytest.fixture
def form(acme: OrganizationRecord) -> UUID:
    """A form of Acme's from the workflow: for whom, model, city, shop, pieces."""
    return versions.create(acme, make_actor("canManageForms"), "order_laptop")


def newest(organization: OrganizationRecord, form_id: UUID) -> FormVersion:
    with org_context(organization):
        number = Form.objects.values_list("version", flat=True).get(id=form_id)
        return FormVersion.objects.get(form=form_id, number=number)


def row_of(organization: OrganizationRecord, form_id: UUID) -> Form:
    with org_context(organization):
        return Form.objects.get(id=form_id)
