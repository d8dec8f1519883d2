"""Workflows that wait until a test lets them go on. A gate is a directory: each run that has come to it leaves a file
there by its execution's id, and goes on once there is a file `open`."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from bifrost import OrganizationContext, workflow


@workflow(name="echo", requires_org=False)
async def echo(context: OrganizationContext, message: str = "") -> dict[str, Any]:
    context.save_checkpoint("heard", {"message": message})
    return {"message": message, "org": context.org_id}


@workflow(name="wait_at_gate", timeout_seconds=30)
async def wait_at_gate(context: OrganizationContext, gate: str) -> str:
    """Says so in its log when it is before and behind the gate."""
    context.log("info", "before the gate")
    (Path(gate) / context.execution_id).touch()
    while not (Path(gate) / "open").exists():
        await asyncio.sleep(0.02)
    context.log("info", "behind the gate")
    return "passed"


@workflow(name="block_at_gate")
async def block_at_gate(context: OrganizationContext, gate: str) -> str:
    """Waits in the way that it must not: without an await, so that nothing else runs in its process."""
    (Path(gate) / context.execution_id).touch()
    while not (Path(gate) / "open").exists():
        time.sleep(0.02)
    return "passed"


@workflow(name="parent_of_waiting")
async def parent_of_waiting(context: OrganizationContext, gate: str) -> Any:
    return await context.execute_workflow("wait_at_gate", {"gate": gate})
