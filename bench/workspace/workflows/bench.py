"""What the benchmark runs."""

import asyncio

from bifrost import OrganizationContext, workflow


@workflow(name="trivial", description="Does nothing")
async def trivial(context: OrganizationContext, message: str) -> dict:
    return {"message": message}


@workflow(name="ten_logs", description="Logs ten lines")
async def ten_logs(context: OrganizationContext, message: str) -> dict:
    for number in range(10):
        context.log("info", "A line", {"number": number})
    return {"message": message}


@workflow(name="background", description="Does nothing, in the background", execution_mode="async")
async def background(context: OrganizationContext, message: str) -> dict:
    return {"message": message}


@workflow(name="one_second", description="Waits for a second", execution_mode="async")
async def one_second(context: OrganizationContext, message: str) -> dict:
    await asyncio.sleep(1)
    return {"message": message}


@workflow(
    name="at_midnight", description="Does nothing, by a schedule", execution_mode="scheduled", schedule="0 0 * * *"
)
async def at_midnight(context: OrganizationContext) -> None:
    return None
