"""The guide's retry pattern: a directory that is busy at first, and a call that backs off and tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bifrost import IntegrationError, OrganizationContext, param, workflow


@dataclass
class BusyDirectory:
    """Stands in for a directory service: refuses the first calls, then works."""

    refusals: int

    async def create_user(self, email: str, name: str) -> dict[str, str]:
        if self.refusals > 0:
            self.refusals -= 1
            raise IntegrationError("The directory is busy", integration="directory", status_code=503)
        return {"id": f"user-{email.partition('@')[0]}", "displayName": name}


async def resilient_call(
    context: OrganizationContext,
    call: Callable[[], Awaitable[Any]],
    max_retries: int = 3,
    first_delay: float = 0.1,
    backoff_factor: float = 2,
) -> Any:
    """What the call returns; after `max_retries` repeats, its last IntegrationError."""
    for attempt in range(max_retries + 1):
        try:
            return await call()
        except IntegrationError as error:
            if attempt == max_retries:
                context.log("error", f"Call failed after {attempt + 1} attempts", {"error": str(error)})
                raise
            delay = first_delay * backoff_factor**attempt
            context.log("warning", f"Call failed, retrying in {delay:g}s", {"attempt": attempt + 1})
            await asyncio.sleep(delay)
    raise ValueError("max_retries must not be negative")


@workflow(name="resilient_user_creation", category="examples", tags=["patterns", "retry"])
@param("email", "email", "Address of the new user", required=True)
@param("name", "string", "Full name", required=True, validation={"min_length": 1, "max_length": 100})
@param("refusals", "int", "How often the directory refuses first", default_value=2, validation={"min": 0, "max": 10})
async def resilient_user_creation(context: OrganizationContext, email: str, name: str, refusals: int) -> dict[str, Any]:
    """Create a user in a directory that is busy at first, backing off between attempts."""
    directory = BusyDirectory(refusals)
    user = await resilient_call(context, lambda: directory.create_user(email, name))
    return {"user_id": user["id"]}
