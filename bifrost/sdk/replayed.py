"""What came of running today's code against a recorded history: `bifrost.testing.replay`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Replayed"]


@dataclass(frozen=True)
class Replayed:
    """`asked` of the `recorded` operations were asked for. `message` says it in words.

    `goes_on_with`: what the code asks for behind the journal's end, and does not get here; empty where it came to its
    own end, with this `result` or this `error`. `not_compared`: operations whose arguments come from values that the
    file has only redacted.
    """

    compatible: bool
    message: str
    recorded: int
    asked: int
    goes_on_with: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    result: Any = None
    error: str | None = None

    def __bool__(self) -> bool:
        return self.compatible
