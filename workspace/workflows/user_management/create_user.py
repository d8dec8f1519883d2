"""Creates one user in Microsoft 365."""

from __future__ import annotations

from typing import Any

from bifrost import IntegrationError, OrganizationContext, ValidationError, WorkflowException, param, workflow


@workflow(
    name="create_user",
    description="Create a user in Microsoft 365",
    category="user_management",
    tags=["m365", "user"],
)
@param("email", "email", "Address of the new user", required=True)
@param("name", "string", "Full name", required=True, validation={"min_length": 1, "max_length": 100})
@param("department", "string", "Department", data_provider="get_departments")
async def create_user(
    context: OrganizationContext, email: str, name: str, department: str | None = None
) -> dict[str, Any]:
    """Create the user and return its id.

    Raises ValidationError for an address without a domain and IntegrationError when Microsoft 365 refuses.
    """
    if not email.partition("@")[2]:
        raise ValidationError("Invalid email address", field="email", details={"provided_value": email})
    graph = context.get_integration("msgraph")
    context.log("info", "Creating user", {"email": email, "department": department})
    try:
        user = await graph.create_user(email=email, name=name, department=department)
    except WorkflowException:
        raise
    except Exception as error:
        context.log("error", "Creating the user failed", {"email": email, "error": str(error)})
        raise IntegrationError(
            f"Failed to create user: {error}", integration="msgraph", status_code=getattr(error, "status_code", None)
        ) from error
    context.save_checkpoint("user_created", {"user_id": user["id"]})
    return {"success": True, "user_id": user["id"], "email": email}
