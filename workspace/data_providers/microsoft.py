"""Options that come from an organization's Microsoft 365."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, WorkflowException, data_provider


@data_provider(name="get_m365_licenses", description="Get available Microsoft 365 licenses", category="m365")
async def get_m365_licenses(context: OrganizationContext) -> list[dict[str, Any]]:
    """The subscriptions of which something is left."""
    try:
        skus = await context.get_integration("msgraph").get_subscribed_skus()
    except WorkflowException as error:
        context.log("error", "Failed to get M365 licenses", {"error": str(error)})
        return []
    options = []
    for sku in skus:
        available = sku.prepaid_units.enabled - sku.consumed_units
        if available > 0:
            label = f"{sku.sku_part_number} ({available} available)"
            metadata = {"available": available, "price": sku.prepaid_units.enabled}
            options.append({"label": label, "value": sku.sku_id, "metadata": metadata})
    return options


@data_provider(name="get_users", description="Get list of users for selection", category="organization")
async def get_users(context: OrganizationContext) -> list[dict[str, Any]]:
    """The people who can sign in."""
    try:
        users = await context.get_integration("msgraph").get_users(filter="accountEnabled eq true")
    except WorkflowException as error:
        context.log("error", "Failed to get users", {"error": str(error)})
        return []
    return [
        {
            "label": f"{user['displayName']} ({user['userPrincipalName']})",
            "value": user["id"],
            "metadata": {"email": user["userPrincipalName"], "department": user.get("department") or "Unknown"},
        }
        for user in users
    ]


@data_provider(name="get_groups", description="Get list of groups for selection", category="m365")
async def get_groups(context: OrganizationContext) -> list[dict[str, Any]]:
    """All groups, by name; mail-enabled ones say so."""
    try:
        groups = await context.get_integration("msgraph").get_groups(
            select=["id", "display_name", "description", "mail_enabled"]
        )
    except WorkflowException as error:
        context.log("error", "Failed to get groups", {"error": str(error)})
        return []
    options = [
        {
            "label": group["displayName"],
            "value": group["id"],
            "metadata": {"description": group["description"], "mail_enabled": group["mailEnabled"]},
        }
        for group in groups
    ]
    return sorted(options, key=lambda option: option["label"].casefold())
