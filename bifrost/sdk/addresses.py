"""What an e-mail address looks like."""

from __future__ import annotations

import re

# One label at the end is enough of a domain if another comes before it: internal domains are addresses too.
_EMAIL = re.compile(
    r"[^\s@\"(),:;<>\[\\\].]+(\.[^\s@\"(),:;<>\[\\\].]+)*@([^\W_]([\w-]*[^\W_])?\.)+[^\W_]([\w-]*[^\W_])?"
)
_MAX_EMAIL = 254


def is_email(text: str) -> bool:
    return len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text) is not None
