"""The saga pattern: what was done in several services is undone, the last step first, where a later one fails."""

from __future__ import annotations

from typing import Any

from bifrost import IntegrationError, OrganizationContext, param, step, workflow


@step(retry_policy={"max_attempts": 3, "initial_interval_seconds": 0.1})
async def create_user(email: str) -> dict[str, Any]:
    return {"user_id": f"user-{email.partition('@')[0]}", "email": email}


async def delete_user(user: dict[str, Any]) -> str:
    """Undoes `create_user`; it is given what that returned."""
    return f"deleted {user['user_id']}"


@step
async def reserve_license(sku: str) -> dict[str, Any]:
    return {"sku": sku, "reservation": f"reservation-{sku}"}


async def release_license(reservation: dict[str, Any]) -> str:
    return f"released {reservation['reservation']}"


@step
async def send_welcome(email: str, mailbox_is_full: bool) -> str:
    if mailbox_is_full:
        raise IntegrationError("The mailbox is full", "exchange", 552)
    return f"welcomed {email}"


@workflow(name="distributed_transaction_saga", category="patterns", tags=["patterns"], execution_mode="async")
@param("email", "email", "Of the new person", required=True)
@param("sku", "string", "The license", default_value="E3")
@param("mailbox_is_full", "bool", "Makes the last step fail", default_value=False)
async def distributed_transaction_saga(
    context: OrganizationContext, email: str, sku: str, mailbox_is_full: bool
) -> dict[str, Any]:
    """An account, a license and a welcome, or none of them."""
    async with context.saga("new person") as saga:
        user = await saga.step(create_user, email, compensate=delete_user)
        reservation = await saga.step("reserve a license", reserve_license, sku, compensate=release_license)
        await saga.step(send_welcome, email, mailbox_is_full)
    return {"user_id": user["user_id"], "reservation": reservation["reservation"]}
