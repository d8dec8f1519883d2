"""A checked workflow and a checked data provider: what the rest of the platform knows of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bifrost.sdk.checking import CheckSpec
from bifrost.sdk.documents import exact
from bifrost.sdk.fields import MAX_ERRORS, Fields
from bifrost.sdk.parameters import ParameterSpec
from bifrost.sdk.recovery import Recovery
from bifrost.sdk.retry import RetryPolicy
from bifrost.sdk.tolerant import JSON

__all__ = ["MAX_ERRORS", "DataProviderSpec", "WorkflowSpec"]


@dataclass(frozen=True, eq=False)
class WorkflowSpec(Fields):
    name: str
    description: str
    category: str
    tags: tuple[str, ...]
    execution_mode: str
    timeout_seconds: float
    max_duration_seconds: float
    retry_policy: RetryPolicy | None
    recovery: Recovery | None
    schedule: str | None
    requires_org: bool
    expose_in_forms: bool
    requires_approval: bool
    required_permission: str
    webhook_enabled: bool
    webhook_secret_required: bool
    function: Callable[..., Any]
    is_async: bool
    file: str
    line: int
    checks: tuple[CheckSpec, ...] = ()
    warnings: tuple[str, ...] = ()

    def arguments(self, values: Mapping[str, JSON]) -> dict[str, Any]:
        """What the function gets for valid values: its own copy, dates and times as such."""
        arguments: dict[str, Any] = exact(dict(values), "parameters")
        for parameter in self._converting:
            if parameter.name in arguments:
                arguments[parameter.name] = parameter.values.converted(arguments[parameter.name])
        return arguments

    @cached_property
    def _converting(self) -> tuple[ParameterSpec, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.converts)


@dataclass(frozen=True, eq=False)
class DataProviderSpec:
    """`depends_on` are the arguments behind the context: values of other fields that decide the options."""

    name: str
    description: str
    category: str
    function: Callable[..., Any]
    is_async: bool
    file: str
    line: int
    cache_ttl_seconds: int = 300
    depends_on: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
