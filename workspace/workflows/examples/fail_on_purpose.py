"""Fails in each of the ways that callers have to handle."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

from bifrost import (
    ConfigurationError,
    IntegrationError,
    OrganizationContext,
    PermissionError,
    TimeoutError,
    ValidationError,
    WorkflowException,
    param,
    workflow,
)

KINDS = ["validation", "integration", "timeout", "configuration", "permission", "unexpected", "custom"]


class LicenseLimitReached(WorkflowException):
    """The customer's contract does not cover another license."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            message=f"The contract covers {limit} licenses",
            error_type="LicenseLimitReached",
            details={"limit": limit},
        )


@workflow(name="fail_on_purpose", category="examples", tags=["errors"], timeout_seconds=10)
@param("kind", "string", "How to fail", required=True, validation={"enum": KINDS})
async def fail_on_purpose(context: OrganizationContext, kind: str) -> NoReturn:
    """Fail in the chosen way, to see what a caller gets and what the record keeps."""
    context.log("warning", f"About to fail: {kind}")
    if kind == "timeout":
        await slow_operation()
    raise error_of(kind, context.caller.email)


async def slow_operation() -> None:
    try:
        await asyncio.wait_for(asyncio.sleep(60), timeout=0.1)
    except asyncio.TimeoutError:  # noqa: UP041  in this file TimeoutError is the one of bifrost
        raise TimeoutError(
            "Operation timed out after 0.1 seconds", timeout_seconds=0.1, operation="slow_operation"
        ) from None


def error_of(kind: str, caller_email: str) -> Exception:
    errors: dict[str, Any] = {
        "validation": ValidationError("Invalid email address", field="email", details={"provided_value": "nobody"}),
        "integration": IntegrationError("Failed to create user: 401 Unauthorized", "msgraph", 401),
        "configuration": ConfigurationError("API endpoint not configured", config_key="api_endpoint"),
        "permission": PermissionError(
            "Administrator access required", required_role="admin", current_user=caller_email
        ),
        "custom": LicenseLimitReached(25),
    }
    # Anything that is no WorkflowException is an unexpected error: its text stays in the record, for staff.
    return errors.get(kind, KeyError("internal_customer_number"))
