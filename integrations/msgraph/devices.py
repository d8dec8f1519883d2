"""Devices that Entra ID knows, those that Intune manages, and the organization itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import key_of, path_of
from integrations.msgraph.queries import LARGEST_PAGE, Filter, Query
from integrations.msgraph.results import Collection, Item


class Devices(AsksGraph):
    async def get_devices(
        self,
        filter: Filter | None = None,
        select: str | Iterable[str] | None = None,
        search: str | None = None,
        top: int | None = None,
    ) -> Collection:
        """Registered and joined devices."""
        return await self._list("/devices", Query(filter, select, search, top=top))

    async def get_managed_devices(
        self,
        filter: Filter | None = None,
        select: str | Iterable[str] | None = None,
        top: int | None = None,
        user: Any = None,
    ) -> Collection:
        """Devices in Intune, or those of one user. Needs a tenant with Intune."""
        path = "/deviceManagement/managedDevices"
        if user is not None:
            path = f"{path_of('users', key_of(user, 'user'))}/managedDevices"
        return await self._list(
            path, Query(filter, select, top=top, page=LARGEST_PAGE if top else None, advanced=False)
        )

    async def get_organization(self) -> Item:
        """The tenant: `display_name`, `verified_domains`, `assigned_plans`."""
        found = await self._list("/organization", Query(page=None))
        if not found:
            raise self._none("organization", "this")
        return found[0]
