"""Whom a run is for and who started it: the first thing to look at in a new installation."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, workflow


@workflow(name="organization_summary", category="examples", tags=["organization"])
async def organization_summary(context: OrganizationContext) -> dict[str, Any]:
    """Say which organization this run is for, who started it and what is configured."""
    settings = ("default_office_location", "departments", "password_max_age_days")
    configured = {key: context.has_config(key) for key in settings}
    context.log("info", f"Running for {context.org_name}", {"configured": configured})
    return {
        "organization": {"id": context.org_id, "name": context.org_name, "tenant_id": context.tenant_id},
        "started_by": {"id": context.caller.user_id, "name": context.caller.name, "email": context.caller.email},
        "office_location": context.get_config("default_office_location", "Remote"),
        "configured": configured,
    }
