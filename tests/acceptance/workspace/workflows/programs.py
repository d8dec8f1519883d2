"""A workflow that does what a program says, so that tests can generate workflows.

A program is a list of parts, done one after the other; "all" does several such lists at the same time. Each step leaves
a line in a file. Where there is a file `<name>.die`, the step of that name ends its process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

from bifrost import IntegrationError, OrganizationContext, step, step_info, workflow


def leave(file: str, word: str) -> None:
    with open(file, "a") as lines:
        lines.write(word + "\n")
    if os.path.exists(f"{file}.{word}.die"):
        os.unlink(f"{file}.{word}.die")
        os.kill(os.getpid(), signal.SIGKILL)


@step(retry_policy={"max_attempts": 2, "initial_interval_seconds": 0.01})
async def work(file: str, name: str, fails: str) -> str:
    leave(file, name)
    await asyncio.sleep(0.001 * (len(name) + ord(name[-1]) % 5))
    if fails == "always" or (fails == "once" and step_info().attempt == 1):
        raise IntegrationError("away: " + name)
    return name.upper()


async def undo(file: str, result: str) -> None:
    leave(file, "undo-" + result)


async def saga(context: OrganizationContext, file: str, fails: bool, names: list[str]) -> str:
    try:
        async with context.saga() as parts:
            for name in names:
                await parts.step(work, file, name, "never", compensate=partial(undo, file))
                await context.sleep(0.01)
            if fails:
                raise IntegrationError("the saga fails")
    except IntegrationError:
        return "undone"
    return "done"


async def interpret(context: OrganizationContext, file: str, program: list[Any]) -> list[Any]:
    results: list[Any] = []
    for part in program:
        match part:
            case ["step", name, fails]:
                try:
                    results.append(await work(file, name, fails))
                except IntegrationError as error:
                    results.append(str(error))
            case ["sleep", seconds]:
                await context.sleep(seconds)
            case ["signal", name]:
                results.append(await context.wait_for_signal(name))
            case ["pause"]:
                await asyncio.sleep(0.01)
            case ["first", name]:
                first = await context.first(got=context.wait_for_signal(name), over=context.sleep(30))
                results.append([first.key, first.value])
            case ["saga", fails, *names]:
                results.append(await saga(context, file, fails, names))
            case ["all", *programs]:
                results.append(await asyncio.gather(*(interpret(context, file, each) for each in programs)))
        context.log("info", "done", json.dumps(part))
    return results


@workflow(execution_mode="async", timeout_seconds=60, retry_policy={"max_attempts": 2})
async def program_of_parts(context: OrganizationContext, file: str, program: list[Any]) -> dict[str, Any]:
    """Does what the program says."""
    Path(file).touch()
    result = await interpret(context, file, program)
    return {"result": result, "now": context.now().isoformat() != ""}
