"""What the benchmark runs to measure steps, resumed runs and suspended ones."""

import time

from bifrost import OrganizationContext, step, workflow


@step
async def trivial_step(number: int) -> int:
    return number


@workflow(name="steps", description="Does steps, and says from when to when", execution_mode="async")
async def steps(context: OrganizationContext, count: int) -> list:
    began = time.time()
    for number in range(count):
        await trivial_step(number)
    return [began, time.time()]


@workflow(
    name="resumes", description="Does steps, then waits for a signal", execution_mode="async", timeout_seconds=600
)
async def resumes(context: OrganizationContext, count: int) -> dict:
    for number in range(count):
        await trivial_step(number)
    return {"body": await context.wait_for_signal("go")}


@workflow(
    name="resumes_parallel",
    description="Does steps, ten at a time, then waits for a signal",
    execution_mode="async",
    timeout_seconds=600,
)
async def resumes_parallel(context: OrganizationContext, count: int) -> dict:
    await context.map(trivial_step, range(count), concurrency=10)
    return {"body": await context.wait_for_signal("go")}


@workflow(name="suspends", description="Waits for a signal", execution_mode="async")
async def suspends(context: OrganizationContext, message: str) -> dict:
    return {"message": message, "body": await context.wait_for_signal("go")}
