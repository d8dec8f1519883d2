"""Workflows that workers run."""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path

from bifrost import OrganizationContext, RetryPolicy, workflow


@workflow(name="background_echo", execution_mode="async")
async def background_echo(context: OrganizationContext, message: str = "") -> str:
    return message


async def pass_gate(context: OrganizationContext, gate: str) -> str:
    (Path(gate) / context.execution_id).touch()
    while not (Path(gate) / "open").exists():
        await asyncio.sleep(0.02)
    return "passed"


@workflow(name="background_gate", execution_mode="async", timeout_seconds=120)
async def background_gate(context: OrganizationContext, gate: str) -> str:
    return await pass_gate(context, gate)


@workflow(name="background_gate_again", execution_mode="async", retry_policy=RetryPolicy(max_attempts=2))
async def background_gate_again(context: OrganizationContext, gate: str) -> str:
    """One that may be run again after a loss."""
    return await pass_gate(context, gate)


@workflow(name="hold_interpreter", execution_mode="async")
async def hold_interpreter(context: OrganizationContext, gate: str) -> str:
    """As a backtracking regular expression does: no thread of the process gets to run."""
    (Path(gate) / context.execution_id).touch()
    ctypes.PyDLL(None).sleep(600)
    return "never"
