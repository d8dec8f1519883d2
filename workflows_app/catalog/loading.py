"""From a snapshot of the workspace to a catalog: each file imported, its declarations collected, its faults noted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TypeVar

from bifrost.sdk import registry
from bifrost.sdk.integration import BaseIntegration
from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec
from workflows_app.catalog import faults
from workflows_app.catalog.contents import Catalog, LoadedDataProvider, LoadedWorkflow, Problem
from workflows_app.catalog.modules import index
from workflows_app.catalog.scan import Snapshot
from workflows_app.catalog.sources import SourceGraph
from workflows_app.catalog.versions import WorkspaceVersion

Spec = TypeVar("Spec", WorkflowSpec, DataProviderSpec)


@dataclass
class _Findings:
    """What the files of one snapshot declare: specs with the path of their file."""

    workflows: list[tuple[str, WorkflowSpec]] = field(default_factory=list)
    data_providers: list[tuple[str, DataProviderSpec]] = field(default_factory=list)
    integrations: list[tuple[str, type[BaseIntegration]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def load(snapshot: Snapshot) -> Catalog:
    """Runs all files of the snapshot. A file that does not load becomes a Problem and hides no other."""
    modules, problems, warnings = index(snapshot.directory, snapshot.files)
    home = WorkspaceVersion(snapshot, modules)
    found = _Findings(problems=[*snapshot.problems, *problems])
    for name, path in sorted(modules.files.items(), key=lambda item: item[1]):
        _load_file(home, name, path, found)
    graph = SourceGraph(snapshot, modules)
    workflows = _unique("workflow", found.workflows, found)
    providers = _unique("data provider", found.data_providers, found)
    home.integrations = MappingProxyType(_integrations(found))
    if not found.workflows and not found.problems:
        found.problems.append(Problem(".", None, f"The workspace {snapshot.directory} holds no workflow."))
    warnings += _spec_warnings(chain(workflows.values(), providers.values()))
    warnings += _unknown_providers(workflows.values(), providers)
    warnings += _missing_inputs(workflows.values(), providers)
    return Catalog(
        version=snapshot.version,
        workflows=MappingProxyType(
            {name: LoadedWorkflow(spec, path, *graph.code_of(path), home) for name, (path, spec) in workflows.items()}
        ),
        data_providers=MappingProxyType(
            {
                name: LoadedDataProvider(spec, path, *graph.code_of(path), home)
                for name, (path, spec) in providers.items()
            }
        ),
        problems=tuple(sorted(found.problems, key=_place)),
        warnings=tuple(sorted(warnings, key=_place)),
        home=home,
    )


def _load_file(home: WorkspaceVersion, name: str, path: str, found: _Findings) -> None:
    try:
        collection = registry.collect(home.load(name))
    except BaseException as error:  # noqa: BLE001  whatever an author's file raises, SystemExit too, is its own fault alone
        found.problems.append(faults.problem(error, path, home.snapshot.directory))
        return
    found.workflows += ((path, spec) for spec in collection.workflows)
    found.data_providers += ((path, spec) for spec in collection.data_providers)
    found.integrations += ((path, integration) for integration in collection.integrations)
    found.problems += (Problem(path, problem.line, problem.message) for problem in collection.problems)


def _unique(kind: str, specs: Iterable[tuple[str, Spec]], found: _Findings) -> dict[str, tuple[str, Spec]]:
    """The specs by name; of several with one name none, and a Problem that names them all."""
    by_name: dict[str, list[tuple[str, Spec]]] = defaultdict(list)
    for path, spec in specs:
        by_name[spec.name].append((path, spec))
    for name, same in by_name.items():
        if len(same) > 1:
            places = " and ".join(f"{path}:{spec.line}" for path, spec in same)
            message = f'{kind} "{name}" is declared more than once, in {places}: none of them is loaded.'
            found.problems += (Problem(path, spec.line, message) for path, spec in same)
    return {name: same[0] for name, same in by_name.items() if len(same) == 1}


def _integrations(found: _Findings) -> dict[str, type[BaseIntegration]]:
    """The classes by name in lower case, once all files have registered theirs; the first of several with one name.

    One that is called like an integration that ships takes its place.
    """
    by_name: dict[str, type[BaseIntegration]] = {}
    for path, integration in found.integrations:
        name = integration.integration_name.lower()
        if name in by_name:
            other = by_name[name].__qualname__
            message = f'integration "{name}": {integration.__qualname__} is refused, since {other} has that name.'
            found.problems.append(Problem(path, None, message))
        elif name:
            by_name[name] = integration
    return by_name


def _spec_warnings(specs: Iterable[tuple[str, WorkflowSpec | DataProviderSpec]]) -> list[Problem]:
    return [Problem(path, spec.line, warning) for path, spec in specs for warning in spec.warnings]


def _unknown_providers(workflows: Iterable[tuple[str, WorkflowSpec]], providers: Mapping[str, object]) -> list[Problem]:
    return [
        Problem(
            path,
            spec.line,
            f'workflow "{spec.name}": parameter "{parameter.name}" names the data provider '
            f'"{parameter.data_provider}", which does not exist; the field takes free text.',
        )
        for path, spec in workflows
        for parameter in spec.parameters
        if parameter.data_provider and parameter.data_provider not in providers
    ]


def _missing_inputs(
    workflows: Iterable[tuple[str, WorkflowSpec]], providers: Mapping[str, tuple[str, DataProviderSpec]]
) -> list[Problem]:
    """Parameters whose options nobody can ask for by the workflow's own parameters."""
    return [
        Problem(
            path,
            spec.line,
            f'workflow "{spec.name}": the data provider of the parameter "{parameter.name}" takes '
            f'"{missing[0]}", which is no parameter of the workflow; the field takes free text.',
        )
        for path, spec in workflows
        for parameter in spec.parameters
        if (provider := providers.get(parameter.data_provider or ""))
        and (missing := provider[1].not_given(each.name for each in spec.parameters))
    ]


def _place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.line or 0, problem.message
