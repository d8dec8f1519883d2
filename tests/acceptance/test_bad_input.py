"""What a client may get wrong, over real HTTP: each has its status and the one shape, and nothing is started."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.stack import Stack

ECHO = "/api/workflows/echo"
JSON = {"Content-Type": "application/json"}


def post(stack: Stack, body: Any, path: str = ECHO, **headers: str) -> httpx.Response:
    return stack.call("POST", path, stack.token("acme"), content=body, headers={**JSON, **headers})


def refused(answer: httpx.Response, status: int, error: str) -> dict[str, Any]:
    """The details, once the rest is as documented."""
    document = answer.json()
    assert (answer.status_code, document["error"]) == (status, error), answer.text
    assert set(document) == {"executionId", "status", "error", "message", "details"}
    assert (document["executionId"], document["status"]) == (None, "Failed")
    assert document["message"]
    details = document["details"]
    assert isinstance(details, dict)
    return details


@pytest.fixture(autouse=True)
def nothing_is_started(stack: Stack) -> Iterator[None]:
    count = f"SELECT count(*) FROM {stack.schema('acme')}.workflows_app_execution"
    before = stack.sql(count)
    yield
    assert stack.sql(count) == before


def test_an_unknown_workflow(stack: Stack) -> None:
    assert refused(post(stack, b"{}", "/api/workflows/ecco"), 404, "NotFound")["similar"] == ["echo"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1]", b"null", b'"text"', b'{"message": NaN}', b'{"message": 1e999}', b'{"a": 1, "a": 2}'],
)
def test_what_is_no_json_object(stack: Stack, body: bytes) -> None:
    refused(post(stack, body), 400, "ValidationError")


def test_a_wrong_type_names_the_field(stack: Stack) -> None:
    details = refused(post(stack, b'{"message": 7}'), 400, "ValidationError")

    assert details["field"] == "message"
    assert [error["field"] for error in details["errors"]] == ["message"]


def test_a_surplus_parameter_names_itself(stack: Stack) -> None:
    assert refused(post(stack, b'{"massage": "x"}'), 400, "ValidationError")["field"] == "massage"


def test_a_missing_parameter_names_itself(stack: Stack) -> None:
    answer = post(stack, b"{}", "/api/workflows/wait_at_gate")

    assert refused(answer, 400, "ValidationError")["field"] == "gate"


@pytest.mark.parametrize("body", [b'{"message": "a\\u0000b"}', b'{"a\\u0000b": 1}', b'{"message": "\\ud800"}'])
def test_characters_that_no_database_holds(stack: Stack, body: bytes) -> None:
    refused(post(stack, body), 400, "ValidationError")


@pytest.mark.parametrize("levels", [101, 200_000])
def test_deep_nesting(stack: Stack, levels: int) -> None:
    refused(post(stack, b'{"message": ' + b"[" * levels + b"]" * levels + b"}"), 400, "ValidationError")


def test_bytes_that_are_no_utf8(stack: Stack) -> None:
    refused(post(stack, b'{"message": "\xff\xfe"}'), 400, "ValidationError")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1_000_001, 10_000_000])
def test_a_large_body(stack: Stack, size: int, chunked: bool) -> None:
    text = json.dumps({"message": "x" * (size - 15)}).encode()
    assert len(text) == size

    answer = post(stack, iter([text]) if chunked else text)

    assert refused(answer, 413, "PayloadTooLarge")["limit_bytes"] == 1_000_000


def test_another_content_type(stack: Stack) -> None:
    refused(post(stack, b"message=x", **{"Content-Type": "text/xml"}), 415, "UnsupportedMediaType")


def test_another_method(stack: Stack) -> None:
    refused(stack.call("PATCH", ECHO, stack.token("acme")), 405, "MethodNotAllowed")


def test_a_path_that_does_not_exist(stack: Stack) -> None:
    refused(stack.call("GET", "/api/nothing/here", stack.token("acme")), 404, "NotFound")


def test_a_path_with_a_nul(stack: Stack) -> None:
    refused(stack.call("GET", "/api/workflows/a%00b", stack.token("acme")), 404, "NotFound")


def test_a_host_that_is_not_served(stack: Stack) -> None:
    refused(post(stack, b"{}", Host="example.com"), 400, "ValidationError")
