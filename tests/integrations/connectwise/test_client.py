"""ConnectWise's methods, each against the strict server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bifrost import ConfigurationError, IntegrationError, ValidationError
from tests.integrations.connectwise.conftest import Make
from tests.integrations.connectwise.server import API, ConnectWiseServer

pytestmark = pytest.mark.asyncio

TICKETS = "/service/tickets"


def add_tickets(server: ConnectWiseServer, count: int) -> None:
    for number in range(count):
        server.add(TICKETS, summary=f"Ticket {number}", closedFlag=False, board={"id": 5, "name": "Help Desk"})


def summaries(tickets: list[dict[str, Any]]) -> list[str]:
    return [ticket["summary"] for ticket in tickets]


async def test_all_tickets_come_however_many_pages_they_are(cw: Any, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 600)

    assert summaries(await cw.get_tickets()) == [f"Ticket {number}" for number in range(600)]


async def test_in_another_order_they_come_by_numbered_pages(cw: Any, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 30)

    tickets = await cw.get_tickets(order_by="id desc", page_size=10)

    assert [ticket["id"] for ticket in tickets] == list(range(30, 0, -1))
    assert [asked.query.get("page") for asked in cw_server.asked] == [None, "2", "3"]


async def test_one_page_is_what_connectwise_gives(cw: Any, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 30)

    assert summaries(await cw.get_tickets(page=3, page_size=10)) == [f"Ticket {number}" for number in range(20, 30)]
    assert len(cw_server.asked) == 1


async def test_conditions_are_a_mapping_or_connectwise_s_own_text(cw: Any, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 12)
    cw_server.add(TICKETS, summary='A "quoted" [one]', closedFlag=True, board={"id": 6, "name": "Projects"})

    assert summaries(await cw.get_tickets({"board/name": "Projects", "closedFlag": True})) == ['A "quoted" [one]']
    assert summaries(await cw.get_tickets({"summary": 'A "quoted" [one]'})) == ['A "quoted" [one]']
    assert summaries(await cw.get_tickets('summary contains "ticket 1" and id > 2')) == ["Ticket 10", "Ticket 11"]
    with pytest.raises(IntegrationError, match="The conditions cannot be read"):
        await cw.get_tickets("summary is Ticket 1")


async def test_a_ticket_has_the_address_of_its_page(cw: Any, connected: Make, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 1)
    page = "/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=1&companyName=msp"

    assert (await cw.get_ticket("1"))["url"] == cw_server.url + page
    cloud = connected({"connectwise_url": "https://api-na.myconnectwise.net/v4_6_release/apis/3.0"})
    assert cloud.get_integration("connectwise")._with_url({"id": 1})["url"] == "https://na.myconnectwise.net" + page


async def test_a_ticket_is_made_for_the_organization_s_company(cw: Any, cw_server: ConnectWiseServer) -> None:
    ticket = await cw.create_ticket("Printer", "It is on fire")

    assert ticket["id"] == 1
    assert "service_recid=1" in ticket["url"]
    assert cw_server.asked[-1].json == {
        "summary": "Printer",
        "initialDescription": "It is on fire",
        "company": {"identifier": "acme"},
        "board": {"name": "Help Desk"},
    }


async def test_or_for_another_on_another_board(cw: Any, cw_server: ConnectWiseServer) -> None:
    await cw.create_ticket("Printer", company=19, board={"id": 3}, priority="High", owner="ada", contact=7)

    assert cw_server.asked[-1].json == {
        "summary": "Printer",
        "company": {"id": 19},
        "board": {"id": 3},
        "priority": {"name": "High"},
        "owner": {"identifier": "ada"},
        "contact": {"id": 7},
    }


async def test_a_ticket_is_changed_by_a_patch_of_whole_fields(cw: Any, cw_server: ConnectWiseServer) -> None:
    ticket = await cw.create_ticket("Printer", owner="ada")

    changed = await cw.update_ticket(ticket["id"], {"summary": "Printer is on fire"}, status="Assigned", owner=None)

    assert cw_server.asked[-1].json == [
        {"op": "replace", "path": "summary", "value": "Printer is on fire"},
        {"op": "replace", "path": "status", "value": {"name": "Assigned"}},
        {"op": "remove", "path": "owner"},
    ]
    assert changed == await cw.get_ticket(ticket["id"])
    with pytest.raises(ValidationError, match='give the whole of "company"'):
        await cw.update_ticket(ticket["id"], {"company/identifier": "globex"})


async def test_a_ticket_is_closed_by_the_first_status_of_its_board_that_closes(
    cw: Any, cw_server: ConnectWiseServer
) -> None:
    add_tickets(cw_server, 1)
    for name, order, closes, inactive in (
        ("New", 1, False, False),
        ("Old closed", 2, True, True),
        ("Closed silently", 9, True, False),
        ("Closed", 4, True, False),
    ):
        cw_server.add("/service/boards/5/statuses", name=name, sortOrder=order, closedStatus=closes, inactive=inactive)

    closed = await cw.close_ticket(1, "Toner was replaced")

    statuses = {item["id"]: item["name"] for item in cw_server.items["/service/boards/5/statuses"]}
    assert statuses[closed["status"]["id"]] == "Closed"
    (note,) = cw_server.items["/service/tickets/1/notes"]
    assert (note["text"], note["resolutionFlag"], note["internalAnalysisFlag"]) == ("Toner was replaced", True, False)
    assert (await cw.close_ticket(1, status="Done"))["status"] == {"name": "Done"}


async def test_a_board_without_a_closing_status_is_said(cw: Any, cw_server: ConnectWiseServer) -> None:
    add_tickets(cw_server, 1)

    with pytest.raises(IntegrationError, match='no status of the board "Help Desk" closes a ticket'):
        await cw.close_ticket(1)


@pytest.mark.parametrize(("private", "flags"), [(True, ("internalAnalysisFlag",)), (False, ("detailDescriptionFlag",))])
async def test_notes_are_internal_unless_said(
    cw: Any, cw_server: ConnectWiseServer, private: bool, flags: tuple[str, ...]
) -> None:
    note = await cw.add_ticket_note(12, "Called the customer", private=private)

    assert tuple(name for name, value in note.items() if value is True) == flags
    assert note["text"] == "Called the customer"


async def test_companies_and_contacts_are_found_and_made(cw: Any) -> None:
    acme = await cw.create_company("Acme & Sons", status=1, site="Main")
    globex = await cw.create_company("Globex", "GLX")
    ann = await cw.create_contact("Ann", "Ash", company=acme["id"], email="ann@acme.example", phone="555-0123")
    bob = await cw.create_contact("Bob")

    assert (acme["identifier"], acme["site"], globex["identifier"]) == ("AcmeSons", {"name": "Main"}, "GLX")
    assert await cw.get_companies({"identifier": "GLX"}) == [globex]
    assert await cw.get_company(acme["id"]) == acme
    assert [item["value"] for item in ann["communicationItems"]] == ["ann@acme.example", "555-0123"]
    assert bob["company"] == {"identifier": "acme"}
    assert await cw.get_contacts({"company/id": acme["id"]}) == [ann]
    assert await cw.get_contact(str(bob["id"])) == bob


async def test_time_on_a_ticket_ends_now_unless_its_start_is_said(connected: Make) -> None:
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    cw = connected(now=now).get_integration("connectwise")

    entry = await cw.create_time_entry("12", 1.5, "Replaced the toner", member="ada")
    other = await cw.create_time_entry(13, 1, "Called", start=now - timedelta(days=1))

    assert (entry["chargeToId"], entry["chargeToType"], entry["actualHours"]) == (12, "ServiceTicket", 1.5)
    assert (entry["timeStart"], entry["member"]) == ("2026-11-20T10:30:00Z", {"identifier": "ada"})
    assert other["timeStart"] == "2026-11-19T12:00:00Z"
    assert await cw.get_time_entries({"chargeToId": 12}) == [entry]


@pytest.mark.parametrize("key", ["cw_company_id", "cw_public_key", "cw_client_id", "connectwise_api_url"])
async def test_what_is_not_set_is_named(connected: Make, key: str) -> None:
    cw = connected({key: None, **({"connectwise_url": None} if "url" in key else {})}).get_integration("connectwise")

    with pytest.raises(ConfigurationError, match=key):
        await cw.get_ticket(1)


async def test_a_wrong_key_and_a_missing_client_id_are_refused_with_connectwise_s_word(connected: Make) -> None:
    wrong = connected(secrets={"cw_private_key": "another"}).get_integration("connectwise")
    with pytest.raises(IntegrationError, match="The supplied authentication is incorrect") as raised:
        await wrong.get_companies()
    assert (raised.value.status_code, raised.value.details["code"]) == (401, "Unauthorized")
    assert "reconnect" in raised.value.details["hint"]

    strange = connected({"cw_client_id": "of another"}).get_integration("connectwise")
    with pytest.raises(IntegrationError, match="clientId"):
        await strange.get_companies()


async def test_an_address_with_a_path_stays_as_it_is(connected: Make, cw_server: ConnectWiseServer) -> None:
    cw = connected({"connectwise_api_url": cw_server.url + API + "/", "connectwise_url": None})

    assert await cw.get_integration("connectwise").get_companies() == []


async def test_a_dry_run_writes_nothing(connected: Make, cw_server: ConnectWiseServer) -> None:
    ctx = connected(dry_run=True)
    cw = ctx.get_integration("connectwise")

    ticket = await cw.create_ticket("Printer")
    await cw.update_ticket(12, summary="Printer!")
    await cw.add_ticket_note(12, "Note")
    await cw.create_time_entry(12, 1, "Work")
    company = await cw.create_company("Acme")
    await cw.create_contact("Ann")

    assert (ticket["id"], ticket["summary"], company["name"]) == (0, "Printer", "Acme")
    assert cw_server.asked == []
    calls = [record.data for record in ctx.records if record.kind == "integration_call"]
    assert [call["endpoint"] for call in calls] == [
        "/service/tickets",
        "/service/tickets/{id}",
        "/service/tickets/{id}/notes",
        "/time/entries",
        "/company/companies",
        "/company/contacts",
    ]
