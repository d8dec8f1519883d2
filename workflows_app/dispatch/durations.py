"""How pages tell how long something has taken or waited."""

from __future__ import annotations

from datetime import timedelta

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def in_words(time: timedelta) -> str:
    """In its two largest units: 8 s, 3 min 20 s, 5 h 2 min, 12 d 4 h. What lies in the future is 0 s."""
    seconds = max(0, int(time.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    for size, name, part, part_name in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s")):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole} {name} {rest // part} {part_name}" if rest // part else f"{whole} {name}"
    raise AssertionError(seconds)
