"""People before the portal's pages, with a workspace of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.test import Client

from forms_app.models import Form, FormVersion
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_user
from workflows_app import catalog
from workflows_app.engine import process

SOURCE = """
    from bifrost import data_provider, workflow

    @workflow(category="examples")
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
