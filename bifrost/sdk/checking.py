"""Checks: functions that look at what was asked for before a workflow starts. They inform, warn or block."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args, overload

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.tolerant import JSON, plain

__all__ = ["CheckContext", "CheckHost", "CheckSpec", "Level", "check", "checks_of"]

Level = Literal["block", "warn", "inform"]
LEVELS: tuple[str, ...] = get_args(Level)
ATTRIBUTE = "__bifrost_check__"

F = TypeVar("F", bound=Callable[..., Any])


@overload
def check(level: F, /) -> F: ...
@overload
def check(level: Level = "block") -> Callable[[F], F]: ...
def check(level: Any = "block") -> Any:
    """Makes a function a check, for `@workflow(checks=[...])`.

    It takes the context and, by their names, parameters of the workflow; one that was not given is None. It answers
    None or True where all is well, otherwise a sentence for whoever fills in the form. "block": nothing starts. "warn":
    a form asks whether to go on all the same. "inform": a form shows it.
    """

    if callable(level):
        return check()(level)

    def note(function: F) -> F:
        setattr(function, ATTRIBUTE, level)
        return function

    return note


@dataclass(frozen=True, eq=False)
class CheckSpec:
    """`takes`: the parameters of the workflow that the function is given."""

    name: str
    level: str
    function: Callable[..., Any]
    takes: tuple[str, ...]


class CheckHost(Protocol):
    """What a check asks of whoever runs it."""

    @property
    def organization(self) -> OrganizationFacts: ...
    @property
    def caller(self) -> Caller: ...

    def config(self, key: str) -> tuple[bool, Any]:
        """Whether the organization has this config, and its value."""

    async def options(self, provider: str, inputs: Mapping[str, JSON]) -> list[dict[str, JSON]]:
        """What the data provider offers for these values of other fields."""


class CheckContext:
    """What a check may ask for. There is no execution yet: it reads and changes nothing. What it needs of an outside
    service it asks a data provider for, whose options are kept for a while.
    """

    def __init__(self, host: CheckHost) -> None:
        self._host = host

    @property
    def org_id(self) -> str:
        return self._host.organization.org_id

    @property
    def org_name(self) -> str:
        return self._host.organization.name

    @property
    def tenant_id(self) -> str | None:
        """The organization's Microsoft 365 tenant."""
        return self._host.organization.tenant_id

    @property
    def caller(self) -> Caller:
        """Who is about to start it."""
        return self._host.caller

    def get_config(self, key: str, default: Any = None) -> Any:
        """The organization's config, else the default."""
        present, value = self._host.config(key)
        return plain(value) if present else default

    def has_config(self, key: str) -> bool:
        return self._host.config(key)[0]

    async def get_options(self, provider: str, /, **inputs: Any) -> list[dict[str, JSON]]:
        """What the data provider offers, each as {"value", "label", "metadata"}, for these values of the fields that it
        depends on. Where it fails, the check has failed too, and nothing starts.
        """
        return await self._host.options(provider, {name: plain(value) for name, value in inputs.items()})


def checks_of(given: Any, parameters: Iterable[str]) -> tuple[CheckSpec, ...]:
    """The checks of a workflow with these parameters. DeclarationError says what is wrong with one."""
    if not isinstance(given, (list, tuple)):
        raise DeclarationError("checks must be a list of functions")
    known = list(parameters)
    found = tuple(_check(function, known) for function in given)
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise DeclarationError(f'there are two checks "{name}"')
    return found


def _check(function: Any, known: list[str]) -> CheckSpec:
    from bifrost.sdk.signature import inputs_of  # it imports pydantic, and a workflow's module need not

    level = getattr(function, ATTRIBUTE, None)
    if level is None or not inspect.isfunction(function):
        raise DeclarationError(
            f"{getattr(function, '__name__', function)!r} among its checks is no function with @check"
        )
    name = function.__name__
    if level not in LEVELS:
        raise DeclarationError(f'the check "{name}" has the level {level!r}, which is none of {", ".join(LEVELS)}')
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(f'the check "{name}" must return its answer, not yield it')
    try:
        inputs = inputs_of(function)
    except DeclarationError as error:
        raise DeclarationError(f'the check "{name}": {error}') from None
    for found in inputs.named:
        if found.name not in known:
            raise DeclarationError(f'the check "{name}" takes "{found.name}", which is no parameter of the workflow')
    takes = known if inputs.takes_more else [found.name for found in inputs.named]
    return CheckSpec(name, level, function, tuple(takes))
