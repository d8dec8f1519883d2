"""Somebody new: account, license, groups and a ticket, or nothing of it."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, param, workflow


@workflow(
    name="employee_onboarding",
    category="user_management",
    execution_mode="async",
    timeout_seconds=600,
    tags=["m365", "halopsa", "saga"],
)
@param("email", "email", "Address of the new colleague", required=True)
@param("name", "string", "Full name", required=True, validation={"min_length": 1, "max_length": 100})
@param("department", "string", "Department", data_provider="get_departments")
@param("license", "string", "License to assign", data_provider="get_m365_licenses")
@param("groups", "list", "Names of groups to join", default_value=[])
async def employee_onboarding(
    context: OrganizationContext,
    email: str,
    name: str,
    department: str | None,
    license: str | None,
    groups: list[str],
) -> dict[str, Any]:
    """Set up a new colleague in Microsoft 365 and open a ticket. What fails undoes what was done before."""
    graph, halo = context.get_integration("msgraph"), context.get_integration("halopsa")
    async with context.saga("onboarding") as saga:
        user = await saga.step(
            "create account",
            lambda: graph.create_user(email, name, department, usageLocation=context.get_config("country", "US")),
            compensate=lambda made: graph.delete_user(made["id"]),
        )
        context.progress(1, 3, "The account is there")
        if license:
            await saga.step(
                "assign license",
                lambda: graph.assign_license(user["id"], license),
                compensate=lambda: graph.remove_license(user["id"], license),
            )
        for group in groups:
            await saga.step(
                f"join {group}",
                _join,
                graph,
                user["id"],
                group,
                compensate=lambda group_id: graph.remove_user_from_group(user["id"], group_id),
            )
        context.progress(2, 3, "License and groups are assigned")
        ticket = await saga.step(
            "open ticket",
            lambda: halo.create_ticket(
                client_id=context.get_config("halopsa_client_id"),
                title=f"Welcome {name}",
                description=f"Prepare device and workplace for {name} ({email}), {department or 'no department'}.",
            ),
            compensate=lambda made: halo.close_ticket(made["id"]),
        )
    context.progress(3, 3, "The desk knows")
    return {"user_id": user["id"], "email": email, "groups": groups, "ticket_id": ticket["id"]}


async def _join(graph: Any, user_id: str, group: str) -> str:
    """Adds the user and returns the group's id."""
    group_id: str = await graph.get_group_by_name(group)
    await graph.add_user_to_group(user_id, group_id)
    return group_id
