from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations import secrets
from integrations.errors import VaultUnavailable
from integrations.vault_tokens import OrganizationTokens
from orgs.records import OrganizationRecord
from tests.integrations.conftest import Ask, make_organization

# Each change of a secret is in the audit log.
pytestmark = pytest.mark.django_db


class Maker:
    """Makes tokens t1, t2, ... that are good for 15 minutes, and tells the time."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.now = 1_000.0

    def __call__(self, organization: OrganizationRecord, deadline: float) -> tuple[str, float]:
        self.made.append(organization.org_id)
        return f"t{len(self.made)}", 900.0

    def clock(self) -> float:
        return self.now


def soon() -> float:
    return time.monotonic() + 3


def test_a_token_is_kept_until_its_last_minute() -> None:
    maker, organization = Maker(), make_organization("north")
    tokens = OrganizationTokens(maker, 10, maker.clock)
    assert tokens.get(organization, soon()) == "t1"
    maker.now += 839
    assert tokens.get(organization, soon()) == "t1"
    maker.now += 2
    assert tokens.get(organization, soon()) == "t2"


def test_only_so_many_are_kept_and_the_longest_unused_goes_first() -> None:
    maker, (one, two, three) = Maker(), [make_organization(name) for name in ("one", "two", "three")]
    tokens = OrganizationTokens(maker, 2, maker.clock)
    for organization in (one, two, one, three):
        tokens.get(organization, soon())
    assert len(tokens) == 2
    tokens.get(one, soon())
    assert len(maker.made) == 3
    tokens.get(two, soon())
    assert maker.made[3:] == [two.org_id]


def test_forgetting_a_token_spares_the_one_that_replaced_it() -> None:
    maker, organization = Maker(), make_organization("north")
    tokens = OrganizationTokens(maker, 10, maker.clock)
    assert tokens.get(organization, soon()) == "t1"
    tokens.forget(organization, "t1")
    assert tokens.get(organization, soon()) == "t2"
    tokens.forget(organization, "t1")
    assert tokens.get(organization, soon()) == "t2"


def test_many_threads_make_one_token() -> None:
    maker, organization = Maker(), make_organization("north")
    tokens = OrganizationTokens(maker, 10, maker.clock)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: tokens.get(organization, soon()), range(50))) == {"t1"}


def test_whoever_cannot_wait_for_a_slow_maker_gives_up() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(organization: OrganizationRecord, deadline: float) -> tuple[str, float]:
        begun.set()
        assert go_on.wait(10)
        return "t1", 900.0

    tokens, organization = OrganizationTokens(slow, 10), make_organization("north")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(tokens.get, organization, soon())
        assert begun.wait(10)
        with pytest.raises(VaultUnavailable, match="too slow"):
            tokens.get(organization, time.monotonic() + 0.05)
        go_on.set()
        assert first.result(10) == "t1"


def test_a_maker_that_failed_is_asked_again() -> None:
    answers = [VaultUnavailable("away"), ("t1", 900.0)]

    def make(organization: OrganizationRecord, deadline: float) -> tuple[str, float]:
        answer = answers.pop(0)
        if isinstance(answer, VaultUnavailable):
            raise answer
        return answer

    tokens, organization = OrganizationTokens(make, 10), make_organization("north")
    with pytest.raises(VaultUnavailable):
        tokens.get(organization, soon())
    assert tokens.get(organization, soon()) == "t1"


def test_a_token_that_ran_out_on_the_server_is_made_again_once(north: OrganizationRecord, vault: Ask) -> None:
    secrets.write_secret(north, "api_key", "x")
    secrets.read_secret(north, "api_key")
    body = {"policies": [f"org-{north.org_id}"], "ttl": "1s"}
    short = vault("POST", "auth/token/create/bifrost-organization", json=body).json()["auth"]["client_token"]
    slot = secrets._vault().tokens._slots[north.id]
    slot.token = short
    path = f"bifrost/data/orgs/{north.org_id}/api_key"
    until = time.monotonic() + 10
    while vault("GET", path, short).status_code == 200:
        assert time.monotonic() < until, "The token of one second never ran out."
    assert secrets.read_secret(north, "api_key") == "x"
    assert secrets._vault().tokens.get(north, soon()) != short
