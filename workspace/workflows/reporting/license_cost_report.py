"""What a customer pays for licenses that nobody uses."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, param, workflow
from workspace.workflows.reporting.licenses import seats


@workflow(name="license_cost_report", category="reporting", tags=["licenses"])
@param("licenses", "list", "Rows with product, bought and assigned", required=True)
async def license_cost_report(context: OrganizationContext, licenses: list[Any]) -> dict[str, Any]:
    """Find unused licenses and what they cost, with the prices from the config `license_prices`."""
    prices = context.get_config("license_prices", {})
    if not prices:
        context.log("warning", "No prices are configured: costs are zero", {"config_key": "license_prices"})
    rows = seats(licenses, prices)
    return {
        "currency": context.get_config("currency", "EUR"),
        "products": rows,
        "unused_seats": sum(row["unused"] for row in rows),
        "unused_cost": round(sum(row["unused_cost"] for row in rows), 2),
        "over_assigned": [row["product"] for row in rows if row["over_assigned"]],
    }
