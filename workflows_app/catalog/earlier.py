"""Earlier versions of workflows, from the sources that are kept in the database, so that the same code runs again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from orgs.tenancy import shared_context
from workflows_app.catalog.contents import LoadedWorkflow
from workflows_app.catalog.workspace import Workspace
from workflows_app.dispatch.models import CodeVersion
from workflows_app.errors import UnknownWorkflow

_workspaces: dict[str, Workspace] = {}


def stored(name: str, code_version: str) -> LoadedWorkflow:
    """The workflow as it was in that version. Raises UnknownWorkflow where the version was not kept, or does not load
    any more.
    """
    workspace = _workspaces.get(code_version) or _workspaces.setdefault(
        code_version, Workspace(_laid_out(code_version))
    )
    loaded = workspace.find(name)
    if loaded.code_version != code_version:
        raise UnknownWorkflow(f"The kept sources of version {code_version[:12]} do not make that version.")
    return loaded


def _laid_out(code_version: str) -> Path:
    """The directory with the version's files, written whole or not at all."""
    directory: Path = settings.EARLIER_CODE / code_version
    if directory.is_dir():
        return directory
    with shared_context():
        files = CodeVersion.objects.filter(hash=code_version).values_list("files", flat=True).first()
    if files is None:
        raise UnknownWorkflow(f"The code of version {code_version[:12]} was not kept.")
    settings.EARLIER_CODE.mkdir(parents=True, exist_ok=True)
    written = Path(tempfile.mkdtemp(dir=settings.EARLIER_CODE))
    _write(written, files)
    try:
        written.rename(directory)
    except OSError:  # another process was faster
        shutil.rmtree(written)
    return directory


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = (directory / name).resolve()
        if not path.is_relative_to(directory.resolve()):
            raise UnknownWorkflow(f"The kept sources name a file outside the workspace: {name!r}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
