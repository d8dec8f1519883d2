from __future__ import annotations

import enum
import json
from collections import OrderedDict, UserDict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.sdk.tolerant import MAX_DEPTH, plain


class Color(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class BrokenMapping(UserDict):
    def items(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value", [None, True, False, 0, -7, 1.5, "", "text", "ünïcode 🎉", [], {}, {"a": [1, {"b": None}]}]
)
def test_json_stays_as_it_is(value):
    assert plain(value) == value
    assert type(plain(value)) is type(value)


def test_containers_are_copied():
    value = {"a": [1]}
    copy = plain(value)
    value["a"].append(2)
    assert copy == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3}, [3]),
        (frozenset({3}), [3]),
        (OrderedDict(a=1), {"a": 1}),
        (UserDict({"a": (1,)}), {"a": [1]}),
        ({None: "b", True: "c", 2.5: "d"}, {"True": "c", "None": "b", "2.5": "d"}),
        (datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "2026-01-31T09:30:00+00:00"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(9, 30), "09:30:00"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (PurePosixPath("/a/b"), "/a/b"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (b"bytes", "b'bytes'"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (ValueError("bad"), "ValueError('bad')"),
        (2**10_000, "an integer of 10001 bits"),
    ],
)
def test_what_is_not_json_becomes_it(value, expected):
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


@pytest.mark.parametrize("bad", ["a\x00b", "a\ud800b", "a\udfffb"])
def test_what_postgresql_cannot_store_is_replaced_in_texts_and_keys(bad):
    assert plain(bad) == "a\ufffdb"
    assert plain({bad: [bad]}) == {"a\ufffdb": ["a\ufffdb"]}


def test_an_object_becomes_its_repr():
    assert plain({"client": object}) == {"client": "<class 'object'>"}


def test_a_repr_is_bounded():
    assert len(plain(b"x" * 1_000_000)) < 1_100


def test_a_repr_that_raises_does_not():
    assert plain([Unshowable()]) == ["<Unshowable that cannot be shown>"]


def test_a_container_that_raises_while_it_is_read_does_not():
    assert isinstance(plain({"broken": BrokenMapping(a=1)})["broken"], str)


def test_what_contains_itself_ends():
    value: dict = {"a": 1}
    value["self"] = [value]
    assert plain(value) == {"a": 1, "self": ["..."]}


def test_the_same_part_twice_is_no_recursion():
    part = [1]
    assert plain([part, part]) == [[1], [1]]


def test_depth_is_bounded():
    value: list = []
    for _ in range(10_000):
        value = [value]
    text = json.dumps(plain(value))
    assert text == "[" * MAX_DEPTH + '"..."' + "]" * MAX_DEPTH


def test_a_structure_that_shares_its_parts_does_not_explode():
    value: list = []
    for _ in range(45):
        value = [value, value]
    assert "..." in json.dumps(plain(value))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
)


@given(anything)
def test_the_outcome_is_always_json_and_stays_so(value):
    outcome = plain(value)
    assert json.loads(json.dumps(outcome, allow_nan=False)) == outcome
    assert plain(outcome) == outcome
