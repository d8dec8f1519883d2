"""The staff's page about the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from orgs import records
from orgs.permissions import VIEW_ORGANIZATIONS
from orgs.records import OrganizationRecord
from tests.factories import make_user
from workflows_app import catalog

PAGE = "/admin/workflows/"
SOURCE = """
    from bifrost import data_provider, param, workflow

    @workflow(name="zip_mailbox", category="my own", description="Packs <a> mailbox", execution_mode="async")
    @param("mailbox", "email", required=True)
    @param("level", "int", default_value=6)
    async def zip_mailbox(context, mailbox, level):
        return None

    @workflow(name="onboard", category="user_management")
    async def onboard(context):
        return None

    @data_provider(name="get_mailboxes", description="Mailboxes of the tenant")
    async def get_mailboxes(context):
        return []
"""


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.WORKSPACE = tmp_path / "workspace"
    directory: Path = settings.WORKSPACE / "workflows"
    directory.mkdir(parents=True)
    (directory / "mail.py").write_text(dedent(SOURCE))
    catalog.refresh()
    yield directory


def page(organization: OrganizationRecord, role: str = "technician") -> HttpResponse:
    client = Client()
    client.force_login(make_user(organization, role))
    return client.get(PAGE)


def text(answer: HttpResponse) -> str:
    assert answer.status_code == 200
    body = answer.content.decode().partition('id="content"')[2]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_workflows_are_listed_by_category_with_what_they_take(workspace: Path, msp: OrganizationRecord) -> None:
    seen = text(page(msp))
    assert seen.index("User management") < seen.index("onboard") < seen.index("my own") < seen.index("zip_mailbox")
    for part in ("Packs &lt;a&gt; mailbox", "async", "mailbox email", "level int, optional", "workflows/mail.py:4"):
        assert part in seen, part
    assert catalog.find("zip_mailbox").code_version[:8] in seen


def test_data_providers_are_listed(workspace: Path, msp: OrganizationRecord) -> None:
    seen = text(page(msp))
    assert "get_mailboxes" in seen and "Mailboxes of the tenant" in seen


def test_what_does_not_load_is_told_above_all_else(workspace: Path, msp: OrganizationRecord) -> None:
    (workspace / "broken.py").write_text("import no_such_module\n")
    catalog.refresh()
    seen = text(page(msp))
    assert seen.index("workflows/broken.py:1") < seen.index("onboard")
    assert "ModuleNotFoundError" in seen and "Traceback (most recent call last)" in seen


def test_tracebacks_are_for_those_who_may_see_them(
    workspace: Path, msp: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace / "broken.py").write_text("import no_such_module\n")
    catalog.refresh()
    monkeypatch.setattr(records, "role_permissions", lambda role, *, msp: frozenset({VIEW_ORGANIZATIONS}))
    seen = text(page(msp))
    assert "ModuleNotFoundError" in seen and "Traceback" not in seen


def test_warnings_are_told(workspace: Path, msp: OrganizationRecord) -> None:
    assert "Warnings" not in text(page(msp))
    (workspace / "named.py").write_text(
        'from bifrost import workflow\n@workflow(name="BadName")\ndef f(context): ...\n'
    )
    catalog.refresh()
    seen = text(page(msp))
    assert "Warnings" in seen and "not snake_case" in seen


def test_an_empty_workspace_says_so(tmp_path: Path, settings: Any, msp: OrganizationRecord) -> None:
    settings.WORKSPACE = tmp_path
    catalog.refresh()
    assert "The workspace holds no workflow that loads." in text(page(msp))


def test_a_customer_s_owner_is_sent_to_sign_in(workspace: Path, acme: OrganizationRecord) -> None:
    answer = page(acme, "owner")
    assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/")


def test_staff_without_sight_of_organizations_are_refused(workspace: Path, msp: OrganizationRecord) -> None:
    assert page(msp, "viewer").status_code == 403


def test_nothing_is_changed_by_it(workspace: Path, msp: OrganizationRecord) -> None:
    client = Client()
    client.force_login(make_user(msp, "owner"))
    assert client.post(PAGE, {"name": "x"}).status_code == 405


def test_an_organization_s_site_has_no_such_page(workspace: Path, msp: OrganizationRecord) -> None:
    client = Client()
    client.force_login(make_user(msp, "owner", all_organizations=True))
    assert client.get(f"/o/acme{PAGE}").status_code == 404
