"""What Graph does with each request that it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.integrations.msgraph import schema
from tests.integrations.msgraph.directory import DOMAINS, Thing
from tests.integrations.msgraph.querying import (
    ALERTS,
    DEVICES,
    GROUPS,
    MANAGED,
    SIGN_INS,
    SKUS,
    USERS,
    Call,
    selected,
)
from tests.integrations.msgraph.refusals import Refused, bad, conflict, missing
from tests.integrations.vendor import Reply

if TYPE_CHECKING:
    from tests.integrations.msgraph.server import Graph

Handler = Callable[..., Reply]

TENANT = "11111111-2222-4333-8444-555555555555"
NOTHING = Reply(204)
ROUTES: list[tuple[str, str, Handler]] = []


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """The pattern's groups are what the handler gets."""

    def add(handler: Handler) -> Handler:
        ROUTES.append((method, pattern, handler))
        return handler

    return add


# --- Users ---------------------------------------------------------------------------------------------------------


@route("GET", "/users")
def users(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, list(graph.directory.users.values()), USERS)


@route("POST", "/users")
def create_user(graph: Graph, call: Call) -> Reply:
    given = schema.checked(call.body, schema.USER, schema.USER_REQUIRED)
    user = graph.directory.create_user(given)
    return Reply(201, {name: user.get(name) for name in schema.USER_TOLD})


@route("GET", "/users/([^/]+)")
def user(graph: Graph, call: Call, key: str) -> Reply:
    return Reply(json=selected(call, graph.directory.user(key), USERS))


@route("PATCH", "/users/([^/]+)")
def change_user(graph: Graph, call: Call, key: str) -> Reply:
    found = graph.directory.user(key)
    graph.directory.change_user(found, schema.checked(call.body, schema.USER))
    return NOTHING


@route("DELETE", "/users/([^/]+)")
def remove_user(graph: Graph, call: Call, key: str) -> Reply:
    graph.directory.remove_user(graph.directory.user(key))
    return NOTHING


@route("POST", "/users/([^/]+)/revokeSignInSessions")
def sign_out(graph: Graph, call: Call, key: str) -> Reply:
    graph.directory.signed_out.append(graph.directory.user(key)["id"])
    return Reply(json={"@odata.context": f"{graph.url}/v1.0/$metadata#Edm.Boolean", "value": True})


@route("GET", "/users/([^/]+)/manager")
def manager(graph: Graph, call: Call, key: str) -> Reply:
    found = graph.directory.managers.get(graph.directory.user(key)["id"])
    if found is None:
        raise missing("manager")
    return Reply(json=selected(call, graph.directory.user(found), USERS))


@route("PUT", r"/users/([^/]+)/manager/\$ref")
def set_manager(graph: Graph, call: Call, key: str) -> Reply:
    graph.directory.managers[graph.directory.user(key)["id"]] = graph.referred(call.body)
    return NOTHING


@route("GET", "/users/([^/]+)/memberOf/microsoft.graph.group")
def groups_of(graph: Graph, call: Call, key: str) -> Reply:
    if not call.is_eventual or call.query.get("$count") != "true":
        raise bad("An OData cast needs the header ConsistencyLevel: eventual and $count=true.")
    found = graph.directory.user(key)["id"]
    member_of = [
        group for group_id, group in graph.directory.groups.items() if found in graph.directory.members[group_id]
    ]
    return graph.tell(call, member_of, GROUPS)


# --- Licenses ------------------------------------------------------------------------------------------------------


@route("GET", "/subscribedSkus")
def skus(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, graph.directory.skus, SKUS)


@route("GET", "/users/([^/]+)/licenseDetails")
def licenses_of(graph: Graph, call: Call, key: str) -> Reply:
    held = {each["skuId"] for each in graph.directory.user(key)["assignedLicenses"]}
    names = ("id", "skuId", "skuPartNumber", "servicePlans")
    details = [{name: each[name] for name in names} for each in graph.directory.skus if each["skuId"] in held]
    return graph.tell(call, details, SKUS)


@route("POST", "/users/([^/]+)/assignLicense")
def change_licenses(graph: Graph, call: Call, key: str) -> Reply:
    found = graph.directory.user(key)
    given = schema.checked(call.body, schema.LICENSES, schema.LICENSES)
    graph.directory.change_licenses(found, given)
    return Reply(json={name: found.get(name) for name in (*schema.USER_TOLD, "assignedLicenses")})


# --- Groups --------------------------------------------------------------------------------------------------------


@route("GET", "/groups")
def groups(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, list(graph.directory.groups.values()), GROUPS)


@route("POST", "/groups")
def create_group(graph: Graph, call: Call) -> Reply:
    given = schema.checked(call.body, schema.GROUP, schema.GROUP_REQUIRED)
    nickname = given["mailNickname"]
    if not nickname.isascii() or set(nickname) & set('@()\\[]";:<>, '):
        raise bad("Invalid value specified for property 'mailNickname' of resource 'Group'.")
    if given["mailEnabled"] and "Unified" not in given.get("groupTypes", []):
        raise bad("The service does not currently support writes of mail-enabled groups.")
    if given["mailEnabled"] and any(each.get("mailNickname") == nickname for each in graph.directory.groups.values()):
        raise conflict("mailNickname")
    return Reply(201, graph.directory.add_group(given.pop("displayName"), **given))


@route("GET", "/groups/([^/]+)")
def group(graph: Graph, call: Call, key: str) -> Reply:
    return Reply(json=selected(call, graph.directory.group(key), GROUPS))


@route("GET", "/groups/([^/]+)/members")
def members(graph: Graph, call: Call, key: str) -> Reply:
    ids = graph.directory.members[graph.directory.group(key)["id"]]
    return graph.tell(call, [graph.directory.user(each) for each in ids], USERS)


@route("POST", r"/groups/([^/]+)/members/\$ref")
def add_member(graph: Graph, call: Call, key: str) -> Reply:
    found = graph.directory.group(key)
    graph.directory.add_member(found, graph.referred(call.body))
    return NOTHING


@route("DELETE", r"/groups/([^/]+)/members/([^/]+)/\$ref")
def remove_member(graph: Graph, call: Call, key: str, member: str) -> Reply:
    graph.directory.remove_member(graph.directory.group(key), member)
    return NOTHING


# --- The rest ------------------------------------------------------------------------------------------------------


@route("GET", "/auditLogs/signIns")
def sign_ins(graph: Graph, call: Call) -> Reply:
    newest_first = sorted(graph.directory.sign_ins, key=lambda each: str(each["createdDateTime"]), reverse=True)
    return graph.tell(call, newest_first, SIGN_INS)


@route("GET", "/security/alerts_v2")
def alerts(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, graph.directory.alerts, ALERTS)


@route("GET", "/devices")
def devices(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, graph.directory.devices, DEVICES)


@route("GET", "/deviceManagement/managedDevices")
def managed_devices(graph: Graph, call: Call) -> Reply:
    return graph.tell(call, graph.directory.managed_devices, MANAGED)


@route("GET", "/users/([^/]+)/managedDevices")
def managed_devices_of(graph: Graph, call: Call, key: str) -> Reply:
    address = graph.directory.user(key)["userPrincipalName"]
    own = [each for each in graph.directory.managed_devices if each["userPrincipalName"] == address]
    return graph.tell(call, own, MANAGED)


@route("GET", "/organization")
def organization(graph: Graph, call: Call) -> Reply:
    domains = [{"name": name, "isDefault": name == DOMAINS[0]} for name in DOMAINS]
    tenant: Thing = {"id": TENANT, "displayName": "Acme", "verifiedDomains": domains, "assignedPlans": []}
    return Reply(json={"value": [tenant]})


@route("POST", "/users/([^/]+)/sendMail")
def send_mail(graph: Graph, call: Call, key: str) -> Reply:
    sender = graph.directory.user(key)
    given = schema.checked(call.body, schema.MAIL, ("message",))
    message: dict[str, Any] = given["message"]
    if not sender.get("mail"):
        raise Refused(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive or soft-deleted.")
    if not message.get("toRecipients"):
        raise Refused(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")
    if message.get("body", {}).get("contentType", "text").lower() not in ("text", "html"):
        raise Refused(400, "RequestBodyRead", "Cannot convert to the type 'microsoft.graph.bodyType'.")
    graph.directory.mails.append({"from": sender["userPrincipalName"], **given})
    return Reply(202, text="")
