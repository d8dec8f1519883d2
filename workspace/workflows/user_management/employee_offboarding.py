"""Somebody leaves: a person says yes, then access ends at once and the rest follows."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow


@workflow(
    name="employee_offboarding",
    category="user_management",
    execution_mode="async",
    timeout_seconds=600,
    tags=["m365", "halopsa", "approval"],
)
@param("user", "string", "Who leaves", required=True, data_provider="get_users")
@param("manager", "email", "Who takes over", required=True)
@param("reason", "string", "For the record", default_value="")
async def employee_offboarding(context: OrganizationContext, user: str, manager: str, reason: str) -> dict[str, Any]:
    """Block an account, take its licenses back and tell the desk, once somebody has approved it."""
    graph, halo = context.get_integration("msgraph"), context.get_integration("halopsa")
    leaving = await context.step("look up", _found, graph, user)
    decision = await context.wait_for_approval(
        f"Block the account of {leaving['name']}?", message=reason or "No reason was given.", timeout=7 * 86_400
    )
    if not decision.approved:
        context.log("info", "Nobody is locked out: it was not approved", {"comment": decision.comment})
        return {"user_id": leaving["id"], "blocked": False, "comment": decision.comment}
    await context.step("block sign-in", graph.disable_user, leaving["id"])
    returned = await context.map(
        lambda sku: graph.remove_license(leaving["id"], sku), leaving["licenses"], concurrency=3, on_error="collect"
    )
    ticket = await context.step(
        "open ticket",
        lambda: halo.create_ticket(
            client_id=context.get_config("halopsa_client_id"),
            title=f"{leaving['name']} has left",
            description=f"Give {manager} the mailbox and files of {leaving['name']}; collect the devices.",
        ),
    )
    return {
        "user_id": leaving["id"],
        "blocked": True,
        "licenses_returned": len(returned.results),
        "ticket_id": ticket["id"],
        "approved_by": decision.decided_by.email,
    }


async def _found(graph: Any, user: str) -> dict[str, Any]:
    """Who it is, with the licenses to take back. Raises ValidationError for somebody who is not there."""
    found = await graph.get_user(user)
    if found is None:
        raise ValidationError("There is no such user", field="user", details={"user": user})
    licenses = await graph.get_user_licenses(found["id"])
    return {"id": found["id"], "name": found["displayName"], "licenses": [each["skuId"] for each in licenses]}
