"""A scheduled workflow: it takes no input and reads what it needs from the organization's configs."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, workflow
from workspace.workflows.reporting.licenses import seats


@workflow(
    name="daily_license_check",
    description="Warn of licenses that nobody uses, every weekday at nine",
    category="automation",
    execution_mode="scheduled",
    schedule="0 9 * * 1-5",
    expose_in_forms=False,
    timeout_seconds=600,
    tags=["licenses"],
)
async def daily_license_check(context: OrganizationContext) -> dict[str, Any]:
    """Compare the configs `licenses` and `license_prices` and log every product with unused seats."""
    rows = seats(context.get_config("licenses", []), context.get_config("license_prices", {}))
    unused = [row for row in rows if row["unused"]]
    for row in unused:
        context.log("warning", f"{row['unused']} seats of {row['product']} are unused", row)
    return {"products": len(rows), "unused_licenses": unused}
