"""What a dry run does in the place of what would change something: it says so, and answers as if it were done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

#: What a run may ask of the platform and of outside systems, in words. Permits and circuits are asked for all the same,
#: as are messages to its own children, which are dry runs as well.
WOULD = {
    "notify": "leave a notice",
    "audit": "write to the audit log",
    "database": "change a database",
    "escalated": "raise an alert",
    "compensation_failed": "raise an alert",
}


def instead(run: Run, name: str, data: Mapping[str, Any]) -> Any:
    """Notes what would be done, and returns the answer to go on with."""
    run.record("log", "info", {"message": f"Dry run: would {WOULD[name]}", "data": dict(data)})
    if name != "database":
        return None
    return [{"operation": number, "rowCount": 0, "rows": []} for number in range(len(data["operations"]))]
