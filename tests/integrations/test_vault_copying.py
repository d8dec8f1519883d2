"""Moving from one vault to another, both of them real."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command

from bifrost.sdk.errors import ConfigurationError
from integrations import secrets
from integrations.errors import VaultUnavailable
from integrations.vault_copying import copy_to
from integrations.vault_setup import prepare_vault
from orgs.records import OrganizationRecord
from tests.integrations.servers import ROOT_TOKEN, PrivateVault, private_vault

pytestmark = pytest.mark.django_db
HEADERS = {"X-Vault-Token": ROOT_TOKEN}


@pytest.fixture
def other(settings: Any) -> Iterator[PrivateVault]:
    """Another vault, with an empty engine."""
    with private_vault() as vault:
        engine = {"type": "kv", "options": {"version": "2"}}
        url = f"{vault.address}/v1/sys/mounts/{settings.VAULT_MOUNT}"
        httpx.post(url, headers=HEADERS, json=engine).raise_for_status()
        yield vault


def use(vault: PrivateVault, settings: Any) -> None:
    settings.VAULT_ADDR, settings.VAULT_TOKEN = vault.address, ROOT_TOKEN
    secrets.reset()


def test_the_platform_goes_on_with_the_other_vault(
    north: OrganizationRecord, other: PrivateVault, settings: Any
) -> None:
    secrets.write_secret(north, "api_key", "of-north")
    keys = secrets.master_keys()

    done = copy_to(other.address, ROOT_TOKEN)
    use(other, settings)
    prepare_vault()
    secrets.prepare_organization(north)

    assert done.copied >= 2 and done.different == []
    assert secrets.read_secret(north, "api_key") == "of-north"
    assert secrets.master_keys() == keys


def test_copying_again_changes_nothing(north: OrganizationRecord, other: PrivateVault) -> None:
    secrets.write_secret(north, "api_key", "of-north")
    first = copy_to(other.address, ROOT_TOKEN)

    again = copy_to(other.address, ROOT_TOKEN)

    assert (again.copied, again.same) == (0, first.copied)


def test_what_the_other_vault_holds_is_left_and_named(
    north: OrganizationRecord, other: PrivateVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets.write_secret(north, "api_key", "of-north")
    copy_to(other.address, ROOT_TOKEN)
    secrets.write_secret(north, "api_key", "changed-meanwhile")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ROOT_TOKEN}\n"))

    with pytest.raises(CommandError, match=f"something else at these paths[^/]*orgs/{north.org_id}/api_key"):
        call_command("copy_vault", "--to", other.address, stdout=io.StringIO())


def test_a_vault_with_a_master_key_of_its_own_is_refused(other: PrivateVault, settings: Any) -> None:
    own = settings.VAULT_ADDR, settings.VAULT_TOKEN
    use(other, settings)
    prepare_vault()
    settings.VAULT_ADDR, settings.VAULT_TOKEN = own
    secrets.reset()

    with pytest.raises(ConfigurationError, match="has a master key of its own"):
        copy_to(other.address, ROOT_TOKEN)


def test_the_same_vault_is_refused(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="the same vault"):
        copy_to(f"{settings.VAULT_ADDR}/", "token")


def test_a_vault_that_is_away_is_named(other: PrivateVault) -> None:
    other.stop()

    with pytest.raises(VaultUnavailable, match=other.address):
        copy_to(other.address, ROOT_TOKEN)


def test_the_command_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    with pytest.raises(CommandError, match="standard input"):
        call_command("copy_vault", "--to", "https://vault:8200")
