from __future__ import annotations

import base64
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from bifrost.sdk.errors import ConfigurationError
from integrations import secrets
from integrations.errors import VaultUnavailable
from integrations.vault_setup import platform_policy, platform_sign_in, prepare_vault
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask, make_organization
from tests.integrations.servers import PrivateVault

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db


def test_prepares_an_empty_vault_and_then_has_nothing_to_do(own_vault: PrivateVault) -> None:
    assert prepare_vault() == [
        "made the engine bifrost/",
        "made the token role bifrost-organization",
        "installed the policy bifrost-platform",
        "made the master key",
    ]
    before = secrets.master_keys()
    assert prepare_vault() == []
    assert secrets.master_keys() == before
    assert [len(base64.b64decode(key)) for key in before.values()] == [32]


def test_many_processes_that_prepare_at_once_make_one_master_key(own_vault: PrivateVault) -> None:
    secrets.platform().call("post", "sys/mounts/bifrost", {"type": "kv", "options": {"version": "2"}})
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: prepare_vault(), range(8)))
    assert sum("made the master key" in sentences for sentences in done) == 1
    versions = secrets.platform().call("get", "bifrost/metadata/platform/master-key")["data"]["versions"]
    assert list(versions) == ["1"]


@pytest.mark.usefixtures("as_platform")
def test_the_platforms_own_token_suffices_for_a_prepared_vault() -> None:
    assert prepare_vault() == []


def test_the_platforms_own_token_says_what_an_unprepared_vault_lacks(
    own_vault: PrivateVault, settings: Settings
) -> None:
    administer = secrets.platform().call
    administer("post", "sys/policies/acl/bifrost-platform", {"policy": platform_policy()})
    answer = administer("post", "auth/token/create-orphan", {"policies": ["bifrost-platform"]})
    settings.VAULT_TOKEN = answer["auth"]["client_token"]
    with pytest.raises(ConfigurationError, match=r"lacks the KV engine bifrost/.*administrator"):
        prepare_vault()


def test_an_engine_of_another_kind_is_not_touched(own_vault: PrivateVault) -> None:
    secrets.platform().call("post", "sys/mounts/bifrost", {"type": "kv", "options": {"version": "1"}})
    with pytest.raises(ConfigurationError, match="VAULT_MOUNT"):
        prepare_vault()


def test_another_mount_has_a_policy_of_its_own(own_vault: PrivateVault, settings: Settings) -> None:
    settings.VAULT_MOUNT = "elsewhere"
    prepare_vault()
    north = make_organization("north")
    secrets.prepare_organization(north)
    secrets.write_secret(north, "api_key", "x")
    assert secrets.read_secret(north, "api_key") == "x"
    assert "bifrost/data" not in platform_policy()
    assert 'path "sys/mounts/elsewhere"' in platform_policy()
    assert 'path "auth/token/create/bifrost-organization"' in platform_policy()


def soon() -> float:
    return time.monotonic() + 3


@pytest.fixture
def signed_in_by_role(own_vault: PrivateVault, settings: Settings) -> None:
    prepare_vault()
    settings.VAULT_ROLE_ID, settings.VAULT_SECRET_ID = platform_sign_in()
    settings.VAULT_TOKEN = ""


@pytest.mark.usefixtures("signed_in_by_role")
def test_signs_in_by_role_under_the_platforms_policy() -> None:
    north = make_organization("north")
    secrets.prepare_organization(north)
    secrets.write_secret(north, "api_key", "x")
    assert secrets.read_secret(north, "api_key") == "x"
    with pytest.raises(VaultUnavailable, match="refused"):
        secrets.platform().call("get", f"bifrost/data/orgs/{north.org_id}/api_key")


@pytest.mark.usefixtures("signed_in_by_role")
def test_signs_in_again_when_its_token_was_revoked() -> None:
    first = secrets.platform()._signed_in(soon())
    secrets._vault().door.call("post", "auth/token/revoke-self", first, soon(), {})
    assert secrets.master_keys()
    assert secrets.platform()._signed_in(soon()) != first


@pytest.mark.usefixtures("signed_in_by_role")
def test_signing_in_twice_makes_another_secret_id_that_works(settings: Settings) -> None:
    settings.VAULT_TOKEN = "root-of-a-private-vault"
    role_id, secret_id = platform_sign_in()
    assert role_id == settings.VAULT_ROLE_ID
    assert secret_id != settings.VAULT_SECRET_ID


@pytest.mark.usefixtures("signed_in_by_role")
def test_a_wrong_secret_id_is_named(settings: Settings) -> None:
    settings.VAULT_SECRET_ID = "wrong"
    with pytest.raises(VaultUnavailable, match="does not accept VAULT_ROLE_ID and VAULT_SECRET_ID"):
        secrets.master_keys()


def test_no_credentials_at_all_are_named(settings: Settings) -> None:
    settings.VAULT_TOKEN = settings.VAULT_ROLE_ID = settings.VAULT_SECRET_ID = ""
    with pytest.raises(VaultUnavailable, match="set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"):
        secrets.master_keys()


def test_a_policy_follows_the_organizations_tags(vault: Ask) -> None:
    plain = make_organization("tagged")
    secrets.prepare_organization(plain)
    secrets.prepare_organization(plain)
    before = vault("GET", f"sys/policies/acl/org-{plain.org_id}").json()["data"]["policy"]
    tagged = OrganizationRecord(plain.id, plain.org_id, "", "", "active", False, "", "UTC", ("gold",))
    secrets.prepare_organization(tagged)
    after = vault("GET", f"sys/policies/acl/org-{plain.org_id}").json()["data"]["policy"]
    assert "tags/gold/*" not in before
    assert "tags/gold/*" in after
    secrets.remove_organization(plain)


def test_a_forked_process_reads_on_its_own_connections(north: OrganizationRecord) -> None:
    secrets.write_secret(north, "api_key", "x")
    secrets.read_secret(north, "api_key")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = int(secrets._connections is not None or secrets.read_secret(north, "api_key") != "x")
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert secrets.read_secret(north, "api_key") == "x"
