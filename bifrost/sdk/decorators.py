"""@workflow, @param and @data_provider: they note what was said on the function and return that same
function.

Nothing is registered and nothing refused at import; `registry.collect` does both when the catalog loads the
module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar, overload

from bifrost.sdk.declarations import MISSING, Declared, declare
from bifrost.sdk.retry import RetryPolicy

__all__ = ["data_provider", "param", "workflow"]

F = TypeVar("F", bound=Callable[..., Any])


@overload
def workflow(name: F, /) -> F: ...
@overload
def workflow(
    name: str | None = None,
    description: str | None = None,
    category: str = "General",
    tags: Iterable[str] = (),
    *,
    execution_mode: Literal["sync", "async", "scheduled"] = "sync",
    timeout_seconds: float | None = None,
    max_duration_seconds: float | None = None,
    retry_policy: Mapping[str, Any] | RetryPolicy | None = None,
    recovery: Mapping[Any, str] | bool | None = None,
    compensation: str | None = None,
    schedule: str | None = None,
    requires_org: bool = True,
    expose_in_forms: bool = True,
    requires_approval: bool = False,
    required_permission: str = "canExecuteWorkflows",
    webhook_enabled: bool = False,
    webhook_secret_required: bool = True,
    checks: Sequence[Callable[..., Any]] = (),
) -> Callable[[F], F]: ...
def workflow(  # noqa: PLR0913 - the documents' reference has these arguments
    name: Any = None,
    description: str | None = None,
    category: str = "General",
    tags: Iterable[str] = (),
    *,
    execution_mode: str = "sync",
    timeout_seconds: float | None = None,
    max_duration_seconds: float | None = None,
    retry_policy: Mapping[str, Any] | RetryPolicy | None = None,
    recovery: Mapping[Any, str] | bool | None = None,
    compensation: str | None = None,
    schedule: str | None = None,
    requires_org: bool = True,
    expose_in_forms: bool = True,
    requires_approval: bool = False,
    required_permission: str = "canExecuteWorkflows",
    webhook_enabled: bool = False,
    webhook_secret_required: bool = True,
    checks: Sequence[Callable[..., Any]] = (),
) -> Any:
    """Makes a function a workflow. Its name is the function's, its description the first docstring line,
    unless given.

    `timeout_seconds` (300) bounds one attempt, `max_duration_seconds` all of them (not given: timeout times
    attempts). `recovery` says by the type of an error whether the run is tried again ("retry"), undone ("compensate",
    by the workflow that `compensation` names), brought before somebody ("escalate") or simply fails ("fail").
    `checks`: functions with `@check`, which are asked before a form or a program starts it.
    """
    arguments = dict(locals())
    line = sys._getframe(1).f_lineno
    if callable(name):
        declare(name).workflows.append(Declared({**arguments, "name": None}, line))
        return name
    return _noting("workflows", Declared(arguments, line))


def param(
    name: str,
    type: str = "string",
    description: str = "",
    required: bool = False,
    default_value: Any = MISSING,
    validation: Mapping[str, Any] | None = None,
    data_provider: str | None = None,
    label: str | None = None,
) -> Callable[[F], F]:
    """Declares an input of a workflow: type, rules and where its options come from.

    An omitted optional one is the default given here, else the function's, else None.
    """
    return _noting("params", Declared(dict(locals()), sys._getframe(1).f_lineno))


def data_provider(
    name: str | None = None,
    description: str | None = None,
    category: str = "General",
    cache_ttl_seconds: int = 300,
) -> Callable[[F], F]:
    """Makes a function a supplier of options: it answers a list of `{"label", "value", "metadata"}`."""
    return _noting("data_providers", Declared(dict(locals()), sys._getframe(1).f_lineno))


def _noting(kind: Literal["workflows", "params", "data_providers"], declared: Declared) -> Callable[[F], F]:
    def note(function: F) -> F:
        getattr(declare(function), kind).append(declared)
        return function

    return note
