"""The requests to outside services in a record, each once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bifrost.sdk.http.endpoints import same_endpoint


def each_once(calls: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls in order, where a call that an author told of completes the one that its client tracked."""
    shown: list[dict[str, Any]] = []
    open_ones: list[dict[str, Any]] = []  # tracked, and nobody has told of them
    for call in calls:
        given = {name: value for name, value in call.items() if name != "tracked"}
        if call.get("tracked"):
            open_ones.append(given)
        elif (tracked := next((each for each in reversed(open_ones) if _is_meant(each, given)), None)) is not None:
            open_ones.remove(tracked)
            _complete(tracked, given)
            continue
        shown.append(given)
    return shown


def _is_meant(tracked: dict[str, Any], told: dict[str, Any]) -> bool:
    return (
        str(tracked["integration"]).lower() == str(told["integration"]).lower()
        and str(tracked["method"]).upper() == str(told["method"]).upper()
        and same_endpoint(str(tracked["endpoint"]), str(told["endpoint"]))
    )


def _complete(tracked: dict[str, Any], told: dict[str, Any]) -> None:
    """What the client saw holds; that its answer was of no use only the author knows."""
    if tracked["success"] and not told["success"]:
        tracked.update(success=False, error=told["error"])
