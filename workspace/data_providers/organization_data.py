"""Options that come from an organization's own configuration."""

from __future__ import annotations

from bifrost import OrganizationContext, data_provider


@data_provider(
    name="get_departments",
    description="Get list of departments for the organization",
    category="organization",
    cache_ttl_seconds=300,
)
async def get_departments(context: OrganizationContext) -> list[dict[str, str]]:
    """The departments of the config `departments`, a comma-separated list; usual ones where it is not set."""
    configured = context.get_config("departments", "")
    if configured:
        departments = [name.strip() for name in configured.split(",") if name.strip()]
    else:
        departments = ["IT", "HR", "Finance", "Sales", "Marketing"]
    return [{"label": name, "value": name.lower().replace(" ", "_")} for name in departments]
