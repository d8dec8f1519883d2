"""Names of workspace modules: which file `workspace.workflows.a` is, and which top-level names are its own."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path, PurePosixPath

from workflows_app.catalog.contents import Problem

ROOT = "workspace"
# Served by bifrost.sdk.aliases, whatever the workspace holds under these names.
ALIASES = frozenset({"engine", "shared"})
# A folder that every workspace may have although the platform has a package of that name; no warning for it.
EXPECTED = frozenset({"integrations"})


@dataclass(frozen=True, slots=True)
class ModuleIndex:
    """The modules of one workspace, by dotted name relative to it; the root package is the empty name.

    `files` maps a module or a package with an `__init__.py` to its file; `packages` holds all packages, also those
    without one. `own` are the top-level names that workspace code may import without the leading `workspace.`.
    """

    files: Mapping[str, str]
    packages: frozenset[str]
    own: frozenset[str]

    def inside(self, name: str) -> str | None:
        """The workspace's own dotted name of what an absolute import names, or None where it means something else."""
        top, _, rest = name.partition(".")
        if top == ROOT:
            return rest
        return name if top in self.own else None

    def holds(self, inside: str) -> bool:
        return inside in self.files or inside in self.packages


def index(directory: Path, paths: Iterable[str]) -> tuple[ModuleIndex, list[Problem], list[Problem]]:
    """The index of these files, the problems and the warnings that their names alone make."""
    files: dict[str, str] = {}
    packages = {""}
    problems: list[Problem] = []
    # An __init__.py comes first, so that it wins over a module of the package's name, as in Python.
    for path in sorted(paths, key=lambda path: (not path.endswith("__init__.py"), path)):
        name = module_name(path)
        if any("." in part for part in PurePosixPath(path).with_suffix("").parts):
            problems.append(Problem(path, None, "A dot in the name of a file or folder: Python cannot import it."))
            continue
        if name in files:
            problems.append(Problem(path, None, f"The package {files[name]} hides this file: rename one of them."))
            continue
        files[name] = path
        packages.update(_parents(name))
        if path.endswith("__init__.py"):
            packages.add(name)
    own, warnings = _own_names(directory, files)
    return ModuleIndex(files, frozenset(packages - (files.keys() - _with_init(files))), own), problems, warnings


def module_name(path: str) -> str:
    """`workflows/a.py` is `workflows.a`, `workflows/__init__.py` is `workflows`."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_installed(name: str, directory: Path) -> bool:
    """Whether a top-level name belongs to Python, the platform or an installed package, wherever the workspace lies."""
    if name in ALIASES or name in sys.stdlib_module_names:
        return True
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != directory]
    spec = PathFinder.find_spec(name, elsewhere)
    # A folder without __init__.py is found as well, with no loader; such a folder is nobody's package.
    return spec is not None and spec.loader is not None


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(len(parts))}


def _with_init(files: Mapping[str, str]) -> set[str]:
    return {name for name, path in files.items() if path.endswith("__init__.py")}


def _own_names(directory: Path, files: Mapping[str, str]) -> tuple[frozenset[str], list[Problem]]:
    first_file: dict[str, str] = {}
    for name, path in files.items():
        if name:
            first_file.setdefault(name.partition(".")[0], path)
    taken = {name for name in first_file if is_installed(name, directory)}
    warnings = [
        Problem(
            first_file[name],
            None,
            f'"{name}" is also the name of an installed package: "import {name}" gives that one. '
            f"Import the workspace's own as {ROOT}.{name}.",
        )
        for name in sorted(taken - EXPECTED)
    ]
    return frozenset(first_file.keys() - taken), warnings
