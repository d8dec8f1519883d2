"""HaloPSA: clients, tickets and what was done on them, assets and people.

docs/psa.md says how to connect it, and which of Halo's behaviour is taken from where.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from bifrost.sdk.errors import ValidationError
from integrations.halopsa.paging import PAGE_SIZE
from integrations.halopsa.requests import HaloRequests, Item
from integrations.paths import number

#: The ids of Halo's own priorities and status; an organization whose Halo has others says so in its config.
PRIORITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4}
CLOSED = 9


class HaloPSA(HaloRequests):
    """Ids may be numbers or text. `**extra` and `**filters` are Halo's own fields and query parameters."""

    integration_name = "halopsa"

    # Clients

    async def get_clients(
        self, search: str | None = None, *, page: int | None = None, page_size: int = PAGE_SIZE, **filters: Any
    ) -> list[Item]:
        """All of them, or one page."""
        return await self._page("Client", "clients", page, page_size, {"search": search, **filters})

    async def get_clients_stream(
        self, search: str | None = None, *, page_size: int = PAGE_SIZE, **filters: Any
    ) -> AsyncIterator[Item]:
        async for client in self._stream("Client", "clients", page_size, {"search": search, **filters}):
            yield client

    async def get_client(self, client_id: Any) -> Item:
        return await self._one("Client", client_id, "client_id")

    async def create_client(self, name: str, email: str | None = None, phone: str | None = None, **extra: Any) -> Item:
        """`email` is that of its first contact, `phone` that of its first site."""
        contact = {"newclient_contactname": name, "newclient_contactemail": email} if email else {}
        site = {"newclient_phonenumber": phone} if phone else {}
        return await self._write("Client", {"name": name, **contact, **site, **extra})

    async def update_client(self, client_id: Any, changes: Mapping[str, Any] | None = None, **fields: Any) -> Item:
        return await self._write("Client", {**(changes or {}), **fields, "id": number(client_id)})

    # Tickets

    async def get_tickets(
        self,
        client_id: Any = None,
        agent_id: Any = None,
        open_only: bool | None = None,
        search: str | None = None,
        *,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **filters: Any,
    ) -> list[Item]:
        """All that fit, or one page of them."""
        return await self._page(
            "Tickets", "tickets", page, page_size, _tickets(client_id, agent_id, open_only, search, filters)
        )

    async def get_tickets_stream(
        self,
        client_id: Any = None,
        agent_id: Any = None,
        open_only: bool | None = None,
        search: str | None = None,
        *,
        page_size: int = PAGE_SIZE,
        **filters: Any,
    ) -> AsyncIterator[Item]:
        """One after the other; they may be closed or changed meanwhile."""
        query = _tickets(client_id, agent_id, open_only, search, filters)
        async for ticket in self._stream("Tickets", "tickets", page_size, query):
            yield ticket

    async def get_ticket(self, ticket_id: Any) -> Item:
        return await self._one("Tickets", ticket_id, "ticket_id")

    async def create_ticket(
        self, client_id: Any, title: str, description: str, priority: str | int | None = None, **extra: Any
    ) -> Item:
        """`priority`: low, medium, high, critical, or an id of Halo's."""
        ticket = {"summary": title, "details": description, "client_id": number(client_id)}
        rank = {} if priority is None else {"priority_id": self._priority(priority)}
        return await self._write("Tickets", {**ticket, **rank, **extra})

    async def update_ticket(self, ticket_id: Any, changes: Mapping[str, Any] | None = None, **fields: Any) -> Item:
        """`priority`, `title` and `description` mean what they mean to `create_ticket`; all else are Halo's fields."""
        said = {**(changes or {}), **fields}
        if "priority" in said:
            said["priority_id"] = self._priority(said.pop("priority"))
        for ours, halos in (("title", "summary"), ("description", "details")):
            if ours in said:
                said[halos] = said.pop(ours)
        return await self._write("Tickets", {**said, "id": number(ticket_id)})

    async def close_ticket(
        self, ticket_id: Any, note: str | None = None, *, private: bool = True, status_id: Any = None
    ) -> Item:
        """Sets the status that means closed, after a note where there is one."""
        if note:
            await self.add_ticket_action(ticket_id, note, private=private)
        closed = status_id or self.get_config("halopsa_closed_status", CLOSED)
        return await self.update_ticket(ticket_id, status_id=number(closed))

    # What was done on a ticket; Halo keeps time there too

    async def add_ticket_action(
        self, ticket_id: Any, note: str, *, private: bool = True, outcome: str = "Note", **extra: Any
    ) -> Item:
        """A note; the customer sees it only where it is not private."""
        action = {"ticket_id": number(ticket_id), "note": note, "outcome": outcome, "hiddenfromuser": private}
        return await self._write("Actions", {**action, **extra})

    async def get_ticket_actions(self, ticket_id: Any, *, public_only: bool = False, **filters: Any) -> list[Item]:
        public = True if public_only else None
        return await self._list(
            "Actions", "actions", ticket_id=number(ticket_id), excludesys=True, excludeprivate=public, **filters
        )

    async def get_time_entries(
        self,
        ticket_id: Any = None,
        *,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        **filters: Any,
    ) -> list[Item]:
        """The actions on which time was spent: `timetaken`, in hours."""
        dates = {"startdate": _date(start), "enddate": _date(end)}
        return await self._list(
            "Actions", "actions", ticket_id=number(ticket_id), timeentriesonly=True, **dates, **filters
        )

    async def create_time_entry(
        self, ticket_id: Any, user_id: Any, hours: float, description: str, *, private: bool = True, **extra: Any
    ) -> Item:
        """`user_id`: the agent who worked."""
        if isinstance(hours, bool) or not isinstance(hours, int | float) or hours <= 0:
            raise ValidationError("hours must be a number above 0", field="hours")
        worked = {"timetaken": hours, "who_agentid": number(user_id)}
        return await self.add_ticket_action(ticket_id, description, private=private, **worked, **extra)

    # Assets and people

    async def get_assets(
        self,
        client_id: Any = None,
        search: str | None = None,
        *,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **filters: Any,
    ) -> list[Item]:
        query = {"client_id": number(client_id), "search": search, **filters}
        return await self._page("Asset", "assets", page, page_size, query)

    async def get_asset(self, asset_id: Any) -> Item:
        return await self._one("Asset", asset_id, "asset_id")

    async def get_users(
        self,
        client_id: Any = None,
        search: str | None = None,
        *,
        page: int | None = None,
        page_size: int = PAGE_SIZE,
        **filters: Any,
    ) -> list[Item]:
        """People of the customers, who report tickets."""
        query = {"client_id": number(client_id), "search": search, **filters}
        return await self._page("Users", "users", page, page_size, query)

    async def get_agents(self, **filters: Any) -> list[Item]:
        """People of the MSP, who work on tickets."""
        return await self._list("Agent", "agents", **filters)

    def _priority(self, priority: str | int) -> Any:
        given = number(priority)
        if not isinstance(given, str):
            return given
        known = {**PRIORITIES, **(self.get_config("halopsa_priorities") or {})}
        if given.lower() not in known:
            raise ValidationError(f"priority must be one of {', '.join(known)}, not {priority!r}", field="priority")
        return known[given.lower()]


def _tickets(
    client_id: Any, agent_id: Any, open_only: bool | None, search: str | None, filters: Item
) -> dict[str, Any]:
    ids = {"client_id": number(client_id), "agent_id": number(agent_id)}
    return {**ids, "open_only": open_only, "search": search, **filters}


def _date(given: datetime | str | None) -> str | None:
    return given.isoformat() if isinstance(given, datetime) else given
