from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from integrations import access_tokens
from integrations.access_tokens import token
from tests.integrations.conftest import make_organization

ACME, GLOBEX = make_organization("acme"), make_organization("globex")


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    access_tokens.forget()
    yield
    access_tokens.forget()


class Maker:
    def __init__(self, seconds: float = 3600, fails: int = 0) -> None:
        self.made = 0
        self.seconds = seconds
        self.fails = fails

    async def __call__(self) -> tuple[str, float]:
        await asyncio.sleep(0)
        self.made += 1
        if self.made <= self.fails:
            raise ConnectionError
        return f"token-{self.made}", self.seconds


def ask(make: Any, organization: Any = ACME, credentials: tuple[str, ...] = ("id", "secret"), **how: Any) -> Any:
    return token(organization, how.get("integration", "graph"), credentials, make, how.get("refused"))


@pytest.mark.asyncio
async def test_one_is_made_for_all_that_ask_at_once_and_later() -> None:
    make = Maker()

    assert set(await asyncio.gather(*(ask(make) for _ in range(50)))) == {"token-1"}
    assert await ask(make, integration="Graph") == "token-1"
    assert make.made == 1


@pytest.mark.parametrize(
    "other", [{"organization": GLOBEX}, {"credentials": ("id", "another")}, {"integration": "halo"}]
)
@pytest.mark.asyncio
async def test_another_organization_service_or_secret_has_another(other: dict[str, Any]) -> None:
    make = Maker()

    assert [await ask(make), await ask(make, **other), await ask(make)] == ["token-1", "token-2", "token-1"]


@pytest.mark.asyncio
async def test_one_that_expires_within_a_minute_is_replaced() -> None:
    make = Maker(seconds=59)

    assert [await ask(make), await ask(make)] == ["token-1", "token-2"]


@pytest.mark.asyncio
async def test_one_that_was_refused_is_replaced_once_for_all_that_were_refused() -> None:
    make = Maker()
    await ask(make)

    assert await asyncio.gather(*(ask(make, refused="token-1") for _ in range(5))) == ["token-2"] * 5
    assert await ask(make) == "token-2"


@pytest.mark.asyncio
async def test_a_failure_is_told_to_who_caused_it_and_the_next_one_tries_again() -> None:
    make = Maker(fails=1)

    results = await asyncio.gather(ask(make), ask(make), return_exceptions=True)

    assert [type(result) for result in results] == [ConnectionError, str]


@pytest.mark.asyncio
async def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_tokens, "MOST_KEPT", 2)
    make = Maker()
    for secret in ("a", "b", "c"):
        await ask(make, credentials=(secret,))

    assert await ask(make, credentials=("c",)) == "token-3"
    assert await ask(make, credentials=("a",)) == "token-4"
