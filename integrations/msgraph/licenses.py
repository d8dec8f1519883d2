"""What the tenant has bought, and who has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from bifrost.sdk.errors import IntegrationError
from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import key_of, path_of
from integrations.msgraph.queries import Query
from integrations.msgraph.results import Collection, Item, item

_HINT = "Give the user a usage location: `usage_location=`, or the config msgraph_usage_location for new users."
_UNPAGED = Query(page=None)


class Licenses(AsksGraph):
    """`sku` is an id, a part number like "ENTERPRISEPACK", or a SKU as Graph answered with it."""

    async def get_subscribed_skus(self) -> Collection:
        """Each with `sku_part_number`, `consumed_units` and `prepaid_units.enabled`."""
        return await self._list("/subscribedSkus", _UNPAGED)

    async def get_user_licenses(self, user: Any) -> Collection:
        """Each with `sku_id`, `sku_part_number` and `service_plans`."""
        return await self._list(f"{path_of('users', key_of(user, 'user'))}/licenseDetails", _UNPAGED)

    async def assign_license(
        self, user: Any, sku: Any, *, disabled_plans: Iterable[str] = (), usage_location: str | None = None
    ) -> Item:
        """The user. It is no error that it has the license already. `usage_location`: set first, since a license needs
        it; `disabled_plans`: ids of parts of the product that are not for this user.
        """
        key, wanted, without = key_of(user, "user"), _named(sku), list(disabled_plans)
        return item(await self._once("assign_license", self._assign, key, wanted, without, usage_location))

    async def remove_license(self, user: Any, sku: Any) -> Item:
        """The user."""
        return item(await self._once("remove_license", self._remove, key_of(user, "user"), _named(sku)))

    async def _assign(self, user: str, sku: str, disabled_plans: list[str], usage_location: str | None) -> Item:
        license = {"skuId": await self._sku_id(sku), "disabledPlans": disabled_plans}
        if usage_location is not None:
            await self._patch(path_of("users", user), {"usageLocation": usage_location})
        return await self._change(user, {"addLicenses": [license], "removeLicenses": []}, idempotent=True)

    async def _remove(self, user: str, sku: str) -> Item:
        return await self._change(user, {"addLicenses": [], "removeLicenses": [await self._sku_id(sku)]})

    async def _change(self, user: str, body: dict[str, Any], **extensions: Any) -> Item:
        try:
            return item({"id": user, **await self._post(f"{path_of('users', user)}/assignLicense", body, **extensions)})
        except IntegrationError as error:
            if "usage location" in error.message:
                error.details["hint"] = _HINT
            raise

    async def _sku_id(self, given: str) -> str:
        if _is_id(given):
            return given
        skus = {str(each["skuPartNumber"]): str(each["skuId"]) for each in await self.get_subscribed_skus()}
        for part_number, sku_id in skus.items():
            if part_number.lower() == given.lower():
                return sku_id
        raise self._none("subscription", given, list(skus))


def _named(sku: Any) -> str:
    return key_of(sku.get("skuId") if isinstance(sku, Mapping) else sku, "sku")


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False
