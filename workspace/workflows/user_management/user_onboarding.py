"""Onboards a new colleague of the customer in Microsoft 365."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, param, workflow


@workflow(
    name="user_onboarding",
    description="Create a user and add it to its department's group",
    category="user_management",
    execution_mode="sync",
    timeout_seconds=30,
    tags=["m365", "user"],
)
@param("email", "email", "Address of the new user", required=True)
@param("first_name", "string", "First name", required=True, validation={"min_length": 1, "max_length": 64})
@param("last_name", "string", "Last name", default_value="", validation={"max_length": 64})
@param("department", "string", "Department", data_provider="get_departments")
async def onboard_user(
    context: OrganizationContext,
    email: str,
    first_name: str,
    last_name: str = "",
    department: str | None = None,
) -> dict[str, Any]:
    """Create the user; with a department, add it to the group `<department>-Users` too."""
    context.save_checkpoint("create_user_start", {"email": email})
    graph = context.get_integration("msgraph")
    user = await graph.create_user(email=email, first_name=first_name, last_name=last_name)
    context.set_variable("user_id", user["id"])
    context.save_checkpoint("user_created", {"user_id": user["id"]})

    group_id = None
    if department:
        context.log("info", f"Assigning to department: {department}")
        group_id = await graph.get_group_by_name(f"{department}-Users")
        await graph.add_user_to_group(user["id"], group_id)
        context.save_checkpoint("group_assigned", {"group_id": group_id})
    return {"success": True, "user_id": user["id"], "group_id": group_id}
