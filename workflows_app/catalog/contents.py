"""What a catalog holds: the workflows and data providers of one state of the workspace, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bifrost.sdk.specs import DataProviderSpec, WorkflowSpec

if TYPE_CHECKING:
    from workflows_app.catalog.versions import WorkspaceVersion


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not load, or a warning about something that does. `file` is relative to the workspace."""

    file: str
    line: int | None
    message: str
    traceback: str = ""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedWorkflow:
    """A workflow of one version of the workspace. `file` is relative to it.

    `code_version` is the hash of `sources`: its file and the workspace modules that it imports, by path.
    Whoever runs it holds a lease meanwhile, so that its lazy imports find the same version.
    """

    spec: WorkflowSpec
    file: str
    code_version: str
    sources: Mapping[str, str] = field(repr=False)
    home: WorkspaceVersion = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedDataProvider:
    """A data provider of one version of the workspace; the rest as for a workflow."""

    spec: DataProviderSpec
    file: str
    code_version: str
    sources: Mapping[str, str] = field(repr=False)
    home: WorkspaceVersion = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """All that one version of the workspace offers. Never changes; a changed workspace makes another catalog."""

    version: str
    workflows: Mapping[str, LoadedWorkflow]
    data_providers: Mapping[str, LoadedDataProvider]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    home: WorkspaceVersion = field(repr=False)

    @property
    def broken_files(self) -> tuple[str, ...]:
        """The files that have a problem, each once, in order."""
        return tuple(sorted({problem.file for problem in self.problems}))
