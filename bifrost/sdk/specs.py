"""A checked workflow and a checked data provider: what the rest of the platform knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from bifrost.sdk.checking import CheckSpec
from bifrost.sdk.fields import MAX_ERRORS, Fields
from bifrost.sdk.recovery import Recovery
from bifrost.sdk.retry import RetryPolicy

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


@dataclass(frozen=True, eq=False)
class DataProviderSpec(Fields):
    """Its parameters are the arguments behind the context: values of other fields that decide the options."""

    word: ClassVar[str] = "Input"
    surplus: ClassVar[str] = "is not an input of this data provider"

    name: str
    description: str
    category: str
    function: Callable[..., Any]
    is_async: bool
    file: str
    line: int
    cache_ttl_seconds: int = 300
    warnings: tuple[str, ...] = ()

    @property
    def depends_on(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    def not_given(self, names: Iterable[str]) -> list[str]:
        """The inputs that it needs and that are none of these."""
        given = set(names)
        return [parameter.name for parameter in self.parameters if parameter.required and parameter.name not in given]
