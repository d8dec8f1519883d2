from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from pytest_django import Settings
from uuid6 import uuid7

from integrations import sealing, secrets
from integrations.vault_setup import PLATFORM_POLICY, prepare_vault
from orgs.records import OrganizationRecord
from tests.integrations.servers import PrivateVault, private_vault

Ask = Callable[..., httpx.Response]


def make_organization(name: str, tags: tuple[str, ...] = ()) -> OrganizationRecord:
    """A record that the vault has never heard of; it has no row and no schema."""
    org_id = f"{name}-{uuid4().hex[:12]}"
    return OrganizationRecord(uuid7(), org_id, name.title(), f"org_{uuid4().hex}", "active", False, "", "UTC", tags)


@pytest.fixture(autouse=True)
def fresh_connections() -> Iterator[None]:
    """Each test reads its own settings, and none inherits another's tokens or keys."""
    secrets.reset()
    sealing.forget_master_keys()
    yield
    secrets.reset()
    sealing.forget_master_keys()


@pytest.fixture(scope="session")
def _prepared_vault() -> None:
    prepare_vault()


@pytest.fixture
def vault(_prepared_vault: None) -> Ask:
    """The session's vault, prepared; asks it by plain HTTP: vault("GET", path, token=..., json=...)."""

    def ask(method: str, path: str, token: str | None = None, **arguments: object) -> httpx.Response:
        headers = {"X-Vault-Token": token or settings.VAULT_TOKEN}
        return httpx.request(method, f"{settings.VAULT_ADDR}/v1/{path}", headers=headers, **arguments)  # type: ignore[arg-type]

    return ask


@pytest.fixture
def north(vault: Ask) -> Iterator[OrganizationRecord]:
    yield from _with_policy(make_organization("north"))


@pytest.fixture
def south(vault: Ask) -> Iterator[OrganizationRecord]:
    yield from _with_policy(make_organization("south"))


def _with_policy(organization: OrganizationRecord) -> Iterator[OrganizationRecord]:
    secrets.prepare_organization(organization)
    address, token = settings.VAULT_ADDR, settings.VAULT_TOKEN
    yield organization
    # The test may have pointed the platform elsewhere or taken its rights away.
    settings.VAULT_ADDR, settings.VAULT_TOKEN = address, token
    secrets.reset()
    secrets.remove_organization(organization)


@pytest.fixture
def platform_token(vault: Ask) -> str:
    """A token with the platform's policy and nothing more."""
    answer = vault("POST", "auth/token/create-orphan", json={"policies": [PLATFORM_POLICY], "no_default_policy": True})
    return str(answer.json()["auth"]["client_token"])


@pytest.fixture
def as_platform(platform_token: str, settings: Settings) -> None:
    """The platform works under its own policy from here on."""
    settings.VAULT_TOKEN = platform_token
    secrets.reset()


@pytest.fixture
def own_vault(settings: Settings) -> Iterator[PrivateVault]:
    """A vault that the test may break; nothing is prepared in it."""
    with private_vault() as server:
        settings.VAULT_ADDR, settings.VAULT_TOKEN = server.address, "root-of-a-private-vault"
        secrets.reset()
        yield server
