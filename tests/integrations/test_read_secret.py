from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bifrost.sdk.errors import ConfigurationError
from integrations import secrets
from integrations.secret_places import MSP_DEFAULTS, tag_place
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask, make_organization

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db


def test_reads_what_was_written(north: OrganizationRecord) -> None:
    secrets.write_secret(north, "api_key", "s3cret with ünïcode\nand lines")
    assert secrets.read_secret(north, "api_key") == "s3cret with ünïcode\nand lines"


def test_each_organization_reads_its_own_under_the_same_name(
    north: OrganizationRecord, south: OrganizationRecord
) -> None:
    secrets.write_secret(north, "api_key", "of north")
    secrets.write_secret(south, "api_key", "of south")
    assert secrets.read_secret(north, "api_key") == "of north"
    assert secrets.read_secret(south, "api_key") == "of south"


def test_a_missing_secret_is_named_with_its_organization(north: OrganizationRecord, south: OrganizationRecord) -> None:
    secrets.write_secret(south, "api_key", "of south")
    with pytest.raises(ConfigurationError) as caught:
        secrets.read_secret(north, "api_key")
    assert "'api_key'" in caught.value.message
    assert f"{north.org_id}--api_key" in caught.value.message
    assert caught.value.config_key == "api_key"


@pytest.mark.parametrize("name", ["", "..", "../south/api_key", "a/b", "a b", "-a", "a%2fb", "ä", "x" * 128])
def test_a_name_that_cannot_be_is_missing_like_any_other(north: OrganizationRecord, name: str) -> None:
    with pytest.raises(ConfigurationError, match="has no secret"):
        secrets.read_secret(north, name)


def test_a_second_write_is_what_is_read_next(north: OrganizationRecord) -> None:
    secrets.write_secret(north, "api_key", "first")
    assert secrets.read_secret(north, "api_key") == "first"
    secrets.write_secret(north, "api_key", "second")
    assert secrets.read_secret(north, "api_key") == "second"


def test_what_another_process_wrote_is_read_next(north: OrganizationRecord, vault: Ask) -> None:
    secrets.write_secret(north, "api_key", "first")
    assert secrets.read_secret(north, "api_key") == "first"
    vault("POST", f"bifrost/data/orgs/{north.org_id}/api_key", json={"data": {"value": "second"}}).raise_for_status()
    assert secrets.read_secret(north, "api_key") == "second"


def test_a_deleted_secret_is_missing_in_all_its_versions(north: OrganizationRecord, vault: Ask) -> None:
    secrets.write_secret(north, "api_key", "first")
    secrets.write_secret(north, "api_key", "second")
    assert secrets.delete_secret(north, "api_key")
    with pytest.raises(ConfigurationError, match="has no secret"):
        secrets.read_secret(north, "api_key")
    assert vault("GET", f"bifrost/data/orgs/{north.org_id}/api_key?version=1").status_code == 404


def test_a_version_deleted_by_an_operator_is_missing(north: OrganizationRecord, vault: Ask) -> None:
    secrets.write_secret(north, "api_key", "first")
    vault("DELETE", f"bifrost/data/orgs/{north.org_id}/api_key").raise_for_status()
    with pytest.raises(ConfigurationError, match="has no secret"):
        secrets.read_secret(north, "api_key")


def test_a_secret_without_text_says_so(north: OrganizationRecord, vault: Ask) -> None:
    vault("POST", f"bifrost/data/orgs/{north.org_id}/api_key", json={"data": {"password": "x"}}).raise_for_status()
    with pytest.raises(ConfigurationError, match="no text under 'value'"):
        secrets.read_secret(north, "api_key")


def test_looks_at_the_organization_then_its_tags_then_the_msp(vault: Ask) -> None:
    organization = make_organization("tagged", tags=("gold", "not a folder", "silver"))
    secrets.prepare_organization(organization)
    name = f"key_of_{organization.id.hex}"
    seen = []
    for place, value in ((MSP_DEFAULTS, "msp"), (tag_place("silver"), "silver"), (tag_place("gold"), "gold")):
        secrets.write_at(place, name, value)
        found = secrets.find_secret(organization, name)
        seen.append((found.value, found.origin))
    secrets.write_secret(organization, name, "own")
    assert seen == [("msp", "msp"), ("silver", "tag"), ("gold", "tag")]
    assert secrets.find_secret(organization, name).origin == "organization"
    secrets.remove_organization(organization)


def test_the_first_tag_wins(vault: Ask) -> None:
    organization = make_organization("tagged", tags=("gold", "silver"))
    secrets.prepare_organization(organization)
    name = f"key_of_{organization.id.hex}"
    for tag in organization.tags:
        secrets.write_at(tag_place(tag), name, tag)
    assert secrets.read_secret(organization, name) == "gold"
    assert secrets.read_secret(replace(organization, tags=("silver", "gold")), name) == "silver"
    secrets.remove_organization(organization)


def test_a_found_secret_does_not_show_its_value(north: OrganizationRecord) -> None:
    secrets.write_secret(north, "api_key", "hunter22")
    assert "hunter22" not in repr(secrets.find_secret(north, "api_key"))


async def _read_from_a_loop(organization: OrganizationRecord) -> list[str]:
    futures = [secrets.secret_future(organization, name) for name in ("one", "two", "one")]
    return await asyncio.gather(*map(asyncio.wrap_future, futures))


def test_a_loop_awaits_many_at_once(north: OrganizationRecord) -> None:
    secrets.write_secret(north, "one", "1")
    secrets.write_secret(north, "two", "2")
    assert asyncio.run(_read_from_a_loop(north)) == ["1", "2", "1"]
