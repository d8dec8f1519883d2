"""What a body may hold. No database."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from bifrost.sdk.errors import ValidationError
from workflows_app.parsers import BodyTooLarge, StrictJSONParser, parse_object, query_arguments, read_object


def refused(body: bytes) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        parse_object(body)
    assert caught.value.details["field"] == caught.value.details["errors"][0]["field"]
    json.dumps(caught.value.details, allow_nan=False).encode()
    return caught.value


def test_an_object_is_taken_as_it_is() -> None:
    body = {"a": [1, 2.5, None, True, "ü"], "b": {"c": -3}}
    assert parse_object(json.dumps(body).encode()) == body


def test_a_byte_order_mark_is_no_error() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"3", b"null", b"true"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert "object" in refused(body).message


@pytest.mark.parametrize("body", [b"{", b"{'a': 1}", b'{"a": 1,}', b"a=1", b'{"a": 01}', b'{"a": "\x00"}', b"{} {}"])
def test_what_is_no_json_is_refused_with_its_place(body: bytes) -> None:
    assert "line 1, column" in refused(body).message


@pytest.mark.parametrize("body", [b'{"a": "\xff"}', b'{"a": "\xed\xa0\x80"}', '{"a": 1}'.encode("utf-16")])
def test_what_is_no_utf8_is_refused(body: bytes) -> None:
    assert "UTF-8" in refused(body).message


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e999"])
def test_numbers_that_are_none_are_refused(number: bytes) -> None:
    refused(b'{"a": [' + number + b"]}")


@pytest.mark.parametrize("digits", [309, 5_000, 100_000])
def test_an_integer_that_no_double_holds_is_refused(digits: int) -> None:
    assert "too large" in refused(b'{"a": ' + b"9" * digits + b"}").message


def test_an_integer_that_a_double_holds_is_taken_exactly() -> None:
    assert parse_object(b'{"a": ' + b"9" * 308 + b"}") == {"a": 10**308 - 1}


def test_a_key_that_occurs_twice_is_named() -> None:
    assert refused(b'{"a": {"x": 1, "x": 2}}').details["field"] == "x"


def nested(levels: int) -> bytes:
    """An object with `levels` levels in all."""
    return b'{"a": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_a_hundred_levels_are_taken() -> None:
    parse_object(nested(100))


@pytest.mark.parametrize("levels", [101, 900, 100_000])
def test_more_levels_are_refused(levels: int) -> None:
    assert "100 levels" in refused(nested(levels)).message


def test_a_text_in_the_hundredth_level_is_not_too_deep() -> None:
    body = b'{"a": ' + b"[" * 99 + b'"\\u0041"' + b"]" * 99 + b"}"
    assert parse_object(body)


@pytest.mark.parametrize(
    "place", ['{"a": "x\\u0000"}', '{"a": {"b\\u0000": 1}}', '{"a": [["\\u0000"]]}', '{"a\\u0000": 1}']
)
def test_a_nul_is_refused_wherever_it_is(place: str) -> None:
    error = refused(place.encode())
    assert error.details["field"].startswith("a") and "NUL" in error.message


@pytest.mark.parametrize("place", ['{"a": "\\ud800"}', '{"a": {"\\udfff": 1}}', '{"a": ["\\ude00\\ud83d"]}'])
def test_half_a_surrogate_pair_is_refused(place: str) -> None:
    assert "surrogate" in refused(place.encode()).message


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_validation_error(body: bytes) -> None:
    try:
        json.dumps(parse_object(body), allow_nan=False).encode()
    except ValidationError as error:
        assert error.details["errors"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(codec=None), max_size=5), JSON, max_size=4))
def test_any_object_that_python_writes_is_storable_or_refused(value: dict[str, Any]) -> None:
    try:
        parsed = parse_object(json.dumps(value).encode())
    except ValidationError:
        return
    stored = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
    stored.encode()
    assert "\\u0000" not in stored


def request_with(body: bytes, **environ: Any) -> HttpRequest:
    return RequestFactory().post("/", body, content_type=environ.pop("content_type", "application/json"), **environ)


def test_no_body_is_an_empty_object_of_whatever_type() -> None:
    assert read_object(request_with(b"", content_type="application/x-www-form-urlencoded")) == {}


def test_a_body_over_the_limit_is_refused_unread(settings: Any) -> None:
    settings.API_BODY_LIMIT = 10
    request = request_with(b"", **{"wsgi.input": io.BytesIO(b"x" * 11), "CONTENT_LENGTH": "11"})
    with pytest.raises(BodyTooLarge):
        read_object(request)
    assert request.environ["wsgi.input"].tell() == 0


def chunked(body: bytes) -> HttpRequest:
    stream = {"wsgi.input": io.BytesIO(body), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    return RequestFactory().generic("POST", "/", b"", content_type="application/json", **stream)


def test_a_chunked_body_is_read() -> None:
    assert read_object(chunked(b'{"a": 1}')) == {"a": 1}


def test_a_chunked_body_is_read_no_further_than_the_limit(settings: Any) -> None:
    settings.API_BODY_LIMIT = 100_000
    request = chunked(b" " * 1_000_000)
    with pytest.raises(BodyTooLarge):
        read_object(request)
    assert request.environ["wsgi.input"].tell() < 200_000


def test_the_parser_for_other_views_has_the_same_rules() -> None:
    assert StrictJSONParser().parse(io.BytesIO(b'{"a": 1}')) == {"a": 1}
    with pytest.raises(ValidationError):
        StrictJSONParser().parse(io.BytesIO(b"[]"))


def asking(query: str) -> HttpRequest:
    request = HttpRequest()
    request.GET = QueryDict(query)
    return request


def test_known_query_arguments_are_taken() -> None:
    assert query_arguments(asking("a=1&b="), {"a", "b", "c"}) == {"a": "1", "b": ""}


@pytest.mark.parametrize("query", ["d=1", "a=1&a=2", "a=%00", "%00=1", "a=1&d"])
def test_other_query_arguments_are_refused(query: str) -> None:
    with pytest.raises(ValidationError):
        query_arguments(asking(query), {"a", "b"})
