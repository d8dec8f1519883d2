"""Services that wait for an outside system: on the loop, never in the few threads that the platform's database has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from integrations import databases
from integrations.databases import Identity, Target

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

Outside = Callable[["Run", str, Mapping[str, Any]], Awaitable[Any]]

_own: list[Identity] = []  # of this process's database, once it was asked


async def database(run: Run, key: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A transaction on the database whose address is a secret of the run's organization."""
    if not _own:
        _own.append(await run.engine.in_database_thread(databases.platform_identity))
    return await databases.transact(
        Target(data["secret"], await run.secret(data["secret"]), _own[0]),
        data["operations"],
        once=key if data["exactlyOnce"] else None,
        most_bytes=run.engine.limits.max_value_bytes,
    )


OUTSIDE: Mapping[str, Outside] = {"database": database}
