"""How often something may be done: the value that steps, contexts and the platform mean by a rate limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bifrost.sdk.durable import length
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.tolerant import plain

#: Of one key. The time of each permit is kept: for more, say fewer in a shorter time.
MOST_PERMITS = 1_000
MAX_KEY = 200
#: What nobody has asked for that long is forgotten.
LONGEST_SECONDS = 31 * 24 * 3600.0


@dataclass(frozen=True)
class RateLimit:
    """At most `limit` permits under this key within any `per` seconds (or a timedelta), in the whole organization."""

    key: str
    limit: int
    per: float = 60.0

    def __post_init__(self) -> None:
        key = self.key if isinstance(self.key, str) else ""
        if not key or len(key) > MAX_KEY or plain(key) != key:
            raise DeclarationError(f"rate_limit: key must be a text of 1 to {MAX_KEY} characters")
        whole = isinstance(self.limit, int) and not isinstance(self.limit, bool)
        if not whole or not 1 <= self.limit <= MOST_PERMITS:
            raise DeclarationError(f"rate_limit: limit must be a whole number from 1 to {MOST_PERMITS:,}")
        object.__setattr__(self, "per", length("rate_limit: per", self.per))
        if not 0 < self.per <= LONGEST_SECONDS:
            raise DeclarationError("rate_limit: per must be more than 0 seconds and at most 31 days")

    @classmethod
    def parse(cls, rate: RateLimit | Mapping[str, Any]) -> RateLimit:
        """From `{"key": ..., "limit": ..., "per": ...}`. Raises DeclarationError for what is none."""
        if isinstance(rate, RateLimit):
            return rate
        if not isinstance(rate, Mapping) or not {"key", "limit"} <= rate.keys() <= {"key", "limit", "per"}:
            raise DeclarationError('rate_limit must be a mapping with "key", "limit" and, if need be, "per"')
        return cls(**rate)
