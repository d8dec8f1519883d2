"""HaloPSA's methods, each against the strict server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bifrost import IntegrationError, ValidationError
from tests.integrations.halopsa.conftest import Make
from tests.integrations.halopsa.server import HaloServer
from workspace.data_providers.halopsa import get_halo_clients

pytestmark = pytest.mark.asyncio


def names(items: list[dict[str, Any]], field: str = "name") -> list[str]:
    return [item[field] for item in items]


async def test_all_clients_come_however_many_pages_they_are(halo: Any, halo_server: HaloServer) -> None:
    for number in range(230):
        halo_server.add("Client", name=f"Client {number}")

    assert names(await halo.get_clients()) == [f"Client {number}" for number in range(230)]

    asked = halo_server.asked_for("GET", "/api/Client")
    assert [each.query["page_no"] for each in asked] == ["1", "2", "3"]


async def test_one_page_and_a_search_are_what_halo_gives(halo: Any, halo_server: HaloServer) -> None:
    for number in range(30):
        halo_server.add("Client", name=f"Client {number}")

    assert names(await halo.get_clients(page=2, page_size=10)) == [f"Client {number}" for number in range(10, 20)]
    assert names(await halo.get_clients("client 29")) == ["Client 29"]


async def test_a_stream_reads_no_page_that_nobody_needs(halo: Any, halo_server: HaloServer) -> None:
    for number in range(30):
        halo_server.add("Client", name=f"Client {number}")

    async for client in halo.get_clients_stream(page_size=10):
        if client["name"] == "Client 5":
            break

    assert len(halo_server.asked_for("GET", "/api/Client")) == 1


async def test_a_client_is_got_by_its_id_as_number_or_text(halo: Any, halo_server: HaloServer) -> None:
    acme = halo_server.add("Client", name="Acme")

    assert await halo.get_client(acme["id"]) == acme
    assert await halo.get_client(str(acme["id"])) == acme


@pytest.mark.parametrize("client_id", ["", "..", None, "."])
async def test_what_is_no_id_is_refused(halo: Any, client_id: Any) -> None:
    with pytest.raises(ValidationError, match="client_id must be an id"):
        await halo.get_client(client_id)


async def test_an_id_that_came_from_a_form_leads_to_no_other_endpoint(halo: Any, halo_server: HaloServer) -> None:
    halo_server.add("Users", name="Ann")

    with pytest.raises(IntegrationError):
        await halo.get_client("../Users")

    assert halo_server.asked[-1].path != "/api/Users"


async def test_a_client_is_made_with_its_contact_and_changed(halo: Any, halo_server: HaloServer) -> None:
    made = await halo.create_client("Acme", email="ann@acme.example", phone="555-0123", toplevel_id=2)
    changed = await halo.update_client(made["id"], {"name": "Acme Ltd"}, inactive=True)

    assert halo_server.items["Client"] == [changed]
    assert (changed["name"], changed["inactive"], changed["toplevel_id"]) == ("Acme Ltd", True, 2)
    assert (changed["newclient_contactemail"], changed["newclient_phonenumber"]) == ("ann@acme.example", "555-0123")


async def test_tickets_are_found_by_client_agent_state_and_words(halo: Any, halo_server: HaloServer) -> None:
    for summary, client, agent, status in (
        ("Printer", 1, 7, 1),
        ("Printer again", 1, 8, 9),
        ("Mail", 2, 7, 1),
    ):
        halo_server.add("Tickets", summary=summary, client_id=client, agent_id=agent, status_id=status)

    assert names(await halo.get_tickets(), "summary") == ["Printer", "Printer again", "Mail"]
    assert names(await halo.get_tickets(client_id="1"), "summary") == ["Printer", "Printer again"]
    assert names(await halo.get_tickets(agent_id=7, open_only=True), "summary") == ["Printer", "Mail"]
    assert names(await halo.get_tickets(search="printer", client_id=1, open_only=True), "summary") == ["Printer"]
    assert names(await halo.get_tickets(closed_only=False, status_id=9), "summary") == ["Printer again"]
    assert [ticket["summary"] async for ticket in halo.get_tickets_stream(client_id=2)] == ["Mail"]


@pytest.mark.parametrize(("priority", "id_"), [("low", 4), ("Medium", 3), ("high", 2), ("critical", 1), (7, 7)])
async def test_a_ticket_is_made_with_a_priority_in_words(halo: Any, priority: Any, id_: int) -> None:
    ticket = await halo.create_ticket("12", "Login", "Cannot sign in", priority=priority, agent_id=5)

    assert ticket["id"] > 0
    assert (ticket["client_id"], ticket["summary"], ticket["details"]) == (12, "Login", "Cannot sign in")
    assert (ticket["priority_id"], ticket["agent_id"]) == (id_, 5)


async def test_an_unknown_priority_is_refused_before_anything_is_sent(halo: Any, halo_server: HaloServer) -> None:
    with pytest.raises(ValidationError, match="one of critical, high, medium, low") as raised:
        await halo.create_ticket(1, "Login", "Cannot sign in", priority="urgent")

    assert raised.value.field == "priority"
    assert halo_server.asked_for("POST", "/api/Tickets") == []


async def test_an_organization_may_have_priorities_and_a_closed_status_of_its_own(connected: Make) -> None:
    config = {"halopsa_priorities": {"low": 40, "panic": 10}, "halopsa_closed_status": 24}
    halo = connected(config).get_integration("halopsa")

    ticket = await halo.create_ticket(1, "Login", "Cannot sign in", priority="panic")

    assert ticket["priority_id"] == 10
    assert (await halo.close_ticket(ticket["id"]))["status_id"] == 24


async def test_a_ticket_is_changed_noted_and_closed(halo: Any, halo_server: HaloServer) -> None:
    ticket = await halo.create_ticket(1, "Login", "Cannot sign in")

    await halo.update_ticket(ticket["id"], {"title": "Login fails"}, priority="high")
    closed = await halo.close_ticket(ticket["id"], "Password was reset", private=False)

    assert closed == await halo.get_ticket(ticket["id"])
    assert (closed["summary"], closed["priority_id"], closed["status_id"]) == ("Login fails", 2, 9)
    (note,) = halo_server.items["Actions"]
    assert (note["note"], note["hiddenfromuser"]) == ("Password was reset", False)


async def test_notes_are_private_unless_said(halo: Any) -> None:
    await halo.add_ticket_action(5, "For us")
    await halo.add_ticket_action(5, "For the customer", private=False, sendemail=True)
    await halo.add_ticket_action(6, "Of another ticket")

    assert names(await halo.get_ticket_actions(5), "note") == ["For us", "For the customer"]
    assert names(await halo.get_ticket_actions("5", public_only=True), "note") == ["For the customer"]


async def test_time_is_kept_on_actions(halo: Any) -> None:
    await halo.add_ticket_action(5, "Without time")

    entry = await halo.create_time_entry("5", "7", 2.5, "Troubleshooting")

    assert (entry["timetaken"], entry["who_agentid"], entry["ticket_id"]) == (2.5, 7, 5)
    assert await halo.get_time_entries() == [entry]
    assert await halo.get_time_entries(5, start=datetime(2026, 11, 20), end="2026-11-21") == [entry]
    assert await halo.get_time_entries(start="2026-11-21") == []


@pytest.mark.parametrize("hours", [0, -1, "2", True])
async def test_hours_are_a_number_above_0(halo: Any, hours: Any) -> None:
    with pytest.raises(ValidationError, match="hours must be a number above 0"):
        await halo.create_time_entry(5, 7, hours, "Troubleshooting")


async def test_assets_people_and_agents(halo: Any, halo_server: HaloServer) -> None:
    laptop = halo_server.add("Asset", inventory_number="LAP-1", client_id=1)
    halo_server.add("Asset", inventory_number="LAP-2", client_id=2)
    halo_server.add("Users", name="Ann", client_id=1)
    halo_server.add("Agent", name="Ada")

    assert await halo.get_assets(client_id=1) == [laptop]
    assert names(await halo.get_assets(search="lap-2"), "inventory_number") == ["LAP-2"]
    assert await halo.get_asset(laptop["id"]) == laptop
    assert names(await halo.get_users(client_id="1", search="an")) == ["Ann"]
    assert names(await halo.get_agents()) == ["Ada"]


async def test_the_options_that_ship_are_halo_s_active_clients(connected: Make, halo_server: HaloServer) -> None:
    halo_server.add("Client", name="Globex", inactive=False)
    halo_server.add("Client", name="Gone", inactive=True)

    (option,) = await get_halo_clients(connected())

    assert (option["label"], option["value"]) == ("Globex", "1")


async def test_a_dry_run_reads_and_writes_nothing(connected: Make, halo_server: HaloServer) -> None:
    halo_server.add("Client", name="Acme")
    ctx = connected(dry_run=True)
    halo = ctx.get_integration("halopsa")

    assert names(await halo.get_clients()) == ["Acme"]
    ticket = await halo.create_ticket(1, "Login", "Cannot sign in", "low")
    assert (ticket["id"], ticket["summary"], ticket["priority_id"]) == (0, "Login", 4)
    assert (await halo.close_ticket(12, "Done"))["id"] == 12

    assert {asked.method for asked in halo_server.asked if asked.path.startswith("/api")} == {"GET"}
    written = [record.data for record in ctx.records if record.kind == "integration_call" and "dry_run" in record.data]
    assert [call["endpoint"] for call in written] == ["/Tickets", "/Actions", "/Tickets"]
    assert written[0]["would_send"][0]["summary"] == "Login"
