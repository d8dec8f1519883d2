"""GET /api/workflows and /api/workflows/{name}."""

from __future__ import annotations

from pathlib import Path

import pytest

from orgs.records import OrganizationRecord
from tests.factories import make_token

from .conftest import Api, ApiOf, refusal


def names(api: Api, query: str = "") -> list[str]:
    return [workflow["name"] for workflow in api.get(f"/api/workflows{query}").json()["results"]]


def test_all_workflows_are_listed_by_name(api: Api) -> None:
    assert names(api) == ["greet", "whole_fleet"]
    assert api.get("/api/workflows").json()["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?category=reporting", ["whole_fleet"]),
        ("?category=report", []),
        ("?tag=hello", ["greet"]),
        ("?tag=hel", []),
        ("?q=GREETS", ["greet"]),
        ("?q=demo", ["greet"]),
        ("?q=fleet", ["whole_fleet"]),
        ("?q=fleet&tag=hello", []),
        ("?q=", ["greet", "whole_fleet"]),
    ],
)
def test_the_list_is_narrowed_by_category_tag_and_text(api: Api, query: str, found: list[str]) -> None:
    assert names(api, query) == found


def test_an_unknown_filter_is_refused_and_the_known_ones_are_named(api: Api) -> None:
    response = api.get("/api/workflows?tags=hello")
    assert refusal(response) == (400, "ValidationError")
    assert response.json()["details"]["field"] == "tags"
    assert "category, q, tag" in response.json()["message"]


def test_a_workflow_shows_its_declaration_and_its_parameters_as_json_schema(api: Api) -> None:
    shown = api.get("/api/workflows/greet").json()
    assert shown["category"] == "examples" and shown["tags"] == ["demo", "hello"]
    assert shown["executionMode"] == "sync" and shown["timeoutSeconds"] == 300
    assert shown["requiresOrg"] is True and shown["codeVersion"]
    parameters = shown["parameters"]
    assert parameters["required"] == ["message"]
    assert parameters["properties"]["times"]["type"] == "integer"


def test_an_unknown_workflow_is_404(api: Api) -> None:
    for name in ("nothing", "greet%00", "GREET", "%F0%9F%92%A9", "x" * 5_000):
        assert refusal(api.get(f"/api/workflows/{name}")) == (404, "NotFound")


def test_a_file_that_is_added_is_found_at_once(api: Api, workspace: Path) -> None:
    assert api.get("/api/workflows/later").status_code == 404
    (workspace / "later.py").write_text(
        "from bifrost import workflow\n@workflow(name='later')\ndef later(context): ...\n"
    )
    assert api.get("/api/workflows/later").status_code == 200


def test_viewers_and_runners_may_read_the_catalog_others_may_not(api_of: ApiOf, acme: OrganizationRecord) -> None:
    for permission in ("canViewExecutions", "canExecuteWorkflows"):
        assert api_of(acme, permission).get("/api/workflows").status_code == 200
    for path in ("/api/workflows", "/api/workflows/greet"):
        assert refusal(api_of(acme, "canManageConfig").get(path)) == (403, "PermissionError")


def test_the_msps_token_needs_no_organization_for_the_catalog(api_of: ApiOf, msp: OrganizationRecord) -> None:
    assert names(api_of(msp)) == ["greet", "whole_fleet"]


def test_without_a_token_nothing_is_said(acme: OrganizationRecord, workspace: Path) -> None:
    response = Api().get("/api/workflows")
    assert refusal(response) == (401, "Unauthenticated")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_functions_key_header_is_a_token_too(acme: OrganizationRecord, workspace: Path) -> None:
    assert names(Api(**{"x-functions-key": make_token(acme)})) == ["greet", "whole_fleet"]
