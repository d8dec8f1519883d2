from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import Settings

from integrations import sealing, secrets
from integrations.errors import VaultUnavailable
from integrations.sealing import SealBroken, seal, unseal
from integrations.vault_setup import prepare_vault
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask, make_organization
from tests.integrations.servers import PrivateVault, free_port

NORTH, SOUTH = make_organization("north"), make_organization("south")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def sealed(vault: Ask) -> bytes:
    return seal(NORTH, {"password": "hunter22", "n": [1, 2.5, None, True]})


@examples(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_every_json_value_comes_back(vault: Ask, value: object) -> None:
    back = unseal(NORTH, seal(NORTH, value))
    assert (back, json.dumps(back)) == (value, json.dumps(value))


def test_the_blob_shows_nothing_and_is_never_the_same(vault: Ask, sealed: bytes) -> None:
    again = seal(NORTH, {"password": "hunter22", "n": [1, 2.5, None, True]})
    assert b"hunter22" not in sealed
    assert sealed[:2] == again[:2] == bytes([1, 1])
    assert sealed[2:] != again[2:]


def test_another_organizations_blob_does_not_open(sealed: bytes) -> None:
    with pytest.raises(SealBroken, match=SOUTH.org_id):
        unseal(SOUTH, sealed)


def test_the_same_key_does_not_open_a_blob_bound_to_another_organization(
    sealed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = sealing._cipher(NORTH, 1)
    monkeypatch.setattr(sealing, "_cipher", lambda *_: key)
    assert unseal(NORTH, sealed)
    with pytest.raises(SealBroken):
        unseal(SOUTH, sealed)


def test_no_changed_byte_opens(sealed: bytes) -> None:
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SealBroken):
            unseal(NORTH, bytes(changed))


def test_no_cut_or_lengthened_blob_opens(sealed: bytes) -> None:
    for blob in [*(sealed[:length] for length in range(len(sealed))), sealed + b"\x00", b"", os.urandom(100)]:
        with pytest.raises(SealBroken):
            unseal(NORTH, blob)


def test_a_blob_as_the_database_hands_it_out_opens(sealed: bytes) -> None:
    assert unseal(NORTH, memoryview(sealed)) == unseal(NORTH, sealed)  # type: ignore[arg-type]


def test_nan_is_not_sealed(vault: Ask) -> None:
    with pytest.raises(ValueError, match="JSON"):
        seal(NORTH, {"n": float("nan")})


def test_another_process_opens_what_this_one_sealed(sealed: bytes) -> None:
    sealing.forget_master_keys()
    secrets.reset()
    assert unseal(NORTH, sealed)["password"] == "hunter22"


def test_the_master_key_is_read_once(sealed: bytes, settings: Settings) -> None:
    settings.VAULT_ADDR = f"http://127.0.0.1:{free_port()}"
    secrets.reset()
    assert unseal(NORTH, seal(NORTH, "x")) == "x"
    assert unseal(SOUTH, seal(SOUTH, "y")) == "y"


def test_without_the_key_nothing_is_sealed_or_opened_until_the_vault_is_back(sealed: bytes, settings: Settings) -> None:
    address = settings.VAULT_ADDR
    sealing.forget_master_keys()
    settings.VAULT_ADDR = f"http://127.0.0.1:{free_port()}"
    secrets.reset()
    with pytest.raises(VaultUnavailable):
        seal(NORTH, "x")
    with pytest.raises(VaultUnavailable):
        unseal(NORTH, sealed)
    settings.VAULT_ADDR = address
    secrets.reset()
    assert unseal(NORTH, sealed)["password"] == "hunter22"


def test_a_vault_without_a_master_key_is_unavailable(own_vault: PrivateVault) -> None:
    secrets.platform().call("post", "sys/mounts/bifrost", {"type": "kv", "options": {"version": "2"}})
    with pytest.raises(VaultUnavailable, match=r"no master key.*prepare_vault"):
        seal(NORTH, "x")


@pytest.fixture
def two_keys(own_vault: PrivateVault) -> Iterator[tuple[bytes, dict[int, str]]]:
    """A blob under the first key, and the keys after a second was added in another process."""
    prepare_vault()
    blob = seal(NORTH, "old")
    keys = {**secrets.master_keys(), 2: base64.b64encode(os.urandom(32)).decode()}
    yield blob, keys


def add_key(keys: dict[int, str]) -> None:
    data = {str(version): key for version, key in keys.items()}
    secrets.platform().call("post", "bifrost/data/platform/master-key", {"data": data})


def test_old_blobs_open_after_a_key_was_added_and_new_ones_use_it(two_keys: tuple[bytes, dict[int, str]]) -> None:
    old, keys = two_keys
    add_key(keys)
    sealing.forget_master_keys()
    new = seal(NORTH, "new")
    assert (old[1], new[1]) == (1, 2)
    assert (unseal(NORTH, old), unseal(NORTH, new)) == ("old", "new")


def test_a_process_that_does_not_know_the_newest_key_looks_again(two_keys: tuple[bytes, dict[int, str]]) -> None:
    _, keys = two_keys
    stale = sealing._master_keys
    add_key(keys)
    sealing.forget_master_keys()
    new = seal(NORTH, "new")
    sealing._master_keys = stale
    assert unseal(NORTH, new) == "new"


def test_the_organizations_of_one_master_key_have_different_keys(north: OrganizationRecord) -> None:
    assert sealing._cipher(NORTH, 1) is sealing._cipher(NORTH, 1)
    assert sealing._cipher(NORTH, 1) is not sealing._cipher(SOUTH, 1)
