"""Options that come from HaloPSA."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, WorkflowException, data_provider


@data_provider(
    name="get_halo_clients",
    description="Get the clients in HaloPSA",
    category="halopsa",
    cache_ttl_seconds=300,
)
async def get_halo_clients(context: OrganizationContext) -> list[dict[str, Any]]:
    """The active clients by name; none, and an error at the field, where HaloPSA cannot be asked."""
    try:
        clients = await context.get_integration("halopsa").get_clients()
    except WorkflowException as error:
        context.log("error", "Failed to get the clients from HaloPSA", {"error": str(error)})
        return []
    return [
        {
            "label": client["name"],
            "value": str(client["id"]),  # as a parameter of the type string takes it
            "metadata": {"toplevel": client.get("toplevel_name"), "site": client.get("main_site_name")},
        }
        for client in sorted(clients, key=lambda client: str(client["name"]).casefold())
        if not client.get("inactive")
    ]
