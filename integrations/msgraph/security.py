"""Who signed in, and what Microsoft's security products warn of."""

from __future__ import annotations

from datetime import date
from typing import Any

from integrations.msgraph.asking import AsksGraph
from integrations.msgraph.names import all_of, key_of, literal, moment
from integrations.msgraph.queries import LARGEST_PAGE, Filter, Query, filter_of
from integrations.msgraph.results import Collection


class Security(AsksGraph):
    async def get_sign_ins(
        self,
        since: date | str | None = None,
        user: Any = None,
        top: int | None = None,
        filter: Filter | None = None,
    ) -> Collection:
        """The newest first; Microsoft keeps them for 7 or 30 days. Needs a tenant with Entra ID P1 or P2."""
        conditions = all_of(_since(since), _of_user(user), filter_of(filter))
        return await self._list("/auditLogs/signIns", _query(conditions, top))

    async def get_security_alerts(
        self,
        since: date | str | None = None,
        severity: str | None = None,
        status: str | None = None,
        top: int | None = None,
        filter: Filter | None = None,
    ) -> Collection:
        """`severity`: informational, low, medium or high; `status`: new, inProgress or resolved."""
        conditions = all_of(
            _since(since),
            severity and f"severity eq {literal(severity)}",
            status and f"status eq {literal(status)}",
            filter_of(filter),
        )
        return await self._list("/security/alerts_v2", _query(conditions, top))


def _query(conditions: str | None, top: int | None) -> Query:
    """Logs have pages of their own size unless they are asked for fewer."""
    return Query(conditions, top=top, page=LARGEST_PAGE if top else None, advanced=False)


def _since(since: date | str | None) -> str | None:
    return f"createdDateTime ge {moment(since)}" if since else None


def _of_user(user: Any) -> str | None:
    if user is None:
        return None
    key = key_of(user, "user")
    # The log writes user principal names in small letters, and compares letter by letter.
    return f"userPrincipalName eq {literal(key.lower())}" if "@" in key else f"userId eq {literal(key)}"
