"""Users of the tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import key_of, nickname_of, path_of, properties, property_name
from integrations.msgraph.passwords import new_password, profile_of
from integrations.msgraph.queries import Filter, Query
from integrations.msgraph.results import Collection, Item, item

#: What is told of a user unless something else is selected; Graph by itself leaves out half of it.
PROPERTIES = (
    "id,displayName,givenName,surname,userPrincipalName,mail,jobTitle,department,companyName,officeLocation,"
    "businessPhones,mobilePhone,accountEnabled,usageLocation,userType,employeeId,createdDateTime,"
    "onPremisesSyncEnabled,assignedLicenses"
)
_SEARCHED = ("displayName", "userPrincipalName", "mail")

Select = str | Iterable[str]


class Users(AsksGraph):
    """`user` is an id, a user principal name, or a user as Graph answered with it."""

    async def get_users(
        self,
        filter: Filter | None = None,
        select: Select | None = None,
        search: str | None = None,
        top: int | None = None,
        order_by: str | None = None,
    ) -> Collection:
        """All users, or those that the filter or search finds; see `queries.Query`."""
        return await self._list("/users", _query(filter, select, search, top, order_by))

    async def get_users_stream(
        self,
        filter: Filter | None = None,
        select: Select | None = None,
        search: str | None = None,
        top: int | None = None,
        order_by: str | None = None,
    ) -> AsyncIterator[Item]:
        """The same one by one, a page in memory at a time."""
        async for user in self._each("/users", _query(filter, select, search, top, order_by)):
            yield user

    async def get_user(self, user: Any, select: Select | None = None) -> Item | None:
        """None for an unknown person."""
        return await self._found(path_of("users", key_of(user, "user")), select=_selected(select))

    async def create_user(
        self,
        email: str,
        name: str | None = None,
        department: str | None = None,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        password: str | None = None,
        **extra: Any,
    ) -> Item:
        """The new user. Unless a password is given, one is made; it is "initial_password" of the result, and has to be
        changed at the first sign-in.

        `extra`: further properties (`job_title="Engineer"`). Where no usage location is given, it is the config
        `msgraph_usage_location`: without one, no license can be assigned.
        """
        key = key_of(email, "email")
        whole = " ".join(part for part in (first_name, last_name) if part)
        given = {
            "accountEnabled": True,
            "displayName": name or whole or key.partition("@")[0],
            "mailNickname": nickname_of(key),
            "userPrincipalName": key,
            "department": department,
            "givenName": first_name,
            "surname": last_name,
            "usageLocation": self.get_config("msgraph_usage_location"),
            **properties(extra),
        }
        body = {key: value for key, value in given.items() if value is not None}
        if password is None and "passwordProfile" not in body:
            return item(await self._once("create_user", self._create_with_new_password, body))
        shown = dict(body)
        profile = shown.pop("passwordProfile", None) or profile_of(password or "", change=True)
        return item({**shown, **await self._post("/users", {**shown, "passwordProfile": profile})})

    async def _create_with_new_password(self, body: Mapping[str, Any]) -> dict[str, Any]:
        password = new_password()
        made = await self._post("/users", {**body, "passwordProfile": profile_of(password, change=True)})
        return {**body, **made, "initial_password": password}

    async def update_user(self, user: Any, changes: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Sets properties, None removes one: `update_user(user, {"department": "IT"})`, `update_user(user,
        job_title="Engineer")`.
        """
        await self._patch(path_of("users", key_of(user, "user")), properties({**(changes or {}), **more}))

    async def disable_user(self, user: Any) -> None:
        """The account cannot sign in any more, and where it is signed in it is signed out."""
        await self.update_user(user, {"accountEnabled": False})
        await self.revoke_sessions(user)

    async def enable_user(self, user: Any) -> None:
        await self.update_user(user, {"accountEnabled": True})

    async def revoke_sessions(self, user: Any) -> None:
        """Signs the user out everywhere, within minutes."""
        path = f"{path_of('users', key_of(user, 'user'))}/revokeSignInSessions"
        await self._post(path, {}, idempotent=True)

    async def delete_user(self, user: Any) -> None:
        """Graph keeps a deleted user for 30 days, in which it can be restored."""
        await self._delete(path_of("users", key_of(user, "user")))

    async def reset_password(self, user: Any, password: str | None = None, *, change: bool = True) -> Item:
        """The user's id, and the "initial_password" where one was made. `change`: at the next sign-in."""
        key = key_of(user, "user")
        if password is None:
            return item(await self._once("reset_password", self._set_new_password, key, change))
        await self._patch(path_of("users", key), {"passwordProfile": profile_of(password, change=change)})
        return Item(id=key)

    async def _set_new_password(self, key: str, change: bool) -> dict[str, Any]:
        password = new_password()
        await self._patch(path_of("users", key), {"passwordProfile": profile_of(password, change=change)})
        return {"id": key, "initial_password": password}

    async def get_manager(self, user: Any, select: Select | None = None) -> Item | None:
        """None where the user has none."""
        path = f"{path_of('users', key_of(user, 'user'))}/manager"
        return await self._found(path, select=_selected(select))

    async def set_manager(self, user: Any, manager: Any) -> None:
        await self._once("set_manager", self._put_manager, key_of(user, "user"), key_of(manager, "manager"))

    async def _put_manager(self, user: str, manager: str) -> None:
        await self._put(f"{path_of('users', user)}/manager/$ref", self._reference(await self._user_id(manager)))


def _selected(select: Select | None) -> str:
    if not select:
        return PROPERTIES
    return property_name(select) if isinstance(select, str) else ",".join(map(property_name, select))


def _query(
    filter: Filter | None, select: Select | None, search: str | None, top: int | None, order_by: str | None
) -> Query:
    return Query(filter, _selected(select), search, order_by, top, searched=_SEARCHED)
