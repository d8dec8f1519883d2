"""Groups of the tenant and who is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bifrost.sdk.errors import IntegrationError
from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import key_of, nickname_of, path_of, properties
from integrations.msgraph.queries import Filter, Query
from integrations.msgraph.results import Collection, Item, item

_IS_MEMBER = "added object references already exist"


class Groups(AsksGraph):
    """`group` is an id, or a group as Graph answered with it."""

    async def get_groups(
        self,
        filter: Filter | None = None,
        select: str | Iterable[str] | None = None,
        search: str | None = None,
        top: int | None = None,
        order_by: str | None = None,
    ) -> Collection:
        return await self._list("/groups", Query(filter, select, search, order_by, top))

    async def get_group(self, group: Any) -> Item | None:
        """None where there is none."""
        return await self._found(path_of("groups", key_of(group, "group")))

    async def get_group_by_name(self, name: str) -> str:
        """The id of the group of this display name. IntegrationError where there is none, or more than one."""
        found = await self.get_groups(filter={"displayName": name}, select="id", top=2)
        if not found:
            raise self._none("group", name)
        if len(found) > 1:
            raise IntegrationError(
                f'msgraph: more than one group is called "{name}"',
                integration="msgraph",
                status_code=409,
                details={"hint": "Name the group by its id."},
            )
        return str(found[0]["id"])

    async def get_group_members(
        self, group: Any, select: str | Iterable[str] | None = None, top: int | None = None
    ) -> Collection:
        """Users, devices and other groups; `@odata.type` says which is which."""
        return await self._list(f"{path_of('groups', key_of(group, 'group'))}/members", Query(select=select, top=top))

    async def get_user_groups(self, user: Any, top: int | None = None) -> Collection:
        """The groups that a user is a direct member of."""
        path = f"{path_of('users', key_of(user, 'user'))}/memberOf/microsoft.graph.group"
        return await self._list(path, Query(top=top, advanced=True))

    async def add_user_to_group(self, user: Any, group: Any) -> None:
        """Afterwards the user is a member; it is no error that it was one before."""
        await self._once("add_user_to_group", self._add_member, key_of(user, "user"), key_of(group, "group"))

    async def _add_member(self, user: str, group: str) -> None:
        reference = self._reference(await self._user_id(user))
        try:
            await self._post(f"{path_of('groups', group)}/members/$ref", reference, idempotent=True)
        except IntegrationError as error:
            if error.status_code != 400 or _IS_MEMBER not in error.message:
                raise

    async def remove_user_from_group(self, user: Any, group: Any) -> None:
        await self._once("remove_user_from_group", self._remove_member, key_of(user, "user"), key_of(group, "group"))

    async def _remove_member(self, user: str, group: str) -> None:
        member = path_of("members", await self._user_id(user))
        await self._delete(f"{path_of('groups', group)}{member}/$ref")

    async def create_group(
        self, name: str, description: str | None = None, *, mail_enabled: bool = False, **extra: Any
    ) -> Item:
        """A security group; with `mail_enabled` a Microsoft 365 group, which has a mailbox."""
        body = {
            "displayName": name,
            "description": description,
            "mailEnabled": mail_enabled,
            "mailNickname": nickname_of(name) or "group",
            "securityEnabled": not mail_enabled,
            "groupTypes": ["Unified"] if mail_enabled else None,
            **properties(extra),
        }
        given = {key: value for key, value in body.items() if value is not None}
        return item({**given, **await self._post("/groups", given)})
