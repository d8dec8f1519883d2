"""How HaloPSA lets in, and what happens where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from bifrost import ConfigurationError, IntegrationError
from integrations.halopsa.client import HaloPSA
from tests.integrations.halopsa.conftest import Make
from tests.integrations.halopsa.server import CLIENT_ID, CLIENT_SECRET, HaloServer
from tests.integrations.vendor import Fault, Reply

pytestmark = pytest.mark.asyncio


async def test_one_token_serves_all_calls(halo: Any, halo_server: HaloServer) -> None:
    await halo.get_agents()
    await halo.get_clients()

    assert [asked.path for asked in halo_server.asked] == ["/auth/token", "/api/Agent", "/api/Client"]


async def test_the_client_id_may_be_a_secret_as_well(connected: Make) -> None:
    secrets = {"halopsa_api_key": CLIENT_SECRET, "halo_client_id": CLIENT_ID}
    halo = connected({"halo_client_id": None}, secrets=secrets).get_integration("HaloPSA")

    assert await halo.get_agents() == []


async def test_a_hosted_halo_is_told_its_tenant(connected: Make, halo_server: HaloServer) -> None:
    halo_server.tenant = "acme-msp"

    assert await connected({"halopsa_tenant": "acme-msp"}).get_integration("halopsa").get_agents() == []
    with pytest.raises(IntegrationError, match="The tenant is unknown"):
        await connected().get_integration("halopsa").get_agents()


async def test_a_connection_takes_the_place_of_the_application(connected: Make, halo_server: HaloServer) -> None:
    class Connection:
        def get_auth_header(self) -> str:
            return "Bearer token-of-the-connection"

    class Connected(HaloPSA):
        async def authenticate(self) -> Any:
            async def connection(name: str) -> Connection:
                assert name == "HaloPSA"
                return Connection()

            self.context.get_oauth_connection = connection
            return await super().authenticate()

    halo_server.tokens.add("token-of-the-connection")
    ctx = connected(secrets={}, integrations={"halopsa": Connected})

    assert await ctx.get_integration("halopsa").get_agents() == []
    assert halo_server.asked_for("POST", "/auth/token") == []


@pytest.mark.parametrize(("url", "key"), [("", "halopsa_url"), ("https://halo.example", "halopsa_api_key")])
async def test_what_is_not_set_is_named(connected: Make, url: str, key: str) -> None:
    halo = connected({"halopsa_url": url}, secrets={}).get_integration("halopsa")

    with pytest.raises(ConfigurationError, match=key) as raised:
        await halo.get_clients()

    assert raised.value.config_key == key


async def test_a_wrong_secret_is_halo_s_refusal_with_its_own_word(connected: Make) -> None:
    halo = connected(secrets={"halopsa_api_key": "wrong"}).get_integration("halopsa")

    with pytest.raises(IntegrationError, match="The client credentials are invalid") as raised:
        await halo.get_clients()

    assert (raised.value.status_code, raised.value.details["code"]) == (400, "invalid_client")


async def test_a_token_that_expires_midway_is_replaced_without_a_ticket_twice(
    halo: Any, halo_server: HaloServer
) -> None:
    await halo.create_ticket(1, "First", "")
    halo_server.forget_tokens()
    await halo.create_ticket(1, "Second", "")

    assert [ticket["summary"] for ticket in halo_server.items["Tickets"]] == ["First", "Second"]
    assert len(halo_server.asked_for("POST", "/auth/token")) == 2


async def test_signing_in_is_tried_again_where_halo_is_busy(halo: Any, halo_server: HaloServer) -> None:
    halo_server.faults.extend([Fault(Reply(503)), Fault(Reply(429, headers={"Retry-After": "3"}))])

    assert await halo.get_agents() == []
