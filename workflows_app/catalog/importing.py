"""Imports of workspace code, so that several versions of a workspace live in one process side by side.

Each version has a package name of its own. Its modules run with an `__import__` of their own, which sends
`workspace.a` (and the workspace's top-level names) to that package; functions keep it, so an import inside a function
finds the same version years later. Sources come from the version's snapshot, never from the disk.
`importlib.import_module` knows nothing of this: workspace code gives it relative names and `package=__package__`.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any

from workflows_app.catalog import leaving
from workflows_app.catalog.modules import ROOT, ModuleIndex
from workflows_app.catalog.scan import SourceFile


class VersionImporter:
    """Imports the modules of one version of a workspace."""

    def __init__(self, package: str, directory: Path, files: Mapping[str, SourceFile], index: ModuleIndex) -> None:
        self.package = package
        self.directory = directory
        self.files = files
        self.index = index
        self.builtins = {**vars(builtins), "__import__": self.import_, leaving.NAME: leaving.is_leaving}

    def full_name(self, inside: str) -> str:
        return f"{self.package}.{inside}" if inside else self.package

    def import_(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """`__import__` for the modules of this version."""
        inside = self.index.inside(name) if level == 0 else None
        if inside is None:
            return self._import_other(name, globals, locals, fromlist, level)
        module = builtins.__import__(self.full_name(inside), globals, locals, fromlist or (), 0)
        if fromlist or name.partition(".")[0] == ROOT:
            return module
        # `import workflows.a` binds the name `workflows`.
        return sys.modules[self.full_name(name.partition(".")[0])]

    def _import_other(
        self,
        name: str,
        globals: Mapping[str, object] | None,
        locals: Mapping[str, object] | None,
        fromlist: Sequence[str] | None,
        level: int,
    ) -> ModuleType:
        try:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        except ModuleNotFoundError as error:
            if level == 0 and error.name == name and self.index.holds(name):
                hint = f"{error.msg}; the workspace's own is {ROOT}.{name}"
                raise ModuleNotFoundError(hint, name=error.name, path=error.path) from None
            raise

    def find(self, full_name: str) -> ModuleSpec:
        """The spec of a module of this version. Raises ModuleNotFoundError, which keeps importlib from the disk."""
        inside = full_name[len(self.package) + 1 :]
        if not self.index.holds(inside):
            raise ModuleNotFoundError(f"No module named {readable(full_name)!r}", name=full_name)
        is_package = inside in self.index.packages
        path = self.index.files.get(inside)
        loader = SourceLoader(self, None if path is None else self.files[path])
        spec = ModuleSpec(full_name, loader, is_package=is_package)
        if path is not None:
            spec.origin = str(self.directory / path)
            spec.has_location = True
        return spec


class SourceLoader(Loader):
    """Runs one file of a snapshot as a module; a package without `__init__.py` has no file and runs nothing."""

    def __init__(self, importer: VersionImporter, file: SourceFile | None) -> None:
        self._importer = importer
        self._file = file

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._importer.builtins
        if self._file is not None:
            exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, full_name: str) -> Any:
        content = b"" if self._file is None else self._file.content
        filename = "" if self._file is None else str(self._importer.directory / self._file.path)
        return leaving.compiled(content, filename)

    def get_source(self, full_name: str) -> str:
        """The source that runs, also for tracebacks when the file is gone from the disk."""
        return "" if self._file is None else decode_source(self._file.content)

    def is_package(self, full_name: str) -> bool:
        return full_name[len(self._importer.package) + 1 :] in self._importer.index.packages


class VersionFinder(MetaPathFinder):
    """Finds the modules of all installed versions; one per process, first on `sys.meta_path`."""

    def __init__(self) -> None:
        self.importers: dict[str, VersionImporter] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        importer = self.importers.get(fullname.partition(".")[0])
        return None if importer is None else importer.find(fullname)


PREFIX = "bifrost_workspace_"
_PACKAGE = re.compile(rf"\b{PREFIX}[0-9a-f]+_\d+\b")
_finder = VersionFinder()


def install(importer: VersionImporter, modules: Mapping[str, ModuleType]) -> None:
    """From now on the version's modules can be imported; `modules` are those that it had before it was uninstalled."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules.update(modules)
    _finder.importers[importer.package] = importer


def uninstall(importer: VersionImporter) -> dict[str, ModuleType]:
    """Takes the version's modules out of `sys.modules` and returns them."""
    _finder.importers.pop(importer.package, None)
    names = [name for name in list(sys.modules) if name.partition(".")[0] == importer.package]
    return {name: sys.modules.pop(name) for name in names}


def readable(text: str) -> str:
    """The text with the packages of versions under the name that authors write."""
    return _PACKAGE.sub(ROOT, text)
