"""What the portal is measured with: a form whose second field depends on its first."""

from bifrost import OrganizationContext, data_provider, param, workflow


@data_provider(name="places", description="Fifty places", cache_ttl_seconds=3600)
async def places(context: OrganizationContext) -> list[dict]:
    return [{"value": f"place-{number}", "label": f"Place {number}"} for number in range(50)]


@data_provider(name="desks", description="The desks of a place", cache_ttl_seconds=0)
async def desks(context: OrganizationContext, place: str) -> list[dict]:
    return [{"value": f"{place}-{number}", "label": f"Desk {number}"} for number in range(50)]


@workflow(name="book_desk", description="Books a desk")
@param("place", "string", "Place", required=True, data_provider="places")
@param("desk", "string", "Desk", required=True, data_provider="desks")
async def book_desk(context: OrganizationContext, place: str, desk: str) -> dict:
    context.log("info", "Booked")
    return {"place": place, "desk": desk}
