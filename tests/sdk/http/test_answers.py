from __future__ import annotations

import time
from email.utils import formatdate

import httpx
import pytest

from bifrost import IntegrationError
from bifrost.sdk.http.answers import Answer, answer_of, document_of, error_of, failure_of, retry_after, vendor_error

REQUEST = httpx.Request("GET", "https://api.example.com/users/4711?secret=no")


def answered(status: int = 200, **content: object) -> httpx.Response:
    return Answer(status, request=REQUEST, **content)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "response",
    [
        answered(201, json={"id": 1, "names": ["Ä"]}, headers={"Location": "/users/1"}),
        answered(200, text="plain ö"),
        answered(200, content=b"\xff\x00\x80", headers={"Content-Type": "image/png"}),
        answered(200, content=b"{broken", headers={"Content-Type": "application/json"}),
        answered(204),
    ],
)
def test_an_answer_comes_back_from_the_journal_as_it_was(response: httpx.Response) -> None:
    again = answer_of(document_of(response), REQUEST)

    assert (again.status_code, again.headers.get("location")) == (
        response.status_code,
        response.headers.get("location"),
    )
    if "json" in response.headers.get("content-type", "") and response.content.startswith(b'{"'):
        assert again.json() == response.json()
    else:
        assert again.content == response.content


def test_what_lets_somebody_in_is_not_kept() -> None:
    document = document_of(answered(200, headers={"Set-Cookie": "session=abc", "X-Kept": "1"}))

    assert document["headers"] == {"x-kept": "1"}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"error": {"code": "NotFound", "message": "No such user"}}, "NotFound", "No such user"),
        ({"error": "invalid_client", "error_description": "AADSTS7000215"}, "invalid_client", "AADSTS7000215"),
        ({"code": "InvalidObject", "message": "ticket is invalid", "errors": [{"message": "summary is required"}]},
         "InvalidObject", "ticket is invalid; summary is required"),
        ({"title": "Bad", "status": 400}, "", "Bad"),
        (["strange"], "", ""),
        ("text", "", ""),
        ({"error": None}, "", ""),
    ],
)  # fmt: skip
def test_a_service_s_own_code_and_words_are_found(body: object, code: str, words: str) -> None:
    assert vendor_error(answered(400, json=body)) == (code, words)


def test_an_answer_that_is_no_json_has_no_words() -> None:
    assert vendor_error(answered(502, text="<html>Bad gateway")) == ("", "")


def test_the_error_says_what_was_asked_what_came_and_what_to_do() -> None:
    error = error_of("crm", answered(403, json={"error": {"code": "Forbidden", "message": "Missing scope"}}))

    assert error.message == "crm: GET /users/{id} was answered with 403 Forbidden: Missing scope"
    assert (error.integration, error.status_code, error.details["code"]) == ("crm", 403, "Forbidden")
    assert "reconnect" in error.details["hint"]
    assert "4711" not in str(error.details)


@pytest.mark.parametrize(
    ("raised", "what"),
    [
        (httpx.ConnectError("refused"), "cannot be reached"),
        (httpx.ReadTimeout("slow"), "did not answer in time"),
        (httpx.RemoteProtocolError("cut"), "broke off its answer"),
    ],
)
def test_a_request_without_an_answer_says_what_is_known(raised: httpx.HTTPError, what: str) -> None:
    error = failure_of("crm", REQUEST, raised)

    assert error.message == f"crm: GET /users/{{id}}: crm {what}"
    assert error.status_code is None


def test_json_that_cannot_be_read_is_the_service_s_failure() -> None:
    with pytest.raises(IntegrationError, match="the answer is not JSON") as raised:
        answered(200, text='{"users": [').json()

    assert raised.value.status_code == 200


def test_how_long_a_service_wants_to_be_left_alone_is_seconds_or_a_date() -> None:
    assert retry_after(answered(429, headers={"Retry-After": "7"})) == 7
    assert retry_after(answered(429, headers={"Retry-After": "soon"})) is None
    assert retry_after(answered(429)) is None
    left = retry_after(answered(503, headers={"Retry-After": formatdate(time.time() + 20, usegmt=True)}))
    assert left is not None and 15 < left <= 20
