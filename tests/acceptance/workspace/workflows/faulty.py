"""Workflows that workers run while things go wrong.

Each leaves a line in a file by its execution's id, in a directory `room`, when it begins and when it ends: so a test
counts what was done, whatever the record says.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from bifrost import OrganizationContext, RetryPolicy, workflow


def leave_a_line(room: str, execution_id: str, word: str) -> None:
    with (Path(room) / execution_id).open("a") as file:
        file.write(f"{word} {time.time()} {os.getpid()}\n")


def die_if_asked(room: str, moment: str) -> None:
    """Whoever takes the file away ends its process."""
    try:
        (Path(room) / f"die {moment}").unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


async def work(context: OrganizationContext, room: str, seconds: float) -> str:
    """Takes so many seconds; negative: until there is a file `open`."""
    leave_a_line(room, context.execution_id, "begin")
    try:
        context.log("info", "begun")
        die_if_asked(room, "inside")
        if seconds >= 0:
            await asyncio.sleep(seconds)
        while seconds < 0 and not (Path(room) / "open").exists():
            await asyncio.sleep(0.1)
        context.log("info", "done")
        return "done"
    finally:
        leave_a_line(room, context.execution_id, "end")
        die_if_asked(room, "at the end")


@workflow(name="once", execution_mode="async")
async def once(context: OrganizationContext, room: str, seconds: float = 0.0) -> str:
    """One that must not run twice."""
    return await work(context, room, seconds)


@workflow(name="again", execution_mode="async", retry_policy=RetryPolicy(max_attempts=2))
async def again(context: OrganizationContext, room: str, seconds: float = 0.0) -> str:
    """One that may."""
    return await work(context, room, seconds)


@workflow(
    name="never_well",
    execution_mode="async",
    retry_policy=RetryPolicy(max_attempts=100_000, backoff_multiplier=1, initial_interval_seconds=0.02),
)
async def never_well(context: OrganizationContext) -> None:
    """Fails and waits for its next attempt, over and over."""
    await asyncio.sleep(0.01)
    raise RuntimeError("not yet")


@workflow(name="two_seconds_at_most", execution_mode="async", timeout_seconds=2)
async def two_seconds_at_most(context: OrganizationContext) -> None:
    await asyncio.Event().wait()


@workflow(name="sleep_without_await", execution_mode="async")
async def sleep_without_await(context: OrganizationContext, room: str) -> None:
    leave_a_line(room, context.execution_id, "begin")
    time.sleep(600)


@workflow(name="backtrack", execution_mode="async")
async def backtrack(context: OrganizationContext, room: str) -> bool:
    """Takes longer than anybody waits, and holds the interpreter meanwhile."""
    leave_a_line(room, context.execution_id, "begin")
    return re.match(r"(a+)+$", "a" * 60 + "b") is not None


@workflow(name="say", execution_mode="async")
async def say(context: OrganizationContext, what: str) -> Any:
    """Logs and returns a value that no database takes, or a good one."""
    value = {"nul": "a\0b", "nan": float("nan"), "surrogate": "\ud800", "good": "good"}[what]
    context.log("info", "said", {"value": value})
    context.log("info", f"in words: {value}")
    context.set_variable("said", value)
    context.save_checkpoint("said", {"value": value})
    await asyncio.sleep(0)
    return value


@workflow(name="after_approval", execution_mode="async", requires_approval=True)
async def after_approval(context: OrganizationContext, room: str) -> str:
    return await work(context, room, 0)


@workflow(name="on_call", execution_mode="async", webhook_enabled=True, webhook_secret_required=False)
async def on_call(context: OrganizationContext, room: str) -> str:
    return await work(context, room, 0)


@workflow(name="each_minute", execution_mode="scheduled", schedule="* * * * *")
async def each_minute(context: OrganizationContext) -> str:
    return "done"
