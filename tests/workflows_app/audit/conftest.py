"""A workspace with something behind every door, clients of the API, and a member of the staff at the pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from integrations import sealing, secrets
from orgs.records import OrganizationRecord
from tests.factories import make_user
from tests.integrations.conftest import _prepared_vault
from tests.workflows_app.rest.conftest import api, api_of
from workflows_app import catalog
from workflows_app.dispatch import settled
from workflows_app.webhooks import credentials

# Fixtures of others, for the tests here.
__all__ = ["_prepared_vault", "api", "api_of"]

SOURCE = """
from bifrost import workflow

@workflow(execution_mode="async")
async def later(context, number: int = 1):
    return number

@workflow(webhook_enabled=True, execution_mode="async")
async def called(context, message: str = ""):
    return message

@workflow(execution_mode="scheduled", schedule="0 2 * * *")
async def nightly(context, api_key: str = ""):
    return None
"""


@pytest.fixture
def workspace(transactional_db: None, tmp_path: Path, settings: Any) -> Path:
    settings.WORKSPACE = tmp_path / "workspace"
    directory: Path = settings.WORKSPACE / "workflows"
    directory.mkdir(parents=True)
    (directory / "doors.py").write_text(SOURCE)
    catalog.refresh()
    return directory


@pytest.fixture
def technician(workspace: Path, msp: OrganizationRecord) -> Client:
    """Olga, who may change everything in every customer's organization."""
    client = Client()
    client.force_login(make_user(msp, "owner", email="olga@msp.example", name="Olga", all_organizations=True))
    return client


@pytest.fixture(autouse=True)
def nothing_remembered(_prepared_vault: None) -> Iterator[None]:
    _forget()
    yield
    _forget()


def _forget() -> None:
    credentials.forget()
    settled.forget()
    secrets.reset()
    sealing.forget_master_keys()
