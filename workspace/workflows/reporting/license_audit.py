"""Every Monday: which licenses are paid for and not used."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, workflow
from workspace.workflows.reporting.licenses import seats


@workflow(
    name="license_audit",
    category="reporting",
    execution_mode="scheduled",
    schedule="0 6 * * 1",
    tags=["m365", "licenses"],
)
async def license_audit(context: OrganizationContext) -> dict[str, Any]:
    """List bought, assigned and unused Microsoft 365 licenses, with the prices of the config `license_prices`, and open
    a ticket where more is unused than the config `license_waste_limit` (0) allows.
    """
    skus = await context.get_integration("msgraph").get_subscribed_skus()
    rows = [
        {"product": sku["skuPartNumber"], "bought": sku["prepaidUnits"]["enabled"], "assigned": sku["consumedUnits"]}
        for sku in skus
    ]
    products = seats(rows, context.get_config("license_prices", {}))
    cost = round(sum(row["unused_cost"] for row in products), 2)
    context.log("info", "Licenses are counted", {"products": len(products), "unused_cost": cost})
    ticket_id = None
    if cost > context.get_config("license_waste_limit", 0):
        ticket = await context.get_integration("halopsa").create_ticket(
            client_id=context.get_config("halopsa_client_id"),
            title=f"Unused licenses cost {cost:.2f} a month",
            description="\n".join(f"{row['product']}: {row['unused']} unused" for row in products if row["unused"]),
        )
        ticket_id = ticket["id"]
    return {"products": products, "unused_cost": cost, "ticket_id": ticket_id}
