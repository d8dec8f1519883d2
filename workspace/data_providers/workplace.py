"""Options that need no outside service: teams of a department, and what the example's price list holds."""

from __future__ import annotations

from typing import Any

from workflows.examples.price_list import ITEMS, KINDS

from bifrost import OrganizationContext, data_provider

TEAMS = {
    "it": ["Service desk", "Infrastructure", "Security"],
    "hr": ["Recruiting", "Payroll"],
    "finance": ["Accounting", "Controlling"],
    "sales": ["Inside sales", "Key accounts"],
    "marketing": ["Brand", "Events"],
}


@data_provider(name="get_teams", description="Get the teams of a department", category="organization")
async def get_teams(context: OrganizationContext, department: str) -> list[dict[str, Any]]:
    """Those of the config `teams_<department>`, a comma-separated list; usual ones where it is not set."""
    configured = context.get_config(f"teams_{department}", "")
    names = [name.strip() for name in configured.split(",") if name.strip()] or TEAMS.get(department, ["General"])
    return [{"label": name, "value": name} for name in names]


@data_provider(name="get_equipment_kinds", description="Get the kinds of equipment", category="examples")
async def get_equipment_kinds(context: OrganizationContext) -> list[dict[str, Any]]:
    """All kinds of the price list."""
    return [{"label": label, "value": kind} for kind, label in KINDS.items()]


@data_provider(name="get_equipment", description="Get the equipment of a kind", category="examples")
async def get_equipment(context: OrganizationContext, kind: str) -> list[dict[str, Any]]:
    """The price list's items of the kind, cheapest first."""
    return [
        {"label": f"{item.name} ({item.price:,.0f} €)", "value": item.number, "metadata": {"price": item.price}}
        for item in sorted(ITEMS, key=lambda item: item.price)
        if item.kind == kind
    ]
