"""What comes of HaloPSA's failures, and of lists that change while they are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bifrost import IntegrationError
from integrations.halopsa.client import HaloPSA
from tests.integrations.halopsa.conftest import Make
from tests.integrations.halopsa.server import HaloServer
from tests.integrations.vendor import Asked, Fault, Reply

pytestmark = pytest.mark.asyncio


class Impatient(HaloPSA):
    service_options = {**HaloPSA.service_options, "timeout": 0.3}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
async def test_a_read_waits_as_long_as_halo_wants(
    connected: Make, halo_server: HaloServer, headers: dict[str, str]
) -> None:
    ctx = connected()
    halo = ctx.get_integration("halopsa")
    await halo.get_agents()
    began = ctx.now()
    halo_server.faults.append(Fault(Reply(429, headers=headers)))

    assert await halo.get_agents() == []

    waited = ctx.now() - began
    assert waited == timedelta(seconds=7) if headers else timedelta(0) < waited < timedelta(seconds=2)


async def test_a_read_is_tried_again_after_a_fault_of_halo_s_and_given_up_in_the_end(
    halo: Any, halo_server: HaloServer
) -> None:
    await halo.get_agents()
    halo_server.faults.extend([Fault(Reply(500))] * 2)
    assert await halo.get_agents() == []

    halo_server.faults.extend([Fault(Reply(500))] * 4)
    with pytest.raises(IntegrationError) as raised:
        await halo.get_agents()
    assert raised.value.status_code == 500


async def test_a_ticket_whose_answer_was_lost_is_not_made_twice(connected: Make, halo_server: HaloServer) -> None:
    halo = connected(integrations={"halopsa": Impatient}).get_integration("halopsa")
    await halo.get_agents()
    halo_server.faults.append(Fault(effect=True, seconds=1.0, reply=Reply(201, {})))

    with pytest.raises(IntegrationError, match="did not answer in time") as raised:
        await halo.create_ticket(1, "Login", "Cannot sign in")

    assert "look before you ask again" in raised.value.details["hint"]
    assert len(halo_server.asked_for("POST", "/api/Tickets")) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_no_write_is_sent_again_by_itself(halo: Any, halo_server: HaloServer, status: int) -> None:
    await halo.get_agents()
    halo_server.faults.append(Fault(Reply(status)))

    with pytest.raises(IntegrationError):
        await halo.add_ticket_action(5, "Note")

    assert len(halo_server.asked_for("POST", "/api/Actions")) == 1


async def test_an_answer_that_breaks_off_is_read_again(halo: Any, halo_server: HaloServer) -> None:
    halo_server.add("Client", name="Acme")
    await halo.get_agents()
    halo_server.faults.append(Fault(cut=10, effect=True))

    assert [client["name"] for client in await halo.get_clients()] == ["Acme"]


async def test_an_answer_that_is_not_json_is_halo_s_failure(halo: Any, halo_server: HaloServer) -> None:
    await halo.get_agents()
    halo_server.faults.append(Fault(Reply(text="<html>Maintenance</html>")))

    with pytest.raises(IntegrationError, match="the answer is not JSON"):
        await halo.get_clients()


async def test_an_answer_without_the_list_is_no_empty_list(halo: Any, halo_server: HaloServer) -> None:
    await halo.get_agents()
    halo_server.faults.append(Fault(Reply(json={"record_count": 3})))

    with pytest.raises(IntegrationError, match="the answer has no list of clients"):
        await halo.get_clients()


async def test_what_halo_refuses_says_why(halo: Any) -> None:
    with pytest.raises(IntegrationError, match="could not be converted to int") as raised:
        await halo.create_ticket("client-id", "Login", "Cannot sign in")
    assert raised.value.status_code == 400

    with pytest.raises(IntegrationError, match="Unknown member colour"):
        await halo.create_client("Acme", colour="red")


async def test_one_that_is_not_there_is_a_404_with_a_hint(halo: Any) -> None:
    with pytest.raises(IntegrationError) as raised:
        await halo.get_ticket(99)

    assert (raised.value.status_code, raised.value.details["endpoint"]) == (404, "/api/Tickets/{id}")


async def test_closing_tickets_while_they_are_read_misses_none(halo: Any, halo_server: HaloServer) -> None:
    for number in range(25):
        halo_server.add("Tickets", summary=str(number), client_id=1, status_id=1)

    closed = []
    async for ticket in halo.get_tickets_stream(open_only=True, page_size=5):
        closed.append(ticket["summary"])
        await halo.close_ticket(ticket["id"])

    assert sorted(closed, key=int) == [str(number) for number in range(25)]


async def test_what_comes_and_goes_between_two_pages_is_neither_missed_nor_twice(
    halo: Any, halo_server: HaloServer
) -> None:
    for number in range(25):
        halo_server.add("Client", name=str(number))

    def change(asked: Asked) -> None:
        if asked.query["page_no"] == "2":
            halo_server.add("Client", name=f"new {len(halo_server.asked)}")
        if asked.query["page_no"] == "3" and halo_server.items["Client"][0]["name"] == "0":
            del halo_server.items["Client"][:3]

    halo_server.before_reading = change
    names = [client["name"] async for client in halo.get_clients_stream(page_size=5)]

    assert len(names) == len(set(names))
    assert {str(number) for number in range(25)} <= set(names)
