"""A workspace directory and the catalog of what it holds now."""

from __future__ import annotations

import difflib
import logging
import threading
from pathlib import Path

from workflows_app.catalog import scan
from workflows_app.catalog.contents import Catalog, LoadedWorkflow
from workflows_app.catalog.loading import load
from workflows_app.errors import UnknownWorkflow

log = logging.getLogger(__name__)

# Editors write in pieces: a change is loaded when two looks this far apart see the same.
SETTLE_SECONDS = 0.05
SETTLE_LOOKS = 20
# An author's file may do at import what it likes: who asks meanwhile waits so long and goes by what is loaded.
LOADING_SECONDS = 5.0


class Workspace:
    """Loads a directory on first use and anew whenever it changed. All methods may be called from any thread."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._catalog: Catalog | None = None
        self._fingerprint: scan.Fingerprint = {}
        self._settled = False
        self._loading = threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def current(self) -> Catalog:
        """The catalog as last loaded; loads it where that never happened."""
        return self._catalog or self.refresh()

    def refresh(self) -> Catalog:
        """Looks at the disk now and loads what changed since. The old version stays with the runs that hold it."""
        loaded = self._catalog
        if not self._loading.acquire(timeout=-1 if loaded is None else LOADING_SECONDS):
            assert loaded is not None
            return loaded
        try:
            if self._catalog is not None and self._settled and scan.fingerprint(self.directory) == self._fingerprint:
                return self._catalog
            return self._load(scan.read(self.directory))
        finally:
            self._loading.release()

    def _load(self, snapshot: scan.Snapshot) -> Catalog:
        before = self._catalog
        catalog = before if before is not None and _same(before, snapshot) else load(snapshot)
        self._catalog, self._fingerprint, self._settled = catalog, snapshot.fingerprint, snapshot.settled
        if before is not None and before is not catalog:
            before.home.supersede()
            log.info("The workspace changed: version %s, %d problems.", catalog.version[:12], len(catalog.problems))
        return catalog

    def find(self, name: str) -> LoadedWorkflow:
        """The workflow of that name. Looks at the disk again before it raises UnknownWorkflow."""
        loaded = self.current().workflows.get(name)
        if loaded is not None:
            return loaded
        catalog = self.refresh()
        if name not in catalog.workflows:
            raise unknown(name, catalog)
        return catalog.workflows[name]

    def watch(self, seconds: float) -> None:
        """Looks for changes every so many seconds, in a thread of its own; once per process, also after a fork."""
        if self._watcher is not None and self._watcher.is_alive():
            return
        self._stop = threading.Event()
        self._watcher = threading.Thread(
            target=self._watch, args=(seconds, self._stop), name="workspace-watch", daemon=True
        )
        self._watcher.start()

    def stop_watching(self) -> None:
        """Ends the thread and waits for it; a load that is under way gets a few seconds to end first."""
        self._stop.set()
        if self._watcher is not None and self._watcher.is_alive():
            self._watcher.join(LOADING_SECONDS)
        self._watcher = None

    def _watch(self, seconds: float, stop: threading.Event) -> None:
        while not stop.wait(seconds):
            try:
                self._refresh_when_settled(stop)
            except Exception:  # a watcher that died would hide every later change
                log.exception("The workspace could not be looked at; trying again in %s s.", seconds)

    def _refresh_when_settled(self, stop: threading.Event) -> None:
        seen = scan.fingerprint(self.directory)
        if self._settled and seen == self._fingerprint:
            return
        for _ in range(SETTLE_LOOKS):
            stop.wait(SETTLE_SECONDS)
            before, seen = seen, scan.fingerprint(self.directory)
            if before == seen:
                break
        self.refresh()


def unknown(name: str, catalog: Catalog) -> UnknownWorkflow:
    """The error for a name that the catalog does not hold: similar names, and what may be missing for a fault."""
    similar = difflib.get_close_matches(name, catalog.workflows, n=3)
    broken = len(catalog.broken_files)
    message = f'There is no workflow "{name}".'
    if similar:
        message += " Similar: " + ", ".join(similar) + "."
    if broken:
        message += f" {broken} {'file has' if broken == 1 else 'files have'} problems (manage.py workflows shows them)."
    return UnknownWorkflow(message, {"workflow": name, "similar": similar, "files_with_problems": broken})


def _same(catalog: Catalog, snapshot: scan.Snapshot) -> bool:
    return catalog.version == snapshot.version and catalog.home.snapshot.problems == snapshot.problems
