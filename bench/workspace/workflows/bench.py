"""What the benchmark runs."""

from bifrost import OrganizationContext, workflow


@workflow(name="trivial", description="Does nothing")
async def trivial(context: OrganizationContext, message: str) -> dict:
    return {"message": message}


@workflow(name="ten_logs", description="Logs ten lines")
async def ten_logs(context: OrganizationContext, message: str) -> dict:
    for number in range(10):
        context.log("info", "A line", {"number": number})
    return {"message": message}
