"""Whatever is wrong below /api, the answer is JSON of one shape."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from orgs import directory
from orgs.records import OrganizationRecord
from workflows_app import queries

from .conftest import Api, refusal


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/executions/", "/api/workflows/a/b", "/api//x"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_404_json(db: None, path: str, method: str) -> None:
    assert refusal(getattr(Client(), method)(path)) == (404, "NotFound")


def test_it_is_json_in_debug_mode_too(db: None, settings: Any) -> None:
    settings.DEBUG = True
    assert refusal(Client().get("/api/nothing")) == (404, "NotFound")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("put", "/api/workflows/greet", "GET, POST, HEAD"),
        ("options", "/api/workflows/greet", "GET, POST, HEAD"),
        ("post", "/api/executions", "GET, HEAD"),
        ("delete", "/api/executions/1", "GET, HEAD"),
        ("trace", "/api/workflows", "GET, HEAD"),
    ],
)
def test_another_method_is_405_and_names_those_that_exist(api: Api, method: str, path: str, allowed: str) -> None:
    response = getattr(api.client, method)(path, headers=api.headers)
    assert refusal(response) == (405, "MethodNotAllowed")
    assert set(response.headers["Allow"].split(", ")) <= set(allowed.split(", "))


@pytest.mark.parametrize("path", ["/api/health", "/api/schema", "/api/docs"])
def test_the_open_paths_have_their_405_too(db: None, path: str) -> None:
    assert refusal(Client().post(path)) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense"])
def test_the_answer_is_json_whatever_is_accepted(api: Api, accept: str) -> None:
    response = api.get("/api/workflows", Accept=accept)
    assert response.status_code == 200 and response.headers["Content-Type"] == "application/json"


def test_a_thousand_query_arguments_are_an_error_of_the_client(api: Api) -> None:
    assert refusal(api.get("/api/executions?" + "&".join(f"a{n}=1" for n in range(2_000)))) == (400, "ValidationError")


def test_a_host_that_is_not_ours_is_400(db: None) -> None:
    assert refusal(Client().get("/api/workflows", headers={"Host": "evil.example"})) == (400, "ValidationError")


def test_an_unexpected_error_says_nothing_internal(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("password=hunter2 at /srv/bifrost")

    monkeypatch.setattr(queries, "list_workflows", broken)
    response = api.get("/api/workflows")
    assert refusal(response) == (500, "InternalServerError")
    assert b"hunter2" not in response.content and b"/srv" not in response.content


def test_a_database_that_is_away_is_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError('connection to server at "10.0.0.1" failed')

    monkeypatch.setattr(queries, "_narrowed", away)
    response = api.get("/api/executions")
    assert refusal(response) == (503, "ServiceUnavailable")
    assert b"10.0.0.1" not in response.content


def test_a_database_that_is_away_at_sign_in_is_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(directory, "token_by_digest", away)
    assert refusal(api.get("/api/executions")) == (503, "ServiceUnavailable")


def test_an_error_before_the_views_is_json_too(acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("in a middleware")

    monkeypatch.setattr("django.middleware.common.CommonMiddleware.process_request", broken)
    assert refusal(Client(raise_request_exception=False).get("/api/health")) == (500, "InternalServerError")


@pytest.mark.parametrize("header", ["Bearer", "Basic YTpi", "Bearer x y", "Bearer \xff", "Bearer " + "x" * 5_000])
def test_a_bad_token_is_401(db: None, header: str) -> None:
    response = Api(Authorization=header).get("/api/executions")
    assert refusal(response) == (401, "Unauthenticated")
    assert "WWW-Authenticate" in response.headers
