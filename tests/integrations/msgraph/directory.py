"""What the tenant that Graph tells of consists of, and the rules by which it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.integrations.msgraph.refusals import bad, conflict, missing

Thing = dict[str, Any]

DOMAINS = ("acme.example", "acme.onmicrosoft.com", "example.com")
E3, VISIO = "6fd2c87f-b296-42f0-b197-1e91e994b900", "c5928f49-12ba-48f7-ada3-0d743a3601d5"


def sku(sku_id: str, part_number: str, enabled: int, consumed: int = 0) -> Thing:
    return {
        "id": f"48a80680-7326-48cd-9935-b556b81d3a4e_{sku_id}",
        "skuId": sku_id,
        "skuPartNumber": part_number,
        "consumedUnits": consumed,
        "prepaidUnits": {"enabled": enabled, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": [{"servicePlanId": "57ff2da0-773e-42df-b2af-ffb7a2317929", "servicePlanName": "TEAMS1"}],
        "capabilityStatus": "Enabled",
        "appliesTo": "User",
    }


@dataclass
class Directory:
    users: dict[str, Thing] = field(default_factory=dict)
    groups: dict[str, Thing] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)
    skus: list[Thing] = field(default_factory=lambda: [sku(E3, "ENTERPRISEPACK", 3), sku(VISIO, "VISIOCLIENT", 1, 1)])
    sign_ins: list[Thing] = field(default_factory=list)
    alerts: list[Thing] = field(default_factory=list)
    devices: list[Thing] = field(default_factory=list)
    managed_devices: list[Thing] = field(default_factory=list)
    mails: list[Thing] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    signed_out: list[str] = field(default_factory=list)
    _ids: int = 0

    def new_id(self) -> str:
        self._ids += 1
        return str(UUID(int=0xA0000000_0000_4000_8000_000000000000 + self._ids))

    # --- What a test lays down ----------------------------------------------------------------------------------

    def add_user(self, name: str, **properties: Any) -> Thing:
        address = f"{name.lower().replace(' ', '.')}@acme.example"
        given = {"displayName": name, "userPrincipalName": address, "mail": address, "accountEnabled": True}
        return self._put_user({**given, **properties})

    def add_group(self, name: str, **properties: Any) -> Thing:
        group = {"id": self.new_id(), "displayName": name, "mailEnabled": False, "securityEnabled": True, **properties}
        self.groups[group["id"]] = group
        self.members[group["id"]] = []
        return group

    # --- Users ---------------------------------------------------------------------------------------------------

    def user(self, key: str) -> Thing:
        for user in self.users.values():
            if user["id"] == key or user["userPrincipalName"].lower() == key.lower():
                return user
        raise missing(key)

    def group(self, key: str) -> Thing:
        if key not in self.groups:
            raise missing(key)
        return self.groups[key]

    def create_user(self, given: Thing) -> Thing:
        address = given["userPrincipalName"]
        self._check_address(address)
        profile = given.pop("passwordProfile")
        self._check_password(profile.get("password"))
        nickname = given["mailNickname"]
        if not nickname or not nickname.isascii() or set(nickname) & set('@()\\[]";:<>, '):
            raise bad("Invalid value specified for property 'mailNickname' of resource 'User'.")
        user = self._put_user(given)
        self.passwords[user["id"]] = profile["password"]
        return user

    def change_user(self, user: Thing, given: Thing) -> None:
        profile = given.pop("passwordProfile", None)
        if profile is not None:
            self._check_password(profile.get("password"))
            self.passwords[user["id"]] = profile["password"]
        if (address := given.get("userPrincipalName")) and address.lower() != user["userPrincipalName"].lower():
            self._check_address(address)
        if not given and profile is None:
            raise bad("The request body must contain at least one property to update.")
        user.update(given)

    def remove_user(self, user: Thing) -> None:
        del self.users[user["id"]]
        for members in self.members.values():
            if user["id"] in members:
                members.remove(user["id"])

    def _put_user(self, given: Thing) -> Thing:
        facts = {"id": self.new_id(), "businessPhones": [], "assignedLicenses": [], "userType": "Member"}
        user = {**facts, "createdDateTime": "2026-01-01T00:00:00Z", **given}
        self.users[user["id"]] = user
        return user

    def _check_address(self, address: str) -> None:
        name, _, domain = address.partition("@")
        if not name or domain.lower() not in DOMAINS:
            raise bad(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified"
                " domain names in your organization."
            )
        if any(user["userPrincipalName"].lower() == address.lower() for user in self.users.values()):
            raise conflict("userPrincipalName")

    def _check_password(self, password: Any) -> None:
        kinds = (str.islower, str.isupper, str.isdigit, lambda letter: not letter.isalnum())
        if not isinstance(password, str) or len(password) < 8:
            kinds = ()
        if sum(any(map(kind, password)) for kind in kinds) < 3:
            raise bad("The specified password does not comply with password complexity requirements. Please provide a"
                      " different password.")  # fmt: skip

    # --- Licenses and members ---------------------------------------------------------------------------------

    def change_licenses(self, user: Thing, given: Thing) -> None:
        known = {each["skuId"]: each for each in self.skus}
        for sku_id in [each["skuId"] for each in given["addLicenses"]] + given["removeLicenses"]:
            if sku_id not in known:
                raise bad(f"License {sku_id} does not correspond to a valid company License.")
        if given["addLicenses"] and not user.get("usageLocation"):
            raise bad("License assignment cannot be done for user with invalid usage location.")
        held = {each["skuId"]: each for each in user["assignedLicenses"]}
        for license in given["addLicenses"]:
            bought = known[license["skuId"]]
            if license["skuId"] not in held:
                if bought["consumedUnits"] >= bought["prepaidUnits"]["enabled"]:
                    raise bad(f"Subscription with SKU {license['skuId']} does not have any available licenses.")
                bought["consumedUnits"] += 1
            held[license["skuId"]] = license
        for sku_id in given["removeLicenses"]:
            if sku_id not in held:
                raise bad("User does not have a corresponding license.")
            del held[sku_id]
            known[sku_id]["consumedUnits"] -= 1
        user["assignedLicenses"] = list(held.values())

    def add_member(self, group: Thing, object_id: str) -> None:
        if object_id not in self.users:
            raise missing(object_id)
        if object_id in self.members[group["id"]]:
            raise bad("One or more added object references already exist for the following modified properties:"
                      " 'members'.")  # fmt: skip
        self.members[group["id"]].append(object_id)

    def remove_member(self, group: Thing, object_id: str) -> None:
        if object_id not in self.members[group["id"]]:
            raise missing(object_id)
        self.members[group["id"]].remove(object_id)
