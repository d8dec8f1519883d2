"""The standard pattern: check, act, audit, and leave the rest to a child."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, TenantValidationFailed, param, step, workflow

QUICKLY = {"max_attempts": 3, "initial_interval_seconds": 1, "maximum_interval": 10}


@step(start_to_close_timeout=30, retry_policy=QUICKLY)
async def validate_tenant_access(context: OrganizationContext, tenant: str) -> dict[str, Any]:
    """Whether the organization may touch this tenant's resources."""
    own = context.tenant_id
    if own is not None and tenant != own:
        return {"is_valid": False, "reason": f"{tenant} is not the tenant of {context.org_name}"}
    return {"is_valid": True, "reason": ""}


@step(start_to_close_timeout=60, retry_policy=QUICKLY)
async def change_resource(operation: str, resource_id: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Stands for the call that really creates, updates or deletes it."""
    return {
        "resource_id": resource_id,
        "metadata": {"operation": operation, "fields": sorted(resource)},
        "requires_post_processing": operation == "create",
    }


@workflow(name="standard_business_workflow", category="patterns", tags=["patterns"], execution_mode="async")
@param(
    "operation",
    "string",
    "create, update or delete",
    required=True,
    validation={"enum": ["create", "update", "delete"]},
)
@param("tenant", "string", "The tenant that it belongs to", required=True)
@param("resource", "dict", "Its fields", required=True)
async def standard_business_workflow(
    context: OrganizationContext, operation: str, tenant: str, resource: dict[str, Any]
) -> dict[str, Any]:
    """Create, update or delete a resource of one tenant."""
    context.log("info", "Workflow started", {"operation": operation})
    context.require_permission("canExecuteWorkflows")
    access = await validate_tenant_access(tenant)
    if not access["is_valid"]:
        raise TenantValidationFailed(access["reason"])

    resource_id = str(resource.get("id") or context.uuid())
    changed = await change_resource(operation, resource_id, resource)
    await context.audit(f"resource.{operation}", changed["resource_id"], changed["metadata"])

    if changed["requires_post_processing"]:
        # It goes on by itself, whatever becomes of this run.
        await context.start_workflow("post_processing", {"resource_id": resource_id}, parent_close="abandon")
    context.log("info", "Workflow completed")
    return {
        "resource_id": resource_id,
        "status": "Completed",
        "metadata": changed["metadata"],
        "completed_at": context.now().isoformat(),
    }


@workflow(name="post_processing", category="patterns", tags=["patterns"], execution_mode="async")
async def post_processing(context: OrganizationContext, resource_id: str) -> dict[str, Any]:
    """What a new resource still needs and nobody waits for."""
    context.log("info", "Post-processing", {"resource_id": resource_id})
    return {"resource_id": resource_id, "indexed": True}
