"""How the client is let in, and what it says when it is not."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import ConfigurationError, IntegrationError
from bifrost.testing import context
from integrations.msgraph.client import MicrosoftGraph
from integrations.vendors import built_in
from tests.integrations.msgraph.conftest import Connect
from tests.integrations.msgraph.routes import TENANT
from tests.integrations.msgraph.server import CLIENT_ID, CLIENT_SECRET, Graph
from tests.integrations.vendor import Fault, Reply

SECRET = {"msgraph_client_secret": CLIENT_SECRET}


def test_it_ships() -> None:
    assert built_in("msgraph") is MicrosoftGraph


def test_graph_is_where_microsoft_has_it_unless_a_config_says_otherwise() -> None:
    def where(**config: str) -> str:
        client = context(config=config, integrations={"msgraph": MicrosoftGraph}).get_integration("MSGraph")
        return str(client.http_client.base_url)

    assert where() == "https://graph.microsoft.com/v1.0/"
    assert where(msgraph_url="https://graph.microsoft.us/v1.0/") == "https://graph.microsoft.us/v1.0/"
    assert where(msgraph_api_url="https://graph.microsoft.com/beta") == "https://graph.microsoft.com/beta/"


@pytest.mark.asyncio
async def test_it_signs_in_once_as_an_application_of_the_tenant(graph: Graph, client: MicrosoftGraph) -> None:
    await client.get_users()
    await client.get_groups()

    (signed_in,) = [asked for asked in graph.asked if "oauth2" in asked.path]
    assert signed_in.path == f"/{TENANT}/oauth2/v2.0/token"
    assert signed_in.form == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "scope": "https://graph.microsoft.com/.default",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"config": {"msgraph_client_id": None}, "secrets": {**SECRET, "msgraph_client_id": CLIENT_ID}},
        {"config": {"msgraph_client_secret": CLIENT_SECRET}, "secrets": {}},
        {"config": {"msgraph_tenant_id": TENANT}, "tenant_id": None},
    ],
    ids=["id is a secret", "secret is a config that refers to one", "tenant is a config"],
)
@pytest.mark.asyncio
async def test_what_it_needs_may_be_in_either_place(connect: Connect, arguments: dict[str, Any]) -> None:
    assert await connect(**arguments).get_integration("msgraph").get_users() == []


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        ({"config": {"msgraph_client_id": None}}, "msgraph_client_id"),
        ({"secrets": {}}, "msgraph_client_secret"),
        ({"tenant_id": None}, "msgraph_tenant_id"),
    ],
)
@pytest.mark.asyncio
async def test_a_missing_piece_is_named(graph: Graph, connect: Connect, arguments: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=key) as missing:
        await connect(**arguments).get_integration("msgraph").get_users()

    assert missing.value.config_key == key
    assert graph.asked == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"secrets": {"msgraph_client_secret": "expired"}}, "401 Unauthorized: AADSTS7000215"),
        ({"config": {"msgraph_client_id": "another"}}, "400 Bad Request: AADSTS700016"),
        ({"tenant_id": "nobody.example"}, "400 Bad Request: AADSTS90002"),
    ],
)
@pytest.mark.asyncio
async def test_who_is_not_let_in_is_told_in_microsoft_s_words(
    graph: Graph, connect: Connect, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(IntegrationError, match=words):
        await connect(**arguments).get_integration("msgraph").get_users()

    assert len(graph.asked) == 1


@pytest.mark.asyncio
async def test_a_token_that_expires_midway_is_replaced(graph: Graph, client: MicrosoftGraph) -> None:
    for number in range(4):
        graph.directory.add_user(f"User {number}")
    graph.page_size = 2
    seen = []

    async for user in client.get_users_stream():
        seen.append(user.display_name)
        if len(seen) == 2:
            graph.expire_tokens()

    assert len(seen) == 4
    assert graph.made == 2


@pytest.mark.asyncio
async def test_a_token_that_is_refused_for_good_is_asked_for_twice_at_most(
    graph: Graph, client: MicrosoftGraph
) -> None:
    refused = Fault(Reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": "Bad"}}))
    graph.faults.extend([Fault(effect=True), refused, Fault(effect=True), refused])

    with pytest.raises(IntegrationError, match="401") as error:
        await client.get_users()

    assert "reconnect it" in error.value.details["hint"]
    assert len(graph.asked) == 4


@pytest.mark.parametrize("document", [{}, [], {"access_token": None}])
@pytest.mark.asyncio
async def test_an_answer_without_a_token_is_microsoft_s_failure(
    graph: Graph, client: MicrosoftGraph, document: Any
) -> None:
    graph.faults.append(Fault(Reply(json=document)))

    with pytest.raises(IntegrationError, match="holds no access token"):
        await client.get_users()


class Connection:
    """As the platform gives it."""

    def __init__(self, token: str) -> None:
        self.token = token

    def get_auth_header(self) -> str:
        return f"Bearer {self.token}"


@pytest.mark.parametrize("name", ["msgraph", "Microsoft"])
@pytest.mark.asyncio
async def test_a_connection_of_the_organization_goes_first(graph: Graph, connect: Connect, name: str) -> None:
    ctx = connect(config={"msgraph_client_id": None}, secrets={}, tenant_id=None)
    graph.tokens.add("token-of-the-connection")

    async def connection(asked: str) -> Connection:
        if asked != name:
            raise ConfigurationError(f"There is no connection {asked}", asked)
        return Connection("token-of-the-connection")

    ctx.get_oauth_connection = connection  # type: ignore[method-assign]

    assert await ctx.get_integration("msgraph").get_users() == []
    assert graph.asked[-1].headers["authorization"] == "Bearer token-of-the-connection"
    assert graph.made == 0
