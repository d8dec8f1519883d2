"""A plain function as a workflow: its context has the same names, blocking."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bifrost import BlockingContext, ValidationError, param, workflow


@workflow(name="warranty_report", category="reporting", tags=["assets"])
@param("assets", "json", "Names of devices and the day on which their warranty ends", required=True)
@param("within_days", "int", "How far to look ahead", default_value=60, validation={"min": 0, "max": 3650})
@param("as_of", "date", "The day to count from; today if not given")
def warranty_report(
    context: BlockingContext, assets: dict[str, str], within_days: int, as_of: date | None = None
) -> dict[str, Any]:
    """List devices whose warranty has ended or ends soon."""
    today = as_of or datetime.now(UTC).date()
    left = {name: (end_of(name, ends) - today).days for name, ends in assets.items()}
    context.save_checkpoint("warranties_read", {"devices": len(left)})
    return {
        "as_of": today.isoformat(),
        "ended": sorted(name for name, days in left.items() if days < 0),
        "ending": sorted(name for name, days in left.items() if 0 <= days <= within_days),
        "covered": sum(days > within_days for days in left.values()),
    }


def end_of(name: str, ends: Any) -> date:
    """Raises ValidationError naming the device where there is no date."""
    try:
        return date.fromisoformat(ends)
    except (TypeError, ValueError):
        raise ValidationError("The end of a warranty is no date", field="assets", details={"device": name}) from None
