"""Plays ConnectWise PSA, as strictly as its documentation lets it. docs/psa.md says which of this is from where."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.integrations.connectwise.conditions import Unreadable, fits
from tests.integrations.vendor import Asked, Reply, Vendor

Item = dict[str, Any]
COMPANY, PUBLIC, PRIVATE, CLIENT = "msp", "public-k3y", "private-k3y-of-connectwise", "client-id-of-the-msp"
API = "/v4_6_release/apis/3.0"


@dataclass(frozen=True)
class Kind:
    """`refers`: the fields that are references; `texts`: text and how long it may be."""

    name: str
    texts: dict[str, int] = field(default_factory=dict)
    refers: tuple[str, ...] = ()
    others: dict[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


KINDS = {
    "/service/tickets": Kind(
        "ticket",
        {"summary": 100, "initialDescription": 10_000, "externalXRef": 100},
        ("company", "board", "status", "owner", "priority", "contact", "type"),
        {"closedFlag": bool, "skipCallback": bool},
        ("summary", "company"),
    ),
    "/service/tickets/{id}/notes": Kind(
        "serviceNote",
        {"text": 10_000},
        ("member", "contact"),
        {"detailDescriptionFlag": bool, "internalAnalysisFlag": bool, "resolutionFlag": bool},
        ("text",),
    ),
    "/service/boards/{id}/statuses": Kind("boardStatus"),
    "/company/companies": Kind(
        "company",
        {"name": 50, "identifier": 30, "phoneNumber": 30, "website": 255},
        ("status", "site", "territory"),
        {"types": list, "deletedFlag": bool},
        ("name", "identifier"),
    ),
    "/company/contacts": Kind(
        "contact",
        {"firstName": 30, "lastName": 30, "title": 100},
        ("company", "site", "type"),
        {"communicationItems": list, "inactiveFlag": bool},
        ("firstName",),
    ),
    "/time/entries": Kind(
        "timeEntry",
        {"notes": 10_000, "timeStart": 30, "timeEnd": 30, "chargeToType": 30, "billableOption": 30},
        ("member", "company", "workType", "workRole"),
        {"chargeToId": int, "actualHours": float},
        ("timeStart",),
    ),
}
QUERY = {"conditions", "childConditions", "orderBy", "fields", "page", "pageSize", "pageId"}


class ConnectWiseServer(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, list[Item]] = {}
        self.next_id = 1
        self.before_reading: Callable[[Asked], None] = lambda asked: None

    def add(self, path: str, **fields: Any) -> Item:
        item = {"id": self.next_id, **fields}
        self.next_id += 1
        self.items.setdefault(path, []).append(item)
        return item

    def reply(self, asked: Asked) -> Reply:
        if refused := _not_let_in(asked):
            return refused
        path = asked.path.removeprefix(API)
        kind = _kind(path)
        if kind is None:
            return self._one(path, asked)
        return self._create(path, kind, asked.json) if asked.method == "POST" else self._list(path, asked)

    def _one(self, path: str, asked: Asked) -> Reply:
        above, _, item_id = path.rpartition("/")
        kind = _kind(above)
        if kind is None or not asked.path.startswith(API):
            return _error(404, "NotFound", "The resource does not exist")
        item = next((each for each in self.items.get(above, []) if str(each["id"]) == item_id), None)
        if item is None:
            return _error(404, "NotFound", f"{kind.name} {item_id} not found")
        if asked.method == "PATCH":
            return self._patch(kind, item, asked.json)
        return Reply(json=item) if asked.method == "GET" else _error(405, "MethodNotAllowed", "Not supported")

    def _create(self, path: str, kind: Kind, body: Any) -> Reply:
        if not isinstance(body, dict):
            return _error(400, "InvalidObject", f"{kind.name} object is invalid")
        problems = _problems(kind, body)
        problems += [
            _problem(kind, name, "MissingRequired", "is required") for name in kind.needs if not body.get(name)
        ]
        if problems:
            return _error(400, "InvalidObject", f"{kind.name} object is invalid", problems)
        unreturned = {"initialDescription"}
        made = self.add(path, **{name: value for name, value in body.items() if name not in unreturned})
        return Reply(201, made, {"location": f"{self.url}{API}{path}/{made['id']}"})

    def _patch(self, kind: Kind, item: Item, body: Any) -> Reply:
        if not isinstance(body, list) or not all(isinstance(each, dict) for each in body):
            return _error(400, "InvalidObject", "The patch is not an array of operations")
        for each in body:
            replaces = each.get("op") == "replace" and each.keys() == {"op", "path", "value"}
            if not replaces and not (each.get("op") == "remove" and each.keys() == {"op", "path"}):
                return _error(400, "InvalidObject", f"The operation {each} is not valid")
        changed = {each["path"]: each["value"] for each in body if each["op"] == "replace"}
        if problems := _problems(kind, changed):
            return _error(400, "InvalidObject", f"{kind.name} object is invalid", problems)
        item.update(changed)
        for each in body:
            if each["op"] == "remove":
                item.pop(each["path"], None)
        return Reply(json=item)

    def _list(self, path: str, asked: Asked) -> Reply:
        query = asked.query
        if unknown := query.keys() - QUERY:
            return _error(400, "InvalidParameter", f"{sorted(unknown)[0]} is not a parameter")
        size = int(query.get("pageSize", "25"))
        if size > 1000:
            return _error(400, "InvalidParameter", "pageSize is at most 1000")
        self.before_reading(asked)
        try:
            found = (
                [each for each in self.items.get(path, []) if fits(each, query["conditions"])]
                if ("conditions" in query)
                else list(self.items.get(path, []))
            )
        except Unreadable as error:
            return _error(400, "InvalidConditions", f"The conditions cannot be read: {error}")
        if asked.headers.get("pagination-type") == "forward-only":
            return self._forward(path, found, size, query)
        return self._navigable(path, found, size, query)

    def _forward(self, path: str, found: list[Item], size: int, query: dict[str, str]) -> Reply:
        if "orderBy" in query:
            return _error(400, "InvalidParameter", "orderBy is not valid with forward-only")
        after = int(query.get("pageId", "0"))
        page = [each for each in found if each["id"] > after][:size]
        following = {**query, "pageId": str(page[-1]["id"])} if page else query
        return Reply(json=page, headers=self._link(path, following))

    def _navigable(self, path: str, found: list[Item], size: int, query: dict[str, str]) -> Reply:
        name, _, direction = query.get("orderBy", "id").partition(" ")
        found = sorted(found, key=lambda each: each[name], reverse=direction == "desc")
        number = int(query.get("page", "1"))
        more = number * size < len(found)
        headers = self._link(path, {**query, "page": str(number + 1)}) if more else {}
        return Reply(json=found[(number - 1) * size : number * size], headers=headers)

    def _link(self, path: str, query: dict[str, str]) -> dict[str, str]:
        return {"link": f'<https://other-name-of-the-server.example{API}{path}?{urlencode(query)}>; rel="next"'}


def _not_let_in(asked: Asked) -> Reply | None:
    pair = base64.b64encode(f"{COMPANY}+{PUBLIC}:{PRIVATE}".encode()).decode()
    if asked.headers.get("clientid") != CLIENT:
        return _error(401, "Unauthorized", "The clientId header is missing or not valid")
    if asked.headers.get("authorization") != f"Basic {pair}":
        return _error(401, "Unauthorized", "The supplied authentication is incorrect")
    return None


def _kind(path: str) -> Kind | None:
    return KINDS.get(re.sub(r"/\d+(?=/)", "/{id}", path))


def _problems(kind: Kind, body: Item) -> list[Item]:
    found = []
    for name, value in body.items():
        if name in kind.texts:
            if not isinstance(value, str):
                found.append(_problem(kind, name, "InvalidType", "must be text"))
            elif len(value) > kind.texts[name]:
                found.append(_problem(kind, name, "MaxLength", f"must be at most {kind.texts[name]} characters"))
        elif name in kind.refers:
            if not isinstance(value, dict) or not value.keys() & {"id", "identifier", "name"}:
                found.append(_problem(kind, name, "InvalidReference", "must be a reference"))
        elif name not in kind.others:
            found.append(_problem(kind, name, "UnknownField", "does not exist"))
        elif not _is(value, kind.others[name]):
            found.append(_problem(kind, name, "InvalidType", "has a wrong type"))
    return found


def _is(value: Any, wanted: type) -> bool:
    if isinstance(value, bool):
        return wanted is bool
    return isinstance(value, (int, float) if wanted is float else wanted)


def _problem(kind: Kind, name: str, code: str, text: str) -> Item:
    return {"code": code, "message": f"The field {name} {text}.", "resource": kind.name, "field": name}


def _error(status: int, code: str, message: str, errors: list[Item] | None = None) -> Reply:
    return Reply(status, {"code": code, "message": message, "errors": errors})
