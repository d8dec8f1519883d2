"""One parameter of every type, with the rules that each type knows."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from bifrost import OrganizationContext, ValidationError, param, workflow


@workflow(name="register_device", category="examples", tags=["assets", "parameters"])
@param(
    "hostname",
    "string",
    "Computer name",
    required=True,
    validation={"min_length": 3, "max_length": 15, "pattern": r"^[A-Za-z0-9-]+$"},
)
@param(
    "kind",
    "string",
    "Kind of device",
    default_value="laptop",
    validation={"enum": ["laptop", "desktop", "server", "firewall"]},
)
@param("owner", "email", "Who uses it", required=True)
@param("memory_gb", "int", "Memory in GB", default_value=16, validation={"min": 1, "max": 4096})
@param("price", "float", "Purchase price", default_value=0.0, validation={"min": 0.0})
@param("managed", "bool", "Under contract", default_value=True)
@param("bought_on", "date", "Date of purchase", required=True)
@param("last_seen", "datetime", "Last contact with the agent")
@param("labels", "list", "Labels", default_value=[], validation={"max_length": 20})
@param("details", "json", "Anything else that is known", default_value={})
@param("bios_password", "secret", "BIOS password")
async def register_device(  # noqa: PLR0913, PLR0917  one of each type
    context: OrganizationContext,
    hostname: str,
    kind: str,
    owner: str,
    memory_gb: int,
    price: float,
    managed: bool,
    bought_on: date,
    last_seen: datetime | None,
    labels: list[Any],
    details: dict[str, Any],
    bios_password: str | None,
) -> dict[str, Any]:
    """Check a device's facts and return its asset record."""
    if last_seen is not None and last_seen.date() < bought_on:
        raise ValidationError("The device was seen before it was bought", field="last_seen")
    asset_id = hashlib.sha256(f"{context.org_id}/{hostname.lower()}".encode()).hexdigest()[:12]
    context.save_checkpoint("device_checked", {"asset_id": asset_id})
    return {
        "asset_id": asset_id,
        "hostname": hostname.upper(),
        "kind": kind,
        "owner": owner,
        "memory_gb": memory_gb,
        "price": price,
        "managed": managed,
        "bought_on": bought_on.isoformat(),
        "last_seen": None if last_seen is None else last_seen.isoformat(),
        "labels": sorted({str(label) for label in labels}),
        "details": details,
        "bios_locked": bios_password is not None,
    }
