"""Services that wait for an outside system: on the loop, never in the few threads that the platform's database has."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from integrations import databases
from integrations.databases import Identity, Target
from workflows_app.engine.protection import ask
from workflows_app.metrics.noticing import database_step

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

Outside = Callable[["Run", str, Mapping[str, Any]], Awaitable[Any]]

_own: list[Identity] = []  # of this process's database, once it was asked


async def database(run: Run, key: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A transaction on the database whose address is a secret of the run's organization."""
    if not _own:
        _own.append(await ask(run, databases.platform_identity))
    target = Target(data["secret"], await run.secret(data["secret"]), _own[0])
    began = time.monotonic()
    try:
        return await databases.transact(
            target,
            data["operations"],
            once=key if data["exactlyOnce"] else None,
            most_bytes=run.engine.limits.max_value_bytes,
        )
    finally:
        database_step(len(data["operations"]), time.monotonic() - began)


OUTSIDE: Mapping[str, Outside] = {"database": database}
