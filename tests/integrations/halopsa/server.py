"""Plays HaloPSA, as strictly as its API's description lets it: what it does not name, or names with another type, is
refused. docs/psa.md says which of this is from where.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.integrations.vendor import Asked, Reply, Vendor

Item = dict[str, Any]
CLIENT_ID, CLIENT_SECRET = "halo-application", "halo-application-s3cret"

PAGING = {"pageinate": bool, "page_no": int, "page_size": int, "order": str, "orderdesc": bool, "search": str}


@dataclass(frozen=True)
class Resource:
    """`writes` are the fields that may be posted, with their types; `finds` the query parameters of its list."""

    name: str  # of the list in an answer; "" for a bare array
    writes: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    finds: dict[str, type] = field(default_factory=dict)
    searched: str = "name"


RESOURCES = {
    "Client": Resource(
        "clients",
        {
            "id": int,
            "name": str,
            "toplevel_id": int,
            "inactive": bool,
            "newclient_contactname": str,
            "newclient_contactemail": str,
            "newclient_phonenumber": str,
        },
        ("name",),
        {**PAGING, "includeinactive": bool, "toplevel_id": int},
    ),
    "Tickets": Resource(
        "tickets",
        {
            "id": int,
            "summary": str,
            "details": str,
            "client_id": int,
            "priority_id": int,
            "status_id": int,
            "agent_id": int,
            "tickettype_id": int,
        },
        ("summary", "client_id"),
        {**PAGING, "client_id": int, "agent_id": int, "open_only": bool, "closed_only": bool, "status_id": int},
        "summary",
    ),
    "Actions": Resource(
        "actions",
        {
            "id": int,
            "ticket_id": int,
            "note": str,
            "outcome": str,
            "hiddenfromuser": bool,
            "timetaken": float,
            "who_agentid": int,
            "sendemail": bool,
        },
        ("ticket_id", "outcome"),
        {
            "ticket_id": int,
            "excludesys": bool,
            "excludeprivate": bool,
            "timeentriesonly": bool,
            "startdate": str,
            "enddate": str,
            "count": int,
        },
    ),
    "Asset": Resource("assets", {}, (), {**PAGING, "client_id": int}, "inventory_number"),
    "Users": Resource("users", {}, (), {**PAGING, "client_id": int}),
    "Agent": Resource("", {}, (), {"search": str, "includeenabled": bool}),
}


class HaloServer(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.tenant = ""
        self.tokens: set[str] = set()
        self.items: dict[str, list[Item]] = {resource: [] for resource in RESOURCES}
        self.next_id = 1
        self.before_reading: Callable[[Asked], None] = lambda asked: None

    def add(self, resource: str, **fields: Any) -> Item:
        item = {"id": self.next_id, **fields}
        self.next_id += 1
        self.items[resource].append(item)
        return item

    def forget_tokens(self) -> None:
        """All that were given have expired."""
        self.tokens.clear()

    def reply(self, asked: Asked) -> Reply:
        if asked.path == "/auth/token":
            return self._sign_in(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply(401, text="")
        match = re.fullmatch(r"/api/(\w+)(?:/([^/]+))?", asked.path)
        if match is None or match[1] not in RESOURCES:
            return Reply(404, text="")
        resource, item_id = match[1], match[2]
        if asked.method == "POST" and item_id is None:
            return self._write(resource, asked)
        if asked.method != "GET":
            return Reply(405, text="")
        return self._list(resource, asked) if item_id is None else self._one(resource, item_id, asked)

    def _sign_in(self, asked: Asked) -> Reply:
        if not asked.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return Reply(400, {"error": "invalid_request"})
        if asked.query.get("tenant", "") != self.tenant:
            return Reply(400, {"error": "invalid_request", "error_description": "The tenant is unknown"})
        wanted = {"grant_type": "client_credentials", "scope": "all"}
        if {name: asked.form.get(name) for name in wanted} != wanted:
            return Reply(400, {"error": "unsupported_grant_type"})
        if (asked.form.get("client_id"), asked.form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return Reply(400, {"error": "invalid_client", "error_description": "The client credentials are invalid"})
        token = f"halo-token-{len(self.asked)}"
        self.tokens.add(token)
        return Reply(json={"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "all"})

    def _write(self, resource: str, asked: Asked) -> Reply:
        declared, body = RESOURCES[resource], asked.json
        if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
            return _refused({"$": f"The JSON value could not be converted to List of {resource}"})
        written = [self._written(resource, item) for item in body]
        problems = {name: text for item in body for name, text in _problems(declared, item).items()}
        if problems:
            return _refused(problems)
        if None in written:
            return Reply(404, text="")
        return Reply(201, written[0] if len(written) == 1 else written)

    def _written(self, resource: str, item: Item) -> Item | None:
        if _problems(RESOURCES[resource], item):
            return None
        if "id" not in item:
            defaults = {"Tickets": {"status_id": 1, "agent_id": 0, "priority_id": 3}}.get(resource, {})
            return self.add(resource, **{"datetime": "2026-11-20T10:00:00", **defaults, **item})
        known = self._known(resource, item["id"])
        if known is not None:
            known.update(item)
        return known

    def _known(self, resource: str, item_id: int) -> Item | None:
        return next((item for item in self.items[resource] if item["id"] == item_id), None)

    def _one(self, resource: str, item_id: str, asked: Asked) -> Reply:
        if not item_id.isdigit():
            return _refused({"id": f"The value '{item_id}' is not valid."})
        if problems := _wrong_query({"includedetails": bool}, asked.query):
            return _refused(problems)
        item = self._known(resource, int(item_id))
        return Reply(404, text="") if item is None else Reply(json=item)

    def _list(self, resource: str, asked: Asked) -> Reply:
        declared = RESOURCES[resource]
        if problems := _wrong_query(declared.finds, asked.query):
            return _refused(problems)
        self.before_reading(asked)
        items = [item for item in self.items[resource] if _fits(declared, item, asked.query)]
        if not declared.name:
            return Reply(json=items)
        page = items
        if asked.query.get("pageinate") == "true":
            size, number = int(asked.query["page_size"]), int(asked.query["page_no"])
            page = items[(number - 1) * size : number * size]
        return Reply(json={"record_count": len(items), declared.name: page})


def _problems(declared: Resource, item: Item) -> dict[str, str]:
    found = {name: f"Unknown member {name}" for name in item if name not in declared.writes}
    for name, wanted in declared.writes.items():
        if name in item and not _is(item[name], wanted):
            found[name] = f"The JSON value could not be converted to {wanted.__name__}."
    if "id" not in item:
        found |= {name: f"The {name} field is required." for name in declared.needs if name not in item}
    return found


def _is(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _wrong_query(declared: dict[str, type], query: dict[str, str]) -> dict[str, str]:
    found = {name: f"Unknown parameter {name}" for name in query if name not in declared}
    for name, wanted in declared.items():
        text = query.get(name)
        if text is None:
            continue
        fine = text in {"true", "false"} if wanted is bool else text.isdigit() if wanted is int else True
        if not fine or (name == "page_size" and int(text) > 100):
            found[name] = f"The value '{text}' is not valid for {name}."
    return found


def _fits(declared: Resource, item: Item, query: dict[str, str]) -> bool:
    exact = all(
        str(item.get(name)) == query[name]
        for name in ("client_id", "agent_id", "status_id", "ticket_id")
        if name in query
    )
    searched = query.get("search", "").lower() in str(item.get(declared.searched, "")).lower()
    is_open = query.get("open_only") != "true" or item.get("status_id") != 9
    timed = query.get("timeentriesonly") != "true" or item.get("timetaken", 0) > 0
    shown = query.get("excludeprivate") != "true" or not item.get("hiddenfromuser")
    since = query.get("startdate", "") <= item.get("datetime", "9999")
    until = item.get("datetime", "") <= query.get("enddate", "9999")
    return exact and searched and is_open and timed and shown and since and until


def _refused(problems: dict[str, str]) -> Reply:
    """As ASP.NET, on which Halo's API stands, describes what it cannot read."""
    title = "One or more validation errors occurred: " + " ".join(problems.values())
    return Reply(400, {"title": title, "status": 400, "errors": {name: [text] for name, text in problems.items()}})
