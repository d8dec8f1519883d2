"""The vault itself refuses; nothing here depends on the platform's own care."""

from __future__ import annotations

import time

import pytest
from pytest_django import Settings

from integrations import secrets
from integrations.errors import VaultRefused
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask, make_organization

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db


def token_of(organization: OrganizationRecord, vault: Ask) -> str:
    body = {"policies": [f"org-{organization.org_id}"], "ttl": "60s"}
    return str(vault("POST", "auth/token/create/bifrost-organization", json=body).json()["auth"]["client_token"])


def test_an_organizations_token_reads_its_own_secrets_and_no_others(
    north: OrganizationRecord, south: OrganizationRecord, vault: Ask
) -> None:
    for organization in (north, south):
        secrets.write_secret(organization, "api_key", organization.org_id)
    token = token_of(north, vault)
    assert vault("GET", f"bifrost/data/orgs/{north.org_id}/api_key", token).status_code == 200
    assert vault("GET", f"bifrost/data/orgs/{south.org_id}/api_key", token).status_code == 403


def test_an_organization_whose_id_begins_another_does_not_read_it(north: OrganizationRecord, vault: Ask) -> None:
    longer = f"{north.org_id}-two"
    vault("POST", f"bifrost/data/orgs/{longer}/api_key", json={"data": {"value": "x"}})
    assert vault("GET", f"bifrost/data/orgs/{longer}/api_key", token_of(north, vault)).status_code == 403
    vault("DELETE", f"bifrost/metadata/orgs/{longer}/api_key")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "bifrost/data/orgs/{own}/api_key"),
        ("DELETE", "bifrost/metadata/orgs/{own}/api_key"),
        ("LIST", "bifrost/metadata/orgs"),
        ("GET", "bifrost/data/platform/master-key"),
        ("GET", "bifrost/data/tags/gold/api_key"),
        ("POST", "auth/token/create"),
        ("GET", "sys/policies/acl/org-{own}"),
    ],
)
def test_an_organizations_token_does_nothing_but_read(
    north: OrganizationRecord, vault: Ask, method: str, path: str
) -> None:
    answer = vault(method, path.format(own=north.org_id), token_of(north, vault), json={"data": {"value": "x"}})
    assert answer.status_code == 403


def test_a_tagged_organization_reads_its_tags_defaults_alone(vault: Ask) -> None:
    gold = make_organization("gold", tags=("gold",))
    secrets.prepare_organization(gold)
    token = token_of(gold, vault)
    # 404: it may look, and there is nothing.
    assert vault("GET", "bifrost/data/tags/gold/nothing", token).status_code == 404
    assert vault("GET", "bifrost/data/tags/silver/nothing", token).status_code == 403
    secrets.remove_organization(gold)


@pytest.mark.parametrize("tag", ["*", "../orgs", "a/b", 'x" { capabilities = ["root"] } path "', "+"])
def test_a_tag_adds_nothing_but_its_own_folder_to_a_policy(vault: Ask, tag: str) -> None:
    organization = make_organization("odd", tags=(tag,))
    secrets.prepare_organization(organization)
    policy = vault("GET", f"sys/policies/acl/org-{organization.org_id}").json()["data"]["policy"]
    assert policy.count("capabilities") == 3  # its own secrets, its connections, the MSP's defaults
    assert "tags/" not in policy
    secrets.remove_organization(organization)


def test_reading_uses_a_short_batch_token_of_the_organization(north: OrganizationRecord, vault: Ask) -> None:
    secrets.write_secret(north, "api_key", "x")
    secrets.read_secret(north, "api_key")
    token = secrets._vault().tokens.get(north, time.monotonic() + 3)
    data = vault("POST", "auth/token/lookup", json={"token": token}).json()["data"]
    assert (data["type"], data["policies"]) == ("batch", [f"org-{north.org_id}"])
    assert data["meta"] == {"organization": north.org_id}
    assert 0 < data["ttl"] <= 15 * 60


def test_the_platforms_token_takes_no_part_in_reading(north: OrganizationRecord, settings: Settings) -> None:
    secrets.write_secret(north, "api_key", "x")
    secrets.read_secret(north, "api_key")
    settings.VAULT_TOKEN = "none"
    assert secrets.read_secret(north, "api_key") == "x"


def test_the_platforms_own_token_writes_and_lists_but_does_not_read(
    north: OrganizationRecord, platform_token: str, vault: Ask
) -> None:
    secrets.write_secret(north, "api_key", "x")
    path = f"orgs/{north.org_id}/api_key"
    assert vault("GET", f"bifrost/data/{path}", platform_token).status_code == 403
    assert vault("GET", f"bifrost/metadata/{path}", platform_token).status_code == 403
    assert vault("LIST", f"bifrost/metadata/orgs/{north.org_id}", platform_token).status_code == 200
    assert vault("POST", f"bifrost/data/{path}", platform_token, json={"data": {"value": "y"}}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("LIST", "bifrost/metadata/orgs", None),
        ("GET", "bifrost/data/msp/defaults/x", None),
        ("POST", "bifrost/data/platform/master-key", {"data": {"1": "mine"}}),
        ("DELETE", "bifrost/metadata/platform/master-key", None),
        ("POST", "sys/policies/acl/bifrost-platform", {"policy": 'path "*" { capabilities = ["read"] }'}),
        ("POST", "auth/token/roles/bifrost-organization", {"allowed_policies_glob": ["*"]}),
        ("POST", "auth/token/create", {"policies": ["root"]}),
        ("POST", "auth/token/create/bifrost-organization", {"policies": ["bifrost-platform"]}),
        ("PUT", "sys/seal", None),
    ],
)
def test_the_platforms_own_token_cannot_widen_its_rights(
    vault: Ask, platform_token: str, method: str, path: str, body: dict[str, object] | None
) -> None:
    assert vault(method, path, platform_token, json=body).status_code in {400, 403}


@pytest.mark.usefixtures("as_platform")
def test_all_that_the_platform_does_works_under_its_policy(north: OrganizationRecord) -> None:
    secrets.prepare_organization(north)
    secrets.write_secret(north, "api_key", "x")
    secrets.write_secret(north, "api_key", "y")
    assert secrets.list_secrets(north) == ["api_key"]
    assert secrets.read_secret(north, "api_key") == "y"
    assert secrets.master_keys()
    assert secrets.health().healthy
    assert secrets.delete_secret(north, "api_key")
    assert secrets.list_secrets(north) == []
    secrets.remove_organization(north)


def test_an_organization_without_a_policy_is_refused_by_name(vault: Ask) -> None:
    stranger = make_organization("stranger")
    with pytest.raises(VaultRefused, match=stranger.org_id):
        secrets.read_secret(stranger, "api_key")


def test_a_removed_organization_leaves_nothing_for_its_successor(vault: Ask) -> None:
    former = make_organization("former")
    secrets.prepare_organization(former)
    secrets.write_secret(former, "api_key", "x")
    secrets.remove_organization(former)
    assert secrets.list_secrets(former) == []
    assert vault("GET", f"sys/policies/acl/org-{former.org_id}").status_code == 404
