"""What the workspace offers: finds and loads authors' files, keeps versions apart, follows changes.

    current()                 the catalog; loaded on first use, never at import
    find(name)                a workflow, or UnknownWorkflow after a second look at the disk
    acquire, release, lease   hold the version of a workflow while it runs
    store_sources(loaded)     keeps the code of a run in the database
    stored(name, version)     a workflow as it was in a version that was kept
    start_watching()          follows changes on the disk from now on

An execution keeps the `LoadedWorkflow` that `find` gave it: one consistent version, whatever is edited meanwhile.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from workflows_app.catalog import scan
from workflows_app.catalog.contents import Catalog, LoadedDataProvider, LoadedWorkflow, Problem
from workflows_app.catalog.earlier import stored
from workflows_app.catalog.storing import store_sources
from workflows_app.catalog.versions import acquire, lease, release
from workflows_app.catalog.workspace import Workspace

__all__ = [
    "Catalog",
    "LoadedDataProvider",
    "LoadedWorkflow",
    "Problem",
    "Workspace",
    "acquire",
    "current",
    "find",
    "is_outdated",
    "lease",
    "refresh",
    "release",
    "start_watching",
    "stop_watching",
    "store_sources",
    "stored",
]

_workspaces: dict[Path, Workspace] = {}


def _workspace() -> Workspace:
    """The workspace of this process, by settings.WORKSPACE."""
    directory: Path = settings.WORKSPACE
    known = _workspaces.get(directory)
    return known or _workspaces.setdefault(directory, Workspace(directory))


def current() -> Catalog:
    """What the workspace offers now."""
    return _workspace().current()


def find(name: str) -> LoadedWorkflow:
    """The workflow of that name. Raises UnknownWorkflow, with similar names and the number of files with problems."""
    return _workspace().find(name)


def refresh() -> Catalog:
    """Looks at the disk now, rather than at the next poll."""
    return _workspace().refresh()


def is_outdated() -> bool:
    """Whether the disk holds something else than what is loaded. Reads the whole workspace."""
    return scan.read(settings.WORKSPACE).version != current().version


def start_watching() -> None:
    """Follows changes on the disk in a thread. After a fork the child calls it for itself."""
    _workspace().watch(settings.ENGINE["workspace_poll_seconds"])


def stop_watching() -> None:
    _workspace().stop_watching()
