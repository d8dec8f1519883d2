from __future__ import annotations

import enum
import json
from collections import defaultdict, namedtuple
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.sdk.documents import MAX_DEPTH, decode, encode, exact, size
from bifrost.sdk.errors import SerializationError

Point = namedtuple("Point", "x y")


class Color(enum.StrEnum):
    RED = "red"


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def refusal(value: object, what: str = "result") -> str:
    with pytest.raises(SerializationError) as caught:
        exact(value, what)
    return str(caught.value)


@pytest.mark.parametrize("value", [None, True, 0, 2**64, -1.5, "", "a", "ü🎉", [], {}, {"a": [{"b": [None]}]}])
def test_json_is_copied_exactly(value):
    assert exact(value, "result") == value
    assert type(exact(value, "result")) is type(value)


def test_the_copy_is_deep():
    value = {"a": [1]}
    copy = exact(value, "result")
    value["a"].append(2)
    assert copy == {"a": [1]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2,)), [1, [2]]),
        (Point(1, 2), [1, 2]),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Color.RED, "red"),
    ],
)
def test_subclasses_of_json_s_types_become_those(value, expected):
    assert exact(value, "result") == expected
    assert type(exact(value, "result")) is type(expected)


def test_a_refusal_names_the_place():
    value = {"users": [{}, {}, {}, {"created": datetime(2026, 1, 1, tzinfo=UTC)}]}
    assert refusal(value) == "The result is not JSON: result.users[3].created is a datetime"


def test_the_place_and_the_reason_are_details():
    with pytest.raises(SerializationError) as caught:
        exact({"a b": {1}}, "result")
    assert caught.value.details == {"place": "result['a b']", "reason": "is a set"}


def test_the_words_fit_a_plural():
    assert refusal([object()], "parameters") == "The parameters are not JSON: parameters[0] is an object"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Decimal(1), "result is a Decimal"),
        (b"x", "result is a bytes"),
        ({1, 2}, "result is a set"),
        (object(), "result is an object"),
        (float("nan"), "result is NaN, which JSON does not have"),
        (float("-inf"), "result is -Infinity, which JSON does not have"),
        (10**4000, "result is an integer of more than 10,000 bits"),
        ("a\x00", "result holds a NUL character"),
        ("ü\ud800", "result holds half a surrogate pair"),
        ({"a\x00": 1}, "result['a\\x00'] holds a NUL character"),
        ({"a": {1: 2}}, "result.a has a key that is an int: 1"),
        ({None: 2}, "result has a key that is a NoneType: None"),
        (nested(MAX_DEPTH + 1), "is nested more than 100 levels deep"),
    ],
)
def test_what_would_not_come_back_as_it_went_is_refused(value, reason):
    assert refusal(value).endswith(reason)


def test_a_hundred_levels_are_allowed():
    assert exact(nested(MAX_DEPTH), "result") == nested(MAX_DEPTH)


def test_what_contains_itself_is_refused_where_it_does():
    inner: dict = {}
    inner["again"] = inner
    assert refusal({"a": inner}) == "The result is not JSON: result.a contains itself"


def test_a_structure_that_shares_its_parts_is_refused_before_it_explodes():
    value: list = []
    for _ in range(60):
        value = [value, value]
    assert "more than 600,000 values" in refusal(value)


def test_a_long_place_is_cut():
    value: object = object()
    for _ in range(90):
        value = {"key": value}
    message = refusal(value)
    assert "..." in message
    assert len(message) < 200


def test_a_long_key_is_cut():
    assert len(refusal({"x" * 10_000: object()})) < 200


@pytest.mark.parametrize(("value", "expected"), [("ü", 4), ({"a": [1, 2]}, 11), (None, 4)])
def test_size_counts_the_bytes_of_the_json(value, expected):
    assert size(value) == expected


def test_encoding_is_short_and_keeps_its_letters():
    assert encode({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


def test_encoding_refuses_nan():
    with pytest.raises(ValueError, match="JSON compliant"):
        encode([float("nan")])


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "{", "", "'a'", b"\xff", "[" * 100_000, "1" * 5_000])
def test_decoding_refuses_with_a_value_error(text):
    with pytest.raises(ValueError):
        decode(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(json_values)
def test_what_is_exact_comes_back_from_its_text(value):
    try:
        copy = exact(value, "result")
    except SerializationError:
        assert "\\u0000" in json.dumps(value)
    else:
        assert decode(encode(copy)) == copy == value
