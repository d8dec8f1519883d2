"""What code a run stands on: the hash and the sources of the file and all that it imports."""

from __future__ import annotations

import pytest

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace


def sources(workspace: Workspace, name: str = "a") -> list[str]:
    return list(workspace.refresh().workflows[name].sources)


@pytest.mark.parametrize(
    "statement",
    [
        "import workspace.lib.names",
        "from workspace.lib import names",
        "from workspace.lib.names import VALUE",
        "from .lib import names",
        "from .lib.names import *",
        "import lib.names as n",
    ],
)
@pytest.mark.parametrize("inside", [False, True], ids=["at the top", "in the function"])
def test_imported_files_are_sources(write: Write, workspace: Workspace, statement: str, inside: bool) -> None:
    write("lib/names.py", "VALUE = 1")
    write("unrelated.py", "")
    top = "" if inside or "*" in statement else statement + "\n"
    body = f"{statement}; return 1" if inside and "*" not in statement else "return 1"
    tail = statement if "*" in statement else ""
    write("a.py", f"{top}{workflow('a', body)}{tail}\n")
    assert sources(workspace) == ["a.py", "lib/names.py"]


def test_packages_on_the_way_and_imports_of_imports_are_sources(write: Write, workspace: Workspace) -> None:
    write("lib/__init__.py", "from . import base\n")
    write("lib/base.py", "")
    write("lib/names.py", "")
    write("workflows/__init__.py", "")
    write("workflows/a.py", "from ..lib import names\n" + workflow("a"))
    expected = ["lib/__init__.py", "lib/base.py", "lib/names.py", "workflows/__init__.py", "workflows/a.py"]
    assert sources(workspace) == expected


def test_a_circle_of_imports_ends(write: Write, workspace: Workspace) -> None:
    write("a.py", "import workspace.b\n" + workflow("a"))
    write("b.py", "import workspace.a\n")
    assert sources(workspace) == ["a.py", "b.py"]


def test_the_version_changes_with_what_is_imported_and_with_nothing_else(write: Write, workspace: Workspace) -> None:
    write("lib.py", "VALUE = 1")
    write("a.py", workflow("a", "import workspace.lib; return 1"))
    first = workspace.refresh().workflows["a"].code_version
    write("unrelated.py", "VALUE = 1")
    assert workspace.refresh().workflows["a"].code_version == first
    write("lib.py", "VALUE = 2")
    assert workspace.refresh().workflows["a"].code_version != first


def test_installed_modules_are_no_sources(write: Write, workspace: Workspace) -> None:
    write("json.py", "")
    write("a.py", "import json, asyncio\nfrom os import path\n" + workflow("a"))
    assert sources(workspace) == ["a.py"]


def test_a_relative_import_beyond_the_workspace_is_no_source(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("a", "from ...... import x; return 1"))
    assert sources(workspace) == ["a.py"]


def test_sources_are_the_text_that_ran(write: Write, workspace: Workspace) -> None:
    file = write("a.py", workflow("a", "return 'é'"))
    loaded = workspace.find("a")
    text = file.read_text()
    write("a.py", workflow("a", "return 'changed'"))
    assert loaded.sources == {"a.py": text}
