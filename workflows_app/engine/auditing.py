"""Tells the audit log of steps that ask for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from django.db.utils import InterfaceError, OperationalError

from bifrost.sdk.auditing import step_event
from bifrost.sdk.steps import StepCall
from workflows_app.engine.operations import Operation
from workflows_app.engine.platform import Asking, perform

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

AWAY_SECONDS = 1.0


async def audit_step(run: Run, operation: Operation, call: StepCall) -> None:
    """Writes the event of a step that has just succeeded, before the journal says so: a run that is lost in between
    does the step once more and finds the event written. Waits for the database."""
    key = operation.key
    asking = Asking(run.facts, f"step:{key.path}:{key.name}:{key.number}", run.clean)
    while True:
        with suppress(OperationalError, InterfaceError):
            await run.engine.in_database_thread(perform, "audit", asking, step_event(call))
            return
        await asyncio.sleep(AWAY_SECONDS)
