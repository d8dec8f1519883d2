"""The resilient pattern: what a failure leads to is declared by its type."""

from __future__ import annotations

from typing import Any

from bifrost import (
    DatabaseError,
    ExternalApiError,
    InvalidInput,
    OrganizationContext,
    TenantValidationFailed,
    param,
    step,
    workflow,
)

FAILURES = ["none", "database", "api", "tenant", "input", "unexpected"]


@step
async def main_logic(failure: str, attempt: int, well_from: int) -> str:
    """Fails as it is told, up to some attempt."""
    if attempt >= well_from:
        return f"done in attempt {attempt}"
    match failure:
        case "database":
            raise DatabaseError("deadlock detected")
        case "api":
            raise ExternalApiError("The service is away", "psa", 503)
        case "tenant":
            raise TenantValidationFailed("Not a tenant of this organization")
        case "input":
            raise InvalidInput("There is no such person", field="person")
        case "unexpected":
            raise RuntimeError("Nobody thought of that")
    return "done"


@workflow(
    name="resilient_workflow",
    category="patterns",
    tags=["patterns"],
    execution_mode="async",
    # DatabaseError and ExternalApiError are retried (after 1, 2 and 4 seconds unless retry_policy says otherwise),
    # TenantValidationFailed and InvalidInput escalated, all others compensated.
    recovery=True,
    retry_policy={"max_attempts": 4, "initial_interval_seconds": 0.05},
    compensation="undo_resilient_workflow",
)
@param("failure", "string", "How it fails", default_value="none", validation={"enum": FAILURES})
@param("well_from", "int", "The attempt in which it goes well", default_value=99)
async def resilient_workflow(context: OrganizationContext, failure: str, well_from: int) -> dict[str, Any]:
    """Do something that may fail, and recover by the type of the failure."""
    return {"result": await main_logic(failure, context.attempt, well_from)}


@workflow(name="undo_resilient_workflow", category="patterns", tags=["patterns"], execution_mode="async")
async def undo_resilient_workflow(
    context: OrganizationContext, original_input: dict[str, Any], failure_reason: str
) -> dict[str, Any]:
    """What has to be put right after a failure that nothing else helps against."""
    context.log("warning", "Undoing", {"reason": failure_reason})
    return {"undone": True, "of": original_input, "because": failure_reason}
