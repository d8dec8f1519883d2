"""The workflows, data providers and integrations that a loaded module defines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from bifrost.sdk.building import Problem, build_data_provider, build_workflow, line_of
from bifrost.sdk.declarations import Declaration, Declared, declaration_of
from bifrost.sdk.integration import BaseIntegration
from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec

__all__ = ["Collection", "Problem", "collect"]


@dataclass
class Collection:
    """What a module offers, in the order of its lines; what has a problem is not among it."""

    workflows: list[WorkflowSpec] = field(default_factory=list)
    data_providers: list[DataProviderSpec] = field(default_factory=list)
    #: Classes; one may get its name only when another module registers it.
    integrations: list[type[BaseIntegration]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def collect(module: ModuleType) -> Collection:
    """Everything declared on functions that this module itself defines; what it imported is another's.

    Never raises for what an author declared: each mistake is a Problem with its file and line.
    """
    collection = Collection()
    for function, declaration in _declared(module):
        _add(collection, module, function, declaration)
    collection.integrations = list(dict.fromkeys(v for v in vars(module).values() if _is_integration(v, module)))
    return collection


def _is_integration(value: Any, module: ModuleType) -> bool:
    return isinstance(value, type) and issubclass(value, BaseIntegration) and value.__module__ == module.__name__


def _declared(module: ModuleType) -> list[tuple[Callable[..., Any], Declaration]]:
    # A function under two names, or with its own wrapper beside it, is one.
    found: dict[int, tuple[Callable[..., Any], Declaration]] = {}
    for value in vars(module).values():
        declaration = declaration_of(value)
        if declaration is not None and getattr(value, "__module__", None) == module.__name__:
            found[id(declaration)] = (value, declaration)
    return sorted(found.values(), key=lambda pair: line_of(pair[0]))


def _add(collection: Collection, module: ModuleType, function: Callable[..., Any], declaration: Declaration) -> None:
    declared = [*declaration.workflows, *declaration.data_providers, *declaration.params]
    wrong = _not_buildable(function, declaration)
    if wrong is not None:
        collection.problems.append(_problem(module, function, declared[0], wrong))
    elif declaration.workflows:
        workflow, problems = build_workflow(function, declaration)
        collection.workflows += [workflow] if workflow else []
        collection.problems += problems
    else:
        provider, problems = build_data_provider(function, declaration)
        collection.data_providers += [provider] if provider else []
        collection.problems += problems


def _not_buildable(function: object, declaration: Declaration) -> str | None:
    if not isinstance(function, FunctionType):
        return "only a function can be a workflow or a data provider"
    if declaration.workflows and declaration.data_providers:
        return "is both a workflow and a data provider"
    if not declaration.workflows and not declaration.data_providers:
        return "has @param but no @workflow"
    return None


def _problem(module: ModuleType, function: Callable[..., Any], declared: Declared, message: str) -> Problem:
    name = getattr(function, "__name__", type(function).__name__)
    return Problem(getattr(module, "__file__", None) or module.__name__, declared.line, f'"{name}" {message}')
