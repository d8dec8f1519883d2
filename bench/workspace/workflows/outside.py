"""What the benchmark runs to measure calls of outside services."""

import time

import httpx

from bifrost import OrganizationContext, workflow


@workflow(name="audit", description="Asks a service several times", execution_mode="async")
async def audit(context: OrganizationContext, url: str, calls: int, milliseconds: int) -> dict:
    service = context.http("audited", base_url=url)
    answers = [(await service.get(f"/{milliseconds}/users")).json()["users"] for _ in range(calls)]
    return {"users": sum(answers)}


@workflow(name="tracked", description="Seconds of a call, bare and tracked", execution_mode="async")
async def tracked(context: OrganizationContext, url: str, calls: int) -> list:
    async with httpx.AsyncClient(base_url=url) as bare:
        return [await each(bare, calls), await each(context.http("audited", base_url=url), calls)]


async def each(client, calls: int) -> float:
    await client.get("/0/users")
    began = time.perf_counter()
    for _ in range(calls):
        await client.get("/0/users")
    return (time.perf_counter() - began) / calls
