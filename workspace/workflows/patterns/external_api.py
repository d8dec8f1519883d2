"""The external API pattern: a request with a time-out, tried again, behind a circuit breaker."""

from __future__ import annotations

from typing import Any

import httpx

from bifrost import IntegrationError, OrganizationContext, param, step, workflow


@step(
    circuit_breaker="status_api",
    start_to_close_timeout=30,
    retry_policy={"max_attempts": 3, "initial_interval_seconds": 0.1, "backoff_multiplier": 2},
)
async def fetch(url: str) -> dict[str, Any]:
    """The answer's JSON. Five failures within half a minute, of whichever run, spare the service for another half."""
    async with httpx.AsyncClient(timeout=10) as client:
        try:
            answer = await client.get(url)
            answer.raise_for_status()
        except httpx.HTTPStatusError as error:
            raise IntegrationError("The status service refused", "status_api", error.response.status_code) from error
        except httpx.TimeoutException as error:
            raise IntegrationError("The status service does not answer", "status_api", 504) from error
        body = answer.json()
    return {"status_code": answer.status_code, "body": body}


@workflow(name="external_api", category="patterns", tags=["patterns"], execution_mode="async")
@param("url", "string", "Where to ask", required=True)
async def external_api(context: OrganizationContext, url: str) -> dict[str, Any]:
    """Ask an outside service for its status."""
    answer = await fetch(url)
    context.log("info", "It answered", {"status_code": answer["status_code"]})
    return answer
