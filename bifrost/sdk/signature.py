"""The inputs of a function, from its signature: everything behind the context."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, get_type_hints

from bifrost.sdk.declarations import MISSING
from bifrost.sdk.errors import DeclarationError
from bifrost.sdk.hints import shape_of
from bifrost.sdk.shapes import Shape

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Input:
    """`hint` is as written, possibly text; `default` is MISSING where the function has none."""

    name: str
    hint: Any
    default: Any


@dataclass(frozen=True)
class Inputs:
    """`takes_more`: the function has `**kwargs`, so that a @param may name what the signature does not."""

    named: tuple[Input, ...]
    takes_more: bool
    context: str = ""

    def takes(self, name: object) -> bool:
        if not isinstance(name, str) or name == self.context:
            return False
        return self.takes_more or any(found.name == name for found in self.named)


def inputs_of(function: Callable[..., Any]) -> Inputs:
    """DeclarationError where the function cannot be called as `function(context, **inputs)`."""
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL):
        raise DeclarationError("the function must take the context as its first parameter")
    context = ""
    if parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        context = parameters[0].name
        _check_context(function, parameters.pop(0))
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            raise DeclarationError(f'parameter "{parameter.name}" is positional-only: inputs are passed by name')
    named = tuple(_input(parameter) for parameter in parameters if parameter.kind not in _VARIABLE)
    takes_more = any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters)
    return Inputs(named, takes_more, context)


def shape_of_input(function: Callable[..., Any], found: Input) -> Shape:
    """The values that its hint allows; any JSON value without one. DeclarationError for a hint nobody can
    fill.
    """
    if found.hint is MISSING:
        return Shape("json")
    return shape_of(_resolved(function, found))


def _check_context(function: Callable[..., Any], first: inspect.Parameter) -> None:
    """A function that forgot its context would silently lose its first input to it."""
    if first.name == "context" or first.annotation is inspect.Parameter.empty:
        return
    try:
        shape = shape_of_input(function, _input(first))
    except DeclarationError:
        return
    if shape != Shape("json"):
        raise DeclarationError(f'the function must take the context as its first parameter, not "{first.name}"')


def _input(parameter: inspect.Parameter) -> Input:
    empty = inspect.Parameter.empty
    hint = MISSING if parameter.annotation is empty else parameter.annotation
    return Input(parameter.name, hint, MISSING if parameter.default is empty else parameter.default)


def _resolved(function: Callable[..., Any], found: Input) -> Any:
    """One hint at a time: another's that exists for the type checker only must not spoil this one."""
    names = getattr(inspect.unwrap(function), "__globals__", {})
    holder = SimpleNamespace(__annotations__={found.name: found.hint})
    try:
        return get_type_hints(holder, globalns=names, include_extras=True)[found.name]
    except Exception as error:
        raise DeclarationError(f"has the type hint {found.hint!r}, which cannot be resolved: {error}") from error
