"""How often something is tried again, and when. One value for workflows, steps and recovery."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from bifrost.sdk.errors import DeclarationError

#: Trying again does not change what is wrong with these.
FINAL_ERRORS = ("ValidationError", "PermissionError", "ConfigurationError")

_SPELLINGS = {
    "maximum_attempts": "max_attempts",
    "backoff_coefficient": "backoff_multiplier",
    "initial_interval": "initial_interval_seconds",
    "maximum_interval": "max_interval_seconds",
    "max_interval": "max_interval_seconds",
    "maximum_interval_seconds": "max_interval_seconds",
    "non_retryable_error_types": "non_retryable",
}


@dataclass(frozen=True)
class RetryPolicy:
    """`max_attempts` counts the first one; before attempt n + 1 it waits initial * multiplier ** (n - 1), at
    most max. Of that wait, a part of up to `jitter` (0 to 1) is left out by chance, so that many do not come
    back at once.

    An error of a type in `retry_on` is tried again whatever its type; one in `non_retryable` never.
    """

    max_attempts: int = 3
    backoff_multiplier: float = 2.0
    initial_interval_seconds: float = 1.0
    max_interval_seconds: float = 300.0
    jitter: float = 0.0
    non_retryable: tuple[str, ...] = ()
    retry_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_number("max_attempts", self.max_attempts, 1, whole=True)
        _check_number("backoff_multiplier", self.backoff_multiplier, 1)
        _check_number("initial_interval_seconds", self.initial_interval_seconds, 0)
        _check_number("max_interval_seconds", self.max_interval_seconds, 0)
        _check_number("jitter", self.jitter, 0, most=1)
        object.__setattr__(self, "non_retryable", _type_names("non_retryable", self.non_retryable))
        object.__setattr__(self, "retry_on", _type_names("retry_on", self.retry_on))

    @classmethod
    def parse(cls, policy: Mapping[str, Any] | RetryPolicy) -> Self:
        """A policy from either document's spelling; DeclarationError for an unknown or doubled name or a bad
        value.
        """
        if isinstance(policy, cls):
            return policy
        if not isinstance(policy, Mapping):
            raise DeclarationError(f"retry_policy must be a mapping or a RetryPolicy, not {type(policy).__name__}")
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {}
        for spelling, value in policy.items():
            name = _SPELLINGS.get(spelling, spelling)
            if name not in known:
                raise DeclarationError(f"retry_policy has no {spelling!r}; it has {', '.join(sorted(known))}")
            if name in values:
                raise DeclarationError(f"retry_policy says {name} twice")
            values[name] = value
        return cls(**values)

    def delay(self, attempt: int) -> float:
        """Seconds between the end of this attempt (counted from 1) and the next one."""
        try:
            grown = self.initial_interval_seconds * self.backoff_multiplier ** (attempt - 1)
        except OverflowError:
            grown = self.max_interval_seconds
        return min(grown, self.max_interval_seconds) * (1 - self.jitter * random.random())

    def allows(self, attempt: int, error_type: str) -> bool:
        """Whether another attempt follows this one (counted from 1) that ended with an error of this type."""
        if attempt >= self.max_attempts or error_type in self.non_retryable:
            return False
        return error_type in self.retry_on or error_type not in FINAL_ERRORS


def _check_number(
    name: str, value: object, least: float, whole: bool = False, most: float = sys.float_info.max
) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        bounds = f"from {least} to {most}" if most == 1 else f"of at least {least}"
        raise DeclarationError(f"retry_policy: {name} must be {'a whole number' if whole else 'a number'} {bounds}")


def _type_names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise DeclarationError(f"retry_policy: {name} must be a list of error types")
    return tuple(item if isinstance(item, str) else getattr(item, "__name__", str(item)) for item in value)
