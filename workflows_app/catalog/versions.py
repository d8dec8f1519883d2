"""One state of the workspace, loaded under a package name of its own for as long as somebody needs it."""

from __future__ import annotations

import importlib
import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, ModuleType

from bifrost.sdk.integration import BaseIntegration
from workflows_app.catalog.contents import LoadedDataProvider, LoadedWorkflow
from workflows_app.catalog.importing import PREFIX, VersionImporter, install, uninstall
from workflows_app.catalog.modules import ModuleIndex
from workflows_app.catalog.scan import Snapshot

_numbers = itertools.count(1)


class WorkspaceVersion:
    """Keeps its modules importable while it is current or leased.

    A version that was superseded and given up comes back when it is leased after all: between looking up a workflow
    and leasing it the workspace may change.
    """

    def __init__(self, snapshot: Snapshot, index: ModuleIndex) -> None:
        self.snapshot = snapshot
        self.index = index
        self.integrations: Mapping[str, type[BaseIntegration]] = MappingProxyType({})  # by name, once loaded
        # The number keeps apart two loads of the same content, such as an edit that was undone while a run goes on.
        self.package = f"{PREFIX}{snapshot.version[:12]}_{next(_numbers)}"
        self._importer = VersionImporter(self.package, snapshot.directory, snapshot.files, index)
        self._lock = threading.RLock()  # a lease may end when garbage is collected, with the lock held
        self._leases = 0
        self._superseded = False
        self._set_aside: dict[str, ModuleType] | None = None
        install(self._importer, {})

    @property
    def installed(self) -> bool:
        return self._set_aside is None

    def load(self, inside: str) -> ModuleType:
        """The module of that dotted name inside the workspace. Raises whatever its code raises."""
        return importlib.import_module(self._importer.full_name(inside))

    def acquire(self) -> None:
        with self._lock:
            self._leases += 1
            if self._set_aside is not None:
                install(self._importer, self._set_aside)
                self._set_aside = None

    def release(self) -> None:
        with self._lock:
            if not self._leases:
                raise RuntimeError(f"{self.package} was released more often than acquired.")
            self._leases -= 1
            self._leave_if_unused()

    def supersede(self) -> None:
        """Another version is current now; the modules go with the last lease."""
        with self._lock:
            self._superseded = True
            self._leave_if_unused()

    def _leave_if_unused(self) -> None:
        if self._superseded and not self._leases and self._set_aside is None:
            self._set_aside = uninstall(self._importer)


def acquire(loaded: LoadedWorkflow | LoadedDataProvider) -> None:
    """Keeps the version of this workflow importable until as many calls of `release`."""
    loaded.home.acquire()


def release(loaded: LoadedWorkflow | LoadedDataProvider) -> None:
    """Gives a lease back. Raises RuntimeError where there was none."""
    loaded.home.release()


@contextmanager
def lease(loaded: LoadedWorkflow | LoadedDataProvider) -> Iterator[None]:
    """Keeps the version of this workflow importable inside the block."""
    acquire(loaded)
    try:
        yield
    finally:
        release(loaded)
