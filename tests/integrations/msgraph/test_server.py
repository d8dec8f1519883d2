"""The Graph of these tests is as strict as Microsoft's: what its client never does is refused as Microsoft does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integrations.msgraph.directory import E3
from tests.integrations.msgraph.routes import TENANT
from tests.integrations.msgraph.server import CLIENT_ID, CLIENT_SECRET, Graph

USER = {
    "accountEnabled": True,
    "displayName": "Ann",
    "mailNickname": "ann",
    "userPrincipalName": "ann@acme.example",
    "passwordProfile": {"password": "Correct-Horse-7"},
}

JSON = {"Content-Type": "application/json"}
READ = {"id": "1", "method": "GET", "url": "/users"}


@pytest.fixture
def ask(graph: Graph) -> Any:
    form = {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }
    token = httpx.post(f"{graph.url}/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]

    def request(method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", **arguments.pop("headers", {})}
        return httpx.request(method, f"{graph.url}/v1.0{path}", headers=headers, **arguments)

    return request


def refusal(response: httpx.Response) -> tuple[int, str]:
    error = response.json()["error"]
    assert error["message"] and error["innerError"]["request-id"]
    return response.status_code, error["code"]


@pytest.mark.parametrize("missing", sorted(USER))
def test_a_new_user_needs_all_that_is_required(graph: Graph, ask: Any, missing: str) -> None:
    given = {name: value for name, value in USER.items() if name != missing}

    assert refusal(ask("POST", "/users", json=given)) == (400, "Request_BadRequest")
    assert graph.directory.users == {}
    assert ask("POST", "/users", json=USER).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "arguments", "status", "code"),
    [
        ("GET", "/users", {"headers": {"Authorization": ""}}, 401, "InvalidAuthenticationToken"),
        ("GET", "/users", {"headers": {"Authorization": "Bearer old"}}, 401, "InvalidAuthenticationToken"),
        ("GET", "/users/nobody@acme.example", {}, 404, "Request_ResourceNotFound"),
        ("GET", "/users?$top=1000", {}, 400, "Request_BadRequest"),
        ("GET", "/users?$expand=x&$foo=1", {}, 400, "Request_BadRequest"),
        ("GET", "/users?$select=shoeSize", {}, 400, "Request_BadRequest"),
        ("GET", "/users?$filter=shoeSize eq 1", {}, 400, "Request_BadRequest"),
        ("GET", "/users?$filter=displayName eq 'O'Neil'", {}, 400, "Request_BadRequest"),
        ("GET", "/users?$filter=endsWith(mail,'x')", {}, 400, "Request_UnsupportedQuery"),
        ("GET", "/users?$filter=contains(mail,'x')", {}, 400, "Request_UnsupportedQuery"),
        ("GET", '/users?$search="displayName:a"', {}, 400, "Request_BadRequest"),
        ("GET", "/users?$skiptoken=old", {}, 400, "Directory_ExpiredPageToken"),
        ("GET", "/subscribedSkus?$top=5", {}, 400, "Request_BadRequest"),
        ("GET", "/auditLogs/signIns?$count=true", {}, 400, "Request_BadRequest"),
        ("PUT", "/users", {"json": {}}, 405, "Request_BadRequest"),
        ("GET", "/people", {}, 400, "BadRequest"),
        ("POST", "/users", {"content": "{", "headers": JSON}, 400, "Request_BadRequest"),
        ("POST", "/users", {"content": "name=ann"}, 415, "Request_BadRequest"),
        ("POST", "/$batch", {"json": {"requests": [READ, READ]}}, 400, "BadRequest"),
        ("POST", "/$batch", {"json": {"requests": [{**READ, "id": str(n)} for n in range(21)]}}, 400, "BadRequest"),
        ("POST", "/$batch", {"json": {"requests": []}}, 400, "BadRequest"),
    ],
)
def test_what_microsoft_refuses(
    ask: Any, method: str, path: str, arguments: dict[str, Any], status: int, code: str
) -> None:
    assert refusal(ask(method, path, **arguments)) == (status, code)


def test_licenses_need_both_lists_and_a_usage_location(graph: Graph, ask: Any) -> None:
    ann = graph.directory.add_user("Ann")
    path, add = f"/users/{ann['id']}/assignLicense", [{"skuId": E3}]

    assert refusal(ask("POST", path, json={"addLicenses": add})) == (400, "Request_BadRequest")
    assert refusal(ask("POST", path, json={"addLicenses": add, "removeLicenses": []})) == (400, "Request_BadRequest")
    assert ask("PATCH", f"/users/{ann['id']}", json={"usageLocation": "NO"}).status_code == 204
    assert ask("POST", path, json={"addLicenses": add, "removeLicenses": []}).status_code == 200


def test_a_conflict_names_the_property(graph: Graph, ask: Any) -> None:
    graph.directory.add_user("Ann")

    error = ask("POST", "/users", json=USER).json()["error"]

    assert (error["code"], error["details"][0]["code"]) == ("Request_BadRequest", "ObjectConflict")
    assert error["details"][0]["target"] == "userPrincipalName"


def test_a_user_tells_little_unless_it_is_asked(graph: Graph, ask: Any) -> None:
    graph.directory.add_user("Ann", department="IT")

    (told,) = ask("GET", "/users").json()["value"]
    (selected,) = ask("GET", "/users?$select=department").json()["value"]

    assert "department" not in told
    assert selected == {"department": "IT"}
