"""Which workspace files a module stands on, read from its imports, and the hash that names that code."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib.util import decode_source

from workflows_app.catalog.modules import ModuleIndex, module_name
from workflows_app.catalog.scan import Snapshot, SourceFile, digest_of


class SourceGraph:
    """The imports between the files of a snapshot, those inside functions too. One by a computed name is not seen."""

    def __init__(self, snapshot: Snapshot, index: ModuleIndex) -> None:
        self._files = snapshot.files
        self._index = index
        self._direct: dict[str, frozenset[str]] = {}

    def code_of(self, path: str) -> tuple[str, Mapping[str, str]]:
        """The hash of a file together with all that it imports from the workspace, and those sources by path."""
        files = {name: self._files[name] for name in sorted(self._reachable(path))}
        return digest_of(files), {name: text_of(file) for name, file in files.items()}

    def _reachable(self, path: str) -> set[str]:
        reached: set[str] = set()
        waiting = {path, *self._on_the_way(module_name(path))}
        while waiting:
            here = waiting.pop()
            reached.add(here)
            waiting |= self._imports_of(here) - reached
        return reached

    def _imports_of(self, path: str) -> frozenset[str]:
        if path not in self._direct:
            names = imported_names(self._files[path], self._index)
            self._direct[path] = frozenset(file for name in names for file in self._on_the_way(name))
        return self._direct[path]

    def _on_the_way(self, inside: str) -> Iterator[str]:
        """The files that importing a module runs: its packages' `__init__.py` and its own."""
        parts = inside.split(".")
        for count in range(len(parts) + 1):
            file = self._index.files.get(".".join(parts[:count]))
            if file is not None:
                yield file


def imported_names(file: SourceFile, index: ModuleIndex) -> Iterator[str]:
    """The workspace's own dotted names that the file imports; of `from a import b` both `a` and `a.b`."""
    try:
        tree = ast.parse(file.content)
    except (SyntaxError, ValueError, RecursionError):
        return  # It does not load either, and is reported there.
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                inside = index.inside(alias.name)
                if inside is not None:
                    yield inside
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, file.path, index)
            if base is not None:
                yield base
                yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)


def _base(node: ast.ImportFrom, path: str, index: ModuleIndex) -> str | None:
    if not node.level:
        return index.inside(node.module or "")
    folders = path.split("/")[:-1]
    if node.level - 1 > len(folders):
        return None
    return ".".join([*folders[: len(folders) - node.level + 1], *([node.module] if node.module else [])])


def text_of(file: SourceFile) -> str:
    return decode_source(file.content)
