"""How far a run is, in words, and about how long the rest takes: from its last progress line and its running time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workflows_app.models import TERMINAL, Status

Line = Mapping[str, Any]  # the data of a journal line of the kind "progress"

# Up to so many seconds, in parts of so many, named so.
UNITS = ((90, 10, 1, "s"), (90 * 60, 60, 60, "min"), (36 * 3600, 3600, 3600, "h"), (float("inf"), 86_400, 86_400, "d"))
FEW_SECONDS = 5


def estimate(line: Line) -> float | None:
    """Seconds of running time that were left when the line was made, if the rest goes on as it went until then.

    None before anything is done, and for lines that do not say how long the run had run.
    """
    percent, elapsed = line["percent"], line.get("elapsedMs")
    if elapsed is None or percent <= 0:
        return None
    return float(elapsed / 1000 * (100 - percent) / percent)


def remaining(line: Line, made_at: datetime, status: str, now: datetime) -> float | None:
    """Seconds that are left now. What does not run at the moment gets no nearer to its end, what has ended has none."""
    left = None if status in TERMINAL else estimate(line)
    if left is not None and status == Status.RUNNING:
        left = max(0.0, left - max(0.0, (now - made_at).total_seconds()))
    return left


def in_words(line: Line, left: float | None) -> str:
    """Such as: 40% (2 of 5), importing, about 3 min left."""
    percent = f"{int(line['percent'])}% ({line['done']:g} of {line['total']:g})"
    message = "".join(letter for letter in " ".join(line["message"].split()) if letter.isprintable())
    return ", ".join(part for part in (percent, message, time_left(left)) if part)


def time_left(seconds: float | None) -> str:
    """Such as: about 3 min left. Nothing where that is not known, or nothing is left."""
    if seconds is None or seconds <= 0:
        return ""
    if seconds < FEW_SECONDS:
        return "a few seconds left"
    for limit, part, size, name in UNITS:
        if seconds < limit:
            return f"about {max(1, round(seconds / part)) * part // size} {name} left"
    raise AssertionError(seconds)
