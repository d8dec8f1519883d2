"""A workflow that lets a secret slip in every way that its author could think of."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
import traceback
import warnings
from typing import Any
from urllib.parse import quote, quote_plus

from bifrost import IntegrationError, OrganizationContext, param, workflow

log = logging.getLogger(__name__)


def disguises(secret: str) -> dict[str, Any]:
    raw = secret.encode()
    return {
        "plain": secret,
        "inside": f"https://user:{secret}@example.com/",
        "base64": [base64.b64encode(before + raw).decode() for before in (b"", b"x", b"xx", b"user:")],
        "urlsafe": base64.urlsafe_b64encode(raw).decode(),
        "quoted": [quote(secret), quote(secret, safe=""), quote_plus(secret)],
        "repr": repr(secret),
        secret: "as a key",
    }


async def fail_unheard(secret: str) -> None:
    raise ValueError(f"nobody awaits me: {secret}")


async def slip(context: OrganizationContext, secret: str) -> None:
    for text in (secret, base64.b64encode(secret.encode()).decode(), quote(secret)):
        context.log("info", f"The secret is {text}", disguises(secret))
        log.warning("The secret is %s", text)
        logging.getLogger().error("The secret is %s", {"value": text})
        print("The secret is", text)
    context.save_checkpoint(secret, disguises(secret))
    context.set_variable("leak", disguises(secret))
    warnings.warn(f"Careful with {secret}", stacklevel=1)
    forgotten = asyncio.create_task(fail_unheard(secret))
    await asyncio.wait({forgotten})
    del forgotten
    thread = threading.Thread(target=lambda: int(secret))
    thread.start()
    thread.join()
    try:
        raise ValueError(secret)
    except ValueError:
        log.exception("The secret was refused")
        traceback.print_exc()


@workflow(name="leak_and_return")
async def leak_and_return(context: OrganizationContext, secret_name: str) -> dict[str, Any]:
    secret = await context.get_secret(secret_name)
    await slip(context, secret)
    return disguises(secret)


@workflow(name="leak_and_raise")
async def leak_and_raise(context: OrganizationContext, secret_name: str, expected: bool) -> None:
    secret = await context.get_secret(secret_name)
    await slip(context, secret)
    if expected:
        raise IntegrationError(f"Refused: {secret}", integration=secret, details=disguises(secret))
    raise RuntimeError(secret, disguises(secret))


@workflow(name="leak_a_parameter")
@param("api_key", "secret", required=True)
async def leak_a_parameter(context: OrganizationContext, api_key: str) -> dict[str, Any]:
    await slip(context, api_key)
    return disguises(api_key)
