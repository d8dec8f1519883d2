"""What comes of ConnectWise's failures, and of lists that change while they are read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bifrost import IntegrationError
from integrations.connectwise.client import ConnectWise
from tests.integrations.connectwise.conftest import Make
from tests.integrations.connectwise.server import API, ConnectWiseServer
from tests.integrations.vendor import Asked, Fault, Reply

pytestmark = pytest.mark.asyncio


class Impatient(ConnectWise):
    service_options = {**ConnectWise.service_options, "timeout": 0.3}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "9"}])
async def test_a_read_waits_as_long_as_connectwise_wants(
    connected: Make, cw_server: ConnectWiseServer, headers: dict[str, str]
) -> None:
    ctx = connected()
    began = ctx.now()
    cw_server.faults.append(Fault(Reply(429, headers=headers)))

    assert await ctx.get_integration("connectwise").get_companies() == []

    waited = ctx.now() - began
    assert waited == timedelta(seconds=9) if headers else timedelta(0) < waited < timedelta(seconds=2)


async def test_a_fault_is_tried_again_and_given_up_in_the_end(cw: Any, cw_server: ConnectWiseServer) -> None:
    cw_server.faults.extend([Fault(Reply(500))] * 2)
    assert await cw.get_companies() == []

    cw_server.faults.extend([Fault(Reply(500, {"code": "Server", "message": "Broken"}))] * 4)
    with pytest.raises(IntegrationError, match="Broken"):
        await cw.get_companies()


async def test_a_ticket_whose_answer_was_lost_is_not_made_twice(connected: Make, cw_server: ConnectWiseServer) -> None:
    cw = connected(integrations={"connectwise": Impatient}).get_integration("connectwise")
    cw_server.faults.append(Fault(effect=True, seconds=1.0, reply=Reply(201, {})))

    with pytest.raises(IntegrationError, match="did not answer in time"):
        await cw.create_ticket("Printer")

    assert len(cw_server.asked_for("POST", f"{API}/service/tickets")) == 1


async def test_no_write_is_sent_again_by_itself(cw: Any, cw_server: ConnectWiseServer) -> None:
    cw_server.faults.append(Fault(Reply(503)))

    with pytest.raises(IntegrationError):
        await cw.update_ticket(1, summary="Printer")

    assert len(cw_server.asked) == 1


async def test_an_answer_that_breaks_off_is_read_again(cw: Any, cw_server: ConnectWiseServer) -> None:
    cw_server.add("/company/companies", name="Acme")
    cw_server.faults.append(Fault(cut=5, effect=True))

    assert [company["name"] for company in await cw.get_companies()] == ["Acme"]


async def test_what_connectwise_refuses_says_which_field_and_why(cw: Any) -> None:
    with pytest.raises(IntegrationError, match=r"ticket object is invalid.*summary must be at most 100") as raised:
        await cw.create_ticket("x" * 101)
    assert (raised.value.status_code, raised.value.details["code"]) == (400, "InvalidObject")

    with pytest.raises(IntegrationError, match="The field colour does not exist"):
        await cw.create_company("Acme", colour="red")


async def test_one_that_is_not_there_is_a_404(cw: Any) -> None:
    with pytest.raises(IntegrationError, match="ticket 99 not found") as raised:
        await cw.get_ticket(99)

    assert raised.value.status_code == 404


async def test_what_comes_and_goes_between_two_pages_is_neither_missed_nor_twice(
    cw: Any, cw_server: ConnectWiseServer
) -> None:
    for number in range(20):
        cw_server.add("/service/tickets", summary=str(number))

    def change(asked: Asked) -> None:
        if asked.query.get("pageId"):
            del cw_server.items["/service/tickets"][:2]
            if len(cw_server.asked) == 2:
                cw_server.add("/service/tickets", summary="new")

    cw_server.before_reading = change
    read = [ticket["summary"] async for ticket in cw.get_tickets_stream(page_size=5)]

    assert read == [*(str(number) for number in range(20)), "new"]


async def test_credentials_go_to_no_server_that_an_answer_names(cw: Any, cw_server: ConnectWiseServer) -> None:
    for number in range(12):
        cw_server.add("/company/companies", name=str(number))

    assert len(await cw.get_companies(page_size=5)) == 12  # its links name other-name-of-the-server.example
