from __future__ import annotations

import pytest

from bifrost.sdk.errors import ValidationError
from integrations import secrets
from integrations.secret_places import address, tag_place
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db


def test_lists_the_names_of_the_organizations_own_and_no_values(
    north: OrganizationRecord, south: OrganizationRecord
) -> None:
    assert secrets.list_secrets(north) == []
    for name in ("b_key", "a.key", "C-key"):
        secrets.write_secret(north, name, "hidden")
    secrets.write_secret(south, "other", "x")
    assert sorted(secrets.list_secrets(north)) == ["C-key", "a.key", "b_key"]


def test_a_folder_that_somebody_made_is_no_secret(north: OrganizationRecord, vault: Ask) -> None:
    vault("POST", f"bifrost/data/orgs/{north.org_id}/folder/inside", json={"data": {"value": "x"}}).raise_for_status()
    assert secrets.list_secrets(north) == []
    vault("DELETE", f"bifrost/metadata/orgs/{north.org_id}/folder/inside")


def test_deleting_tells_whether_there_was_one(north: OrganizationRecord, south: OrganizationRecord) -> None:
    secrets.write_secret(south, "api_key", "x")
    assert not secrets.delete_secret(north, "api_key")
    assert secrets.read_secret(south, "api_key") == "x"
    assert secrets.delete_secret(south, "api_key")
    assert not secrets.delete_secret(south, "api_key")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "a b", "a\n", "-a", "a-", "ä", "x" * 128, "a\x00"])
def test_a_bad_name_is_refused(north: OrganizationRecord, name: str) -> None:
    for call in (lambda: secrets.write_secret(north, name, "x"), lambda: secrets.delete_secret(north, name)):
        with pytest.raises(ValidationError) as caught:
            call()
        assert caught.value.field == "name"


@pytest.mark.parametrize("value", ["", None, 5, b"bytes", "ab\ud800cdef", "x" * 64_001])
def test_a_bad_value_is_refused_and_not_quoted(north: OrganizationRecord, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        secrets.write_secret(north, "api_key", value)  # type: ignore[arg-type]
    assert caught.value.field == "value"
    assert "abc" not in caught.value.message
    assert secrets.list_secrets(north) == []


@pytest.mark.parametrize("value", [" ", "\x00", "x" * 64_000, '{"json": "\\u0041"}', "ends with a line\n", "🔑"])
def test_every_other_text_comes_back_exactly(north: OrganizationRecord, value: str) -> None:
    secrets.write_secret(north, "api_key", value)
    assert secrets.read_secret(north, "api_key") == value


def test_the_address_is_the_documented_one(north: OrganizationRecord) -> None:
    assert address(north, "api_key") == f"{north.org_id}--api_key"


def test_a_tag_that_is_no_folder_has_no_place() -> None:
    with pytest.raises(ValidationError, match="cannot have secrets"):
        tag_place("a/b")
