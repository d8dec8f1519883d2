"""What HaloPSA tells of a ticket: requests that name a workflow are started, all else is acknowledged."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, param, workflow

#: Which kind of request starts which workflow; the config `ticket_workflows` says otherwise.
WORKFLOWS = {"New starter": "employee_onboarding", "Leaver": "employee_offboarding"}


@workflow(
    name="ticket_webhook",
    category="automation",
    execution_mode="async",
    webhook_enabled=True,
    expose_in_forms=False,
    tags=["halopsa", "webhook"],
)
@param("ticket_id", "int", "The ticket", required=True)
@param("kind", "string", "What is asked for", required=True)
@param("fields", "json", "What the requester filled in", default_value={})
async def ticket_webhook(
    context: OrganizationContext, ticket_id: int, kind: str, fields: dict[str, Any]
) -> dict[str, Any]:
    """Start what a ticket asks for and note on the ticket what came of it."""
    halo = context.get_integration("halopsa")
    name = context.get_config("ticket_workflows", WORKFLOWS).get(kind)
    if name is None:
        context.log("info", f"Nothing is automated for {kind}", {"ticket_id": ticket_id})
        return {"ticket_id": ticket_id, "started": None}
    handle = await context.start_workflow(name, fields, parent_close="abandon")
    await halo.add_ticket_action(ticket_id, f"Started {name}: {handle.execution_id}")
    return {"ticket_id": ticket_id, "started": name, "execution_id": handle.execution_id}
