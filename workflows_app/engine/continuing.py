"""How a run ends in order to go on anew: `context.continue_as_new` (engine.md, section 6).

The successor is checked before the code is left, so that a bad parameter is an error of the code that gave it. It is
created in the transaction that ends the run (`statements.continue_as_new`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from bifrost.sdk.documents import exact
from bifrost.sdk.errors import ContinueAsNew, WorkflowException
from workflows_app import catalog
from workflows_app.engine.protection import ask
from workflows_app.engine.start import Prepared, Request, prepare
from workflows_app.errors import PlatformUnavailable, Refused
from workflows_app.models import Status

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

VAULT_SECONDS = 1.0


async def continue_as_new(run: Run, parameters: dict[str, Any]) -> NoReturn:
    """Leaves the code, so that the run ends and its successor begins with these parameters.

    Raises what a start of the workflow with them would raise; the run then goes on.
    """
    given = exact(parameters, "parameters")
    run.successor = await _prepared(run, given)
    raise ContinueAsNew(given)


def goes_on(error: BaseException | None) -> bool:
    """Whether this is how `continue_as_new` leaves the code. From several tasks at once it comes as a group."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(ContinueAsNew)[1] is None
    return isinstance(error, ContinueAsNew)


async def _prepared(run: Run, parameters: dict[str, Any]) -> Prepared:
    while True:
        try:
            return await ask(run, partial(_checked, run, parameters))
        except PlatformUnavailable:
            await asyncio.sleep(VAULT_SECONDS)
        except Refused as refused:
            raise WorkflowException(refused.message, error_type=refused.error, details=refused.details) from refused


def _checked(run: Run, parameters: dict[str, Any]) -> Prepared:
    """It was approved when the first one was, and runs the newest code unless it is bound to another."""
    facts = run.facts
    pinned = facts.loaded.code_version if facts.trigger.get("pinned") else None
    prepared = prepare(
        Request(
            organization=facts.organization,
            workflow=facts.loaded.spec.name,
            parameters=parameters,
            actor=facts.actor,
            trigger=facts.trigger,
            parent=facts.parent,
            depth=facts.depth,
            code_version=pinned,
            giver=facts.id,
        )
    )
    catalog.store_sources(prepared.facts.loaded)
    return replace(prepared, status=Status.QUEUED)
