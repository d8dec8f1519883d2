"""Uses a secret of the organization without ever showing it."""

from __future__ import annotations

import hashlib
import hmac

from bifrost import OrganizationContext, param, workflow


@workflow(name="sign_payload", category="examples", tags=["secrets"])
@param("payload", "string", "Text to sign", required=True, validation={"max_length": 10_000})
@param("secret_name", "string", "Name of the organization's secret", default_value="webhook_signing_key")
async def sign_payload(context: OrganizationContext, payload: str, secret_name: str) -> dict[str, str]:
    """Sign a text with one of the organization's secrets, as receivers of webhooks expect it."""
    secret = await context.get_secret(secret_name)
    signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    context.log("info", "Payload signed", {"bytes": len(payload.encode())})
    return {"algorithm": "sha256", "signature": signature}
