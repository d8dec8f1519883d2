"""The guide's batch pattern: many users, some of them wrong, with progress in the record."""

from __future__ import annotations

import asyncio
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow

BATCH_SIZE = 10


@workflow(
    name="bulk_user_import",
    description="Prepare accounts for a list of people, in the background",
    category="user_management",
    execution_mode="async",
    timeout_seconds=1800,
    tags=["patterns", "bulk"],
)
@param("users_data", "list", "People with email and name", required=True)
async def bulk_user_import(context: OrganizationContext, users_data: list[Any]) -> dict[str, Any]:
    return await import_in_batches(context, users_data)


@workflow(
    name="bulk_user_import_small",
    description="The same for up to 50 people, answered at once",
    category="user_management",
    timeout_seconds=30,
    tags=["patterns", "bulk"],
)
@param("users_data", "list", "People with email and name", required=True, validation={"max_length": 50})
async def bulk_user_import_small(context: OrganizationContext, users_data: list[Any]) -> dict[str, Any]:
    return await import_in_batches(context, users_data)


async def import_in_batches(context: OrganizationContext, users_data: list[Any]) -> dict[str, Any]:
    """The accounts that could be made, the rows that could not and why, and a summary."""
    successful: list[dict[str, str]] = []
    failed: list[dict[str, Any]] = []
    context.set_variable("total_users", len(users_data))
    for start in range(0, len(users_data), BATCH_SIZE):
        batch = users_data[start : start + BATCH_SIZE]
        outcomes = await asyncio.gather(*(prepare_account(row) for row in batch), return_exceptions=True)
        for index, outcome in enumerate(outcomes, start):
            if isinstance(outcome, ValidationError):
                failed.append({"index": index, "error": outcome.message})
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                successful.append(outcome)
        number = start // BATCH_SIZE + 1
        context.set_variable("processed_users", len(successful))
        context.save_checkpoint(f"batch_{number}_complete", {"processed": len(successful), "failed": len(failed)})
    summary = {
        "total": len(users_data),
        "successful": len(successful),
        "failed": len(failed),
        "success_rate": len(successful) / len(users_data) * 100 if users_data else 100.0,
    }
    context.log("info", "Bulk import completed", summary)
    return {"successful": successful, "failed": failed, "summary": summary}


async def prepare_account(row: Any) -> dict[str, str]:
    """The account of one row. Raises ValidationError for a row that has no usable address or name."""
    if not isinstance(row, dict) or not str(row.get("name", "")).strip():
        raise ValidationError("The row has no name", field="name")
    email = str(row.get("email", "")).strip().lower()
    if not all(email.partition("@")):
        raise ValidationError("The row has no usable address", field="email")
    return {"email": email, "name": str(row["name"]).strip(), "login": email.partition("@")[0]}
