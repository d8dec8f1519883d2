"""Access for a guest, for a day or until somebody takes it away: steps, a signal and a timer."""

from __future__ import annotations

from typing import Any

from bifrost import OrganizationContext, step, workflow


@step
async def open_account(email: str) -> dict[str, Any]:
    return {"email": email, "account": f"guest-{email.partition('@')[0]}"}


@step
async def close_account(account: str) -> str:
    return f"{account} is closed"


@workflow(category="examples", execution_mode="async", timeout_seconds=60)
async def guest_access(context: OrganizationContext, email: str, hours: float = 24) -> dict[str, Any]:
    """Opens an account for a guest and closes it after so many hours, or at the signal `leave`."""
    guest = await open_account(email)
    context.log("info", f"Opened {guest['account']}", {"hours": hours})
    first = await context.first(left=context.wait_for_signal("leave"), over=context.sleep(hours * 3600))
    return {**guest, "ended": first.key, "said": await close_account(guest["account"])}
