"""Tells the audit log of steps that ask for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bifrost.sdk.auditing import step_event
from bifrost.sdk.steps import StepCall
from workflows_app.engine.operations import Operation
from workflows_app.engine.platform import Asking, perform
from workflows_app.engine.protection import ask

if TYPE_CHECKING:
    from workflows_app.engine.run import Run


async def audit_step(run: Run, operation: Operation, call: StepCall) -> None:
    """Writes the event of a step that has just succeeded, before the journal says so: a run that is lost in between
    does the step once more and finds the event written. Waits for the database."""
    key = operation.key
    asking = Asking(run.facts, f"step:{key.path}:{key.name}:{key.number}", run.clean)
    await ask(run, partial(perform, "audit", asking, step_event(call)))
