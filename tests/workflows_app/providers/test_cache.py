"""What is kept is bounded, for each organization by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from workflows_app.providers import cache as module
from workflows_app.providers.cache import ENTRY_BYTES, Cache
from workflows_app.providers.options import Option, Options
from workflows_app.providers.questions import Question

ACME, GLOBEX = uuid4(), uuid4()
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def question(organization: UUID, inputs: str = "", stamp: Any = 1, seconds: int = 60) -> Question:
    loaded = SimpleNamespace(spec=SimpleNamespace(name="p", cache_ttl_seconds=seconds))
    key = (organization, "p", inputs)
    return Question(cast(Any, SimpleNamespace(id=organization)), cast(Any, loaded), {}, cast(Any, None), key, (stamp,))


def options(value: int) -> Options:
    return Options((Option(value, "x", {}),), False, NOW)


def kept(cache: Cache, asked: Question) -> int | None:
    found = cache.get(asked)
    return None if found is None else found.options[0].value


def test_what_is_kept_says_so_and_holds_under_one_stamp() -> None:
    cache = Cache()
    cache.put(question(ACME), options(1), 10, 1.0)
    assert cache.get(question(ACME)) == replace(options(1), cached=True)
    assert cache.get(question(ACME, stamp=2)) is None
    assert cache.get(question(GLOBEX)) is None


def test_what_began_earlier_never_replaces_what_began_later() -> None:
    cache = Cache()
    cache.put(question(ACME), options(2), 10, 2.0)
    cache.put(question(ACME), options(1), 10, 1.0)
    assert kept(cache, question(ACME)) == 2


def test_the_longest_unused_goes_first_and_only_of_who_has_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES_OF_ONE", 2 * (ENTRY_BYTES + 10))
    cache = Cache()
    cache.put(question(GLOBEX), options(0), 10, 1.0)
    for number in (1, 2):
        cache.put(question(ACME, str(number)), options(number), 10, 1.0)
    assert kept(cache, question(ACME, "1")) == 1
    cache.put(question(ACME, "3"), options(3), 10, 1.0)
    found = [kept(cache, question(ACME, each)) for each in "123"]
    assert (found, kept(cache, question(GLOBEX))) == ([1, None, 3], 0)


def test_all_together_the_one_with_most_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 3 * (ENTRY_BYTES + 10))
    cache = Cache()
    for number in (1, 2, 3):
        cache.put(question(ACME, str(number)), options(number), 10, 1.0)
    cache.put(question(GLOBEX), options(0), 10, 1.0)
    assert [kept(cache, question(ACME, each)) for each in "123"] == [None, 2, 3]
    assert kept(cache, question(GLOBEX)) == 0


def test_forgetting_one_organization_leaves_the_others() -> None:
    cache = Cache()
    for organization in (ACME, GLOBEX):
        cache.put(question(organization), options(1), 10, 1.0)
    cache.forget(ACME)
    assert (kept(cache, question(ACME)), kept(cache, question(GLOBEX))) == (None, 1)
    cache.forget()
    assert kept(cache, question(GLOBEX)) is None
