"""The guide's examples with HaloPSA, as written; and once more with ids that a Halo has."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import httpx
import pytest

from bifrost.testing import context
from integrations.halopsa.client import HaloPSA
from tests.integrations.halopsa.conftest import Make
from tests.integrations.halopsa.server import HaloServer

pytestmark = pytest.mark.asyncio

EXAMPLE = """
from bifrost import OrganizationContext

async def halopsa_example(context: OrganizationContext):
    halo = context.get_integration("halopsa")

    # Client management
    clients = await halo.get_clients()
    client = await halo.get_client("client-id")
    new_client = await halo.create_client(
        name="New Client",
        email="contact@client.com",
        phone="555-0123"
    )

    # Ticket management
    tickets = await halo.get_tickets()
    ticket = await halo.get_ticket("ticket-id")
    new_ticket = await halo.create_ticket(
        client_id="client-id",
        title="Support Request",
        description="User needs help with login",
        priority="medium"
    )

    # Time tracking
    time_entries = await halo.get_time_entries()
    await halo.create_time_entry(
        ticket_id="ticket-id",
        user_id="user-id",
        hours=2.5,
        description="Troubleshooting login issue"
    )

    return {
        "clients_count": len(clients),
        "tickets_count": len(tickets),
        "created_ticket": new_ticket["id"]
    }
"""


async def run(ctx: Any, source: str) -> Any:
    module = ModuleType("guide_sample")
    exec(compile(source, "guide.py", "exec", dont_inherit=True), module.__dict__)
    return await module.halopsa_example(ctx)


async def test_the_example_runs_as_written() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(200, json={"access_token": "t0ken", "expires_in": 3600})
        if request.method == "POST":
            return httpx.Response(201, json={"id": 31})
        if request.url.path.count("/") > 2:
            return httpx.Response(200, json={"id": 1})
        name = {"Client": "clients", "Tickets": "tickets", "Actions": "actions"}[request.url.path.rpartition("/")[2]]
        return httpx.Response(200, json={"record_count": 1, name: [{"id": 1}]})

    ctx = context(
        config={"halopsa_url": "https://halo.example.com", "halo_client_id": "application"},
        secrets={"halopsa_api_key": "s3cret"},
        integrations={"halopsa": HaloPSA},
        http=answer,
    )

    assert await run(ctx, EXAMPLE) == {"clients_count": 1, "tickets_count": 1, "created_ticket": 31}


async def test_the_example_does_what_it_says_at_a_halo(connected: Make, halo_server: HaloServer) -> None:
    client = halo_server.add("Client", name="Acme")
    ticket = halo_server.add("Tickets", summary="Mail", client_id=client["id"], status_id=1)
    source = EXAMPLE
    for placeholder, id_ in (("client-id", client["id"]), ("ticket-id", ticket["id"]), ("user-id", 7)):
        source = source.replace(placeholder, str(id_))

    result = await run(connected(), source)

    made = halo_server.items["Tickets"][-1]
    assert result == {"clients_count": 1, "tickets_count": 1, "created_ticket": made["id"]}
    assert (made["summary"], made["client_id"], made["priority_id"]) == ("Support Request", client["id"], 3)
    assert halo_server.items["Client"][-1]["newclient_contactemail"] == "contact@client.com"
    assert halo_server.items["Actions"][-1]["timetaken"] == 2.5
