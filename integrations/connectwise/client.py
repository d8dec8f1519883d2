"""ConnectWise PSA (Manage): tickets, companies, contacts and time.

docs/psa.md says how to connect it, and which of ConnectWise's behaviour is taken from where.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from bifrost.sdk.errors import IntegrationError, ValidationError
from integrations.connectwise.conditions import timestamp
from integrations.connectwise.requests import PAGE_SIZE, ConnectWiseRequests, Item, reference
from integrations.paths import number, segment

Conditions = str | Mapping[str, Any] | None

LONGEST_IDENTIFIER = 30
#: How fields of ours name another record.
_NAMED = {
    "company": "identifier",
    "owner": "identifier",
    "member": "identifier",
    "board": "name",
    "status": "name",
    "priority": "name",
    "type": "name",
    "team": "name",
    "site": "name",
    "contact": "name",
}


class ConnectWise(ConnectWiseRequests):
    """`conditions` are text in ConnectWise's language, or a mapping of fields to values. `**extra` and `**more` are
    ConnectWise's own fields and query parameters. Another record (company, board, status, owner ...) is named by its
    id, by its identifier or name, or by a reference as ConnectWise writes it.
    """

    integration_name = "connectwise"

    # Tickets

    async def get_tickets(
        self,
        conditions: Conditions = None,
        *,
        order_by: str | None = None,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **more: Any,
    ) -> list[Item]:
        """All that fit, or one page of them."""
        tickets = await self._list("/service/tickets", conditions, order_by, page, page_size, more)
        return [self._with_url(ticket) for ticket in tickets]

    async def get_tickets_stream(
        self, conditions: Conditions = None, *, order_by: str | None = None, page_size: int = PAGE_SIZE, **more: Any
    ) -> AsyncIterator[Item]:
        """One after the other. They may be closed or changed meanwhile, unless they are to come in another order."""
        async for ticket in self._stream("/service/tickets", conditions, order_by, page_size, more):
            yield self._with_url(ticket)

    async def get_ticket(self, ticket_id: Any) -> Item:
        return self._with_url(await self._one(_ticket(ticket_id)))

    async def create_ticket(
        self, summary: str, description: str | None = None, company: Any = None, board: Any = None, **extra: Any
    ) -> Item:
        """For the company and on the board of the configs `connectwise_company` and `connectwise_board` unless said."""
        ticket = {
            "summary": summary,
            "initialDescription": description,
            "company": company or self.get_config("connectwise_company"),
            "board": board or self.get_config("connectwise_board"),
            **extra,
        }
        return self._with_url(await self._create("/service/tickets", _fields(ticket)))

    async def update_ticket(self, ticket_id: Any, changes: Mapping[str, Any] | None = None, **fields: Any) -> Item:
        """Sets the fields; None empties one."""
        said = {**(changes or {}), **fields}
        emptied = {name: None for name, value in said.items() if value is None}
        return self._with_url(await self._patch(_ticket(ticket_id), {**_fields(said), **emptied}))

    async def close_ticket(self, ticket_id: Any, resolution: str | None = None, *, status: Any = None) -> Item:
        """Sets the status, else the first of its board's that close a ticket; a resolution is noted before."""
        status = status or await self._closed_status(ticket_id)
        if resolution:
            await self.add_ticket_note(ticket_id, resolution, private=False, resolution=True)
        return await self.update_ticket(ticket_id, status=status)

    async def add_ticket_note(
        self, ticket_id: Any, text: str, *, private: bool = True, resolution: bool = False, **extra: Any
    ) -> Item:
        """Into the internal analysis; into the discussion, which the customer sees, where it is not private."""
        flags = {
            "internalAnalysisFlag": private,
            "detailDescriptionFlag": not private and not resolution,
            "resolutionFlag": resolution,
        }
        return await self._create(f"{_ticket(ticket_id)}/notes", {"text": text, **flags, **extra})

    # Companies and contacts

    async def get_companies(
        self,
        conditions: Conditions = None,
        *,
        order_by: str | None = None,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **more: Any,
    ) -> list[Item]:
        return await self._list("/company/companies", conditions, order_by, page, page_size, more)

    async def get_company(self, company_id: Any) -> Item:
        return await self._one(f"/company/companies/{segment(company_id, 'company_id')}")

    async def create_company(self, name: str, identifier: str | None = None, **extra: Any) -> Item:
        """`identifier`: its short name; the letters and digits of its name unless given."""
        short = identifier or re.sub(r"[^A-Za-z0-9]", "", name)[:LONGEST_IDENTIFIER]
        if not short:
            raise ValidationError("A company needs an identifier of letters and digits", field="identifier")
        return await self._create("/company/companies", _fields({"name": name, "identifier": short, **extra}))

    async def get_contacts(
        self,
        conditions: Conditions = None,
        *,
        order_by: str | None = None,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **more: Any,
    ) -> list[Item]:
        return await self._list("/company/contacts", conditions, order_by, page, page_size, more)

    async def get_contact(self, contact_id: Any) -> Item:
        return await self._one(f"/company/contacts/{segment(contact_id, 'contact_id')}")

    async def create_contact(
        self,
        first_name: str,
        last_name: str | None = None,
        company: Any = None,
        email: str | None = None,
        phone: str | None = None,
        **extra: Any,
    ) -> Item:
        reached = [_reached("Email", email), _reached("Phone", phone, "Direct")]
        contact = {
            "firstName": first_name,
            "lastName": last_name,
            "company": company or self.get_config("connectwise_company"),
            "communicationItems": [each for each in reached if each] or None,
            **extra,
        }
        return await self._create("/company/contacts", _fields(contact))

    # Time

    async def get_time_entries(
        self,
        conditions: Conditions = None,
        *,
        order_by: str | None = None,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **more: Any,
    ) -> list[Item]:
        return await self._list("/time/entries", conditions, order_by, page, page_size, more)

    async def create_time_entry(
        self,
        ticket_id: Any,
        hours: float,
        notes: str,
        member: Any = None,
        *,
        start: datetime | None = None,
        **extra: Any,
    ) -> Item:
        """Time on a ticket; it began `start`, or so long ago that it ends now."""
        if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
            raise ValidationError("hours must be a number above 0", field="hours")
        began = start or self.context.now() - timedelta(hours=hours)
        entry = {
            "chargeToId": number(ticket_id),
            "chargeToType": "ServiceTicket",
            "timeStart": timestamp(began),
            "actualHours": hours,
            "notes": notes,
            "member": member,
            **extra,
        }
        return await self._create("/time/entries", _fields(entry))

    async def _closed_status(self, ticket_id: Any) -> Item:
        board = (await self.get_ticket(ticket_id)).get("board") or {}
        path = f"/service/boards/{segment(board.get('id'), 'board')}/statuses"
        closing = {"closedStatus": True, "inactive": False}
        statuses = await self._list(path, closing, "sortOrder", 1, PAGE_SIZE, {})
        if not statuses:
            raise IntegrationError(
                f'connectwise: no status of the board "{board.get("name")}" closes a ticket', integration="connectwise"
            )
        return {"id": statuses[0]["id"]}

    def _with_url(self, ticket: Item) -> Item:
        """With the address of its page; the API itself gives none."""
        parts = urlsplit(self.api_url)
        server = parts.netloc.removeprefix("api-")
        release = parts.path.partition("/apis/")[0]
        query = urlencode({"service_recid": ticket.get("id"), "companyName": self.get_config("cw_company_id")})
        page = f"{parts.scheme}://{server}{release}/services/system_io/Service/fv_sr100_request.rails?{query}"
        return {**ticket, "url": page}


def _ticket(ticket_id: Any) -> str:
    return f"/service/tickets/{segment(ticket_id, 'ticket_id')}"


def _fields(given: Mapping[str, Any]) -> Item:
    """Those that are set, with references as ConnectWise writes them."""
    return {
        name: reference(value, _NAMED[name]) if name in _NAMED else value
        for name, value in given.items()
        if value is not None
    }


def _reached(kind: str, value: str | None, type_name: str | None = None) -> Item | None:
    if not value:
        return None
    return {"type": {"name": type_name or kind}, "value": value, "communicationType": kind, "defaultFlag": True}
