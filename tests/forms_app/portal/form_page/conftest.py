"""A form in front of people of acme, who fill it in with a browser without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from forms_app.models import Form, FormVersion
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from workflows_app import catalog
from workflows_app.engine import process
from workflows_app.models import Execution

PAGE = "/o/acme/forms/welcome"
SOURCE = """
    from bifrost import data_provider, param, workflow

    @workflow(category="examples")
    @param("password", "secret")
    async def welcome(context, name: str, country: str = "", town: str = "", password: str = "", at: str = ""):
        return {"name": name, "country": country, "town": town, "at": at}

    @data_provider(name="towns", description="Towns of a country", cache_ttl_seconds=0)
    async def towns(context, country=None):
        if country == "broken":
            raise RuntimeError("the password is hunter2")
        return [{"value": f"{country} {number}", "label": f"Town {number}"} for number in (1, 2)]
"""
ITEMS: list[dict[str, Any]] = [
    {"name": "name", "label": "Name", "required": True},
    {"name": "country", "kind": "choice", "choices": ["de", "uk", "broken"], "label": "Country"},
    {"name": "town", "kind": "choice", "provider": "towns", "inputs": {"country": "country"}, "label": "Town"},
    {"name": "password", "kind": "secret", "label": "Password"},
    {"name": "at", "kind": "datetime", "label": "Start"},
]
MakeForm = Callable[..., Form]


@pytest.fixture(autouse=True)
def workspace(transactional_db: None, tmp_path: Path, settings: Any) -> Iterator[None]:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    (settings.WORKSPACE / "workflows" / "welcoming.py").write_text(dedent(SOURCE))
    catalog.refresh()
    yield
    process.stop(grace=0)


@pytest.fixture
def make_form() -> MakeForm:
    """A published form of the organization."""

    def make(organization: OrganizationRecord, items: list[dict[str, Any]] | None = None, **parts: Any) -> Form:
        said = {"slug": "welcome", "name": "Welcome <somebody>", "workflow": "welcome", "published": True, **parts}
        with org_context(organization):
            form = Form.objects.create(**said)
            FormVersion.objects.create(
                form=form.id,
                number=1,
                items=items or ITEMS,
                submit_label="Send it",
                confirmation="**Welcome**",
                saved_by={"kind": "system", "id": "system", "email": "", "name": "Test"},
            )
        return form

    return make


@pytest.fixture
def requester(acme: OrganizationRecord) -> Client:
    """Somebody of Acme who may submit forms."""
    client = Client()
    client.force_login(make_user(acme, "requester"))
    return client


def text(answer: HttpResponse) -> str:
    """What one reads of the page's own part."""
    body = re.sub(r"<(script|template|noscript).*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def hidden(answer: HttpResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, name
    return unescape(found[1])


def filled(answer: HttpResponse | None = None, **values: Any) -> dict[str, Any]:
    """What a browser sends: all fields that are asked, with the values given."""
    asked = [f"v.{item['name']}" for item in ITEMS]
    submission = hidden(answer, "-submission") if answer else str(uuid4())
    given = {f"v.{name}": value for name, value in values.items() if name.isidentifier()}
    return {"-asked": asked, "-submission": submission, "v.name": "Ada", **given}


def executions(organization: OrganizationRecord) -> list[dict[str, Any]]:
    with org_context(organization):
        return list(Execution.objects.values("id", "input", "trigger", "status"))
