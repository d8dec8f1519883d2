"""Workflows that do what no workflow should."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from bifrost import IntegrationError, OrganizationContext, WorkflowException, workflow


class Unheard(BaseException):
    """No Exception, so that `except Exception` lets it pass."""


async def leave() -> None:
    await asyncio.sleep(0)
    sys.exit(3)


@workflow(name="exit_in_a_child")
async def exit_in_a_child(context: OrganizationContext) -> None:
    await asyncio.gather(leave(), asyncio.Event().wait())


@workflow(name="exit_at_once")
def exit_at_once(context: Any) -> None:
    sys.exit("the reason")


@workflow(name="raise_base_exception")
async def raise_base_exception(context: OrganizationContext) -> None:
    raise Unheard("internal words")


@workflow(name="never_return", timeout_seconds=1)
async def never_return(context: OrganizationContext) -> None:
    """Not even when it is cancelled."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            context.log("info", "cancelled, and going on")


@workflow(name="wait_for_ever")
async def wait_for_ever(context: OrganizationContext) -> None:
    await asyncio.Event().wait()


@workflow(name="return_a_class")
async def return_a_class(context: OrganizationContext) -> Any:
    return {"users": [{"name": "Ada", "type": Unheard}]}


@workflow(name="fail_as_documented")
async def fail_as_documented(context: OrganizationContext, error: str) -> None:
    if error == "IntegrationError":
        raise IntegrationError("Failed to create user", integration="msgraph", status_code=400)
    if error == "OwnError":
        raise WorkflowException("It is raining", error_type="WeatherError", details={"millimetres": 7})
    raise ValueError(error)
