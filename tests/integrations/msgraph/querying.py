"""How collections are asked: which options and properties there are, and what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.integrations.msgraph import schema
from tests.integrations.msgraph.directory import Thing
from tests.integrations.msgraph.filters import Filter, search
from tests.integrations.msgraph.refusals import bad, unsupported

SIZES = {"default": 100, "largest": 999}


@dataclass(frozen=True)
class Call:
    """A request to Graph, by itself or inside a batch."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any

    @property
    def is_eventual(self) -> bool:
        return self.headers.get("consistencylevel", "").lower() == "eventual"


@dataclass(frozen=True)
class Kind:
    """What may be asked of a collection. `directory`: it knows advanced queries."""

    known: frozenset[str]
    told: tuple[str, ...] | None = None
    options: frozenset[str] = frozenset({"$filter", "$select", "$search", "$orderby", "$top", "$count", "$skiptoken"})
    directory: bool = True
    exact: bool = False
    filtered: frozenset[str] | None = None


def _options(*names: str) -> frozenset[str]:
    return frozenset(f"${name}" for name in names)


USERS = Kind(frozenset(schema.USER) | schema.USER_READ_ONLY, schema.USER_TOLD)
GROUPS = Kind(frozenset(schema.GROUP) | {"id", "createdDateTime"})
DEVICES = Kind(frozenset({"id", "deviceId", "displayName", "operatingSystem", "accountEnabled", "trustType"}))
SKUS = Kind(frozenset({"id", "skuId", "skuPartNumber"}), options=_options("select"), directory=False)
SIGN_INS = Kind(
    frozenset({"id", "createdDateTime", "userPrincipalName", "userId", "appDisplayName", "ipAddress", "status"}),
    options=_options("filter", "top", "skiptoken"),
    directory=False,
    exact=True,
)
ALERTS = Kind(
    frozenset({"id", "title", "createdDateTime", "severity", "status", "serviceSource"}),
    options=_options("filter", "top", "skip", "count", "skiptoken"),
    directory=False,
    filtered=frozenset({"createdDateTime", "severity", "status", "serviceSource"}),
)
MANAGED = Kind(
    frozenset({"id", "deviceName", "operatingSystem", "complianceState", "userPrincipalName", "azureADDeviceId"}),
    options=_options("filter", "select", "top", "skiptoken"),
    directory=False,
)


def found_by(call: Call, things: Sequence[Thing], kind: Kind) -> list[Thing]:
    query = call.query
    if strange := sorted(name for name in query if name.startswith("$") and name not in kind.options):
        raise bad(f"The query option '{strange[0]}' is not supported here.")
    if "$select" in query:
        _check_known(query["$select"].split(","), kind)
    advanced = kind.directory and call.is_eventual and query.get("$count") == "true"
    found = list(things)
    if text := query.get("$filter"):
        condition = Filter(text, kind.filtered or kind.known, kind.exact)
        if kind.directory and condition.is_advanced and not advanced:
            raise unsupported("Operator is not supported because the required parameters might be missing.")
        found = [each for each in found if condition.test(each)]
    if text := query.get("$search"):
        if not call.is_eventual:
            raise bad("Request with $search query parameter only works through MSGraph with a special request header:"
                      " 'ConsistencyLevel: eventual'")  # fmt: skip
        matches = search(text, kind.known)
        found = [each for each in found if matches(each)]
    if order := query.get("$orderby"):
        if (query.get("$filter") or query.get("$search")) and not advanced:
            raise unsupported("Sorting not supported for current query.")
        name, _, direction = order.partition(" ")
        _check_known([name], kind)
        found.sort(key=lambda each: str(each.get(name) or ""), reverse=direction == "desc")
    return found


def page_size(call: Call, size: int | None) -> int:
    wanted = call.query.get("$top", str(SIZES["default"]))
    if not wanted.isdigit() or not 1 <= int(wanted) <= SIZES["largest"]:
        raise bad(f"Invalid page size specified: '{wanted}'. Must be between 1 and {SIZES['largest']} inclusive.")
    return min(int(wanted), size or int(wanted))


def selected(call: Call, thing: Thing, kind: Kind) -> Thing:
    names = call.query["$select"].split(",") if "$select" in call.query else kind.told
    if names is None:
        return thing
    _check_known(names, kind)
    return {name: thing.get(name) for name in names}


def _check_known(names: Sequence[str], kind: Kind) -> None:
    for name in names:
        if name not in kind.known:
            raise bad(f"Could not find a property named '{name}'.")
