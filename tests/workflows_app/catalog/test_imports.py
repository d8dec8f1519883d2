"""Imports of workspace code find the workspace's own version, and never replace anybody else's module."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import bifrost
from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace


def module(workspace: Workspace, name: str) -> ModuleType:
    catalog = workspace.current()
    assert not [problem for problem in catalog.problems if problem.traceback]
    return catalog.home.load(name)


@pytest.mark.parametrize(
    ("statement", "expression"),
    [
        ("from workspace.lib.names import VALUE", "VALUE"),
        ("from workspace.lib import names", "names.VALUE"),
        ("import workspace.lib.names", "workspace.lib.names.VALUE"),
        ("import workspace.lib.names as n", "n.VALUE"),
        ("import workspace.lib.names, workspace", "workspace.lib.names.VALUE"),
        ("from lib.names import VALUE", "VALUE"),
        ("import lib.names", "lib.names.VALUE"),
        ("import lib.names as n", "n.VALUE"),
        ("from ..lib.names import VALUE", "VALUE"),
        ("from ..lib import names as n", "n.VALUE"),
        ("from workspace.lib.names import *", "VALUE"),
        ("from importlib import import_module; n = import_module('..lib.names', __package__)", "n.VALUE"),
    ],
)
@pytest.mark.parametrize("package", [False, True], ids=["folder", "package"])
def test_every_way_to_import_finds_the_workspace(
    write: Write, workspace: Workspace, statement: str, expression: str, package: bool
) -> None:
    write("lib/names.py", "VALUE = 'ours'")
    if package:
        write("lib/__init__.py", "")
    write("workflows/a.py", f"{statement}\nFOUND = {expression}\n")
    assert module(workspace, "workflows.a").FOUND == "ours"


def test_an_import_inside_a_function_finds_the_same_version(write: Write, workspace: Workspace) -> None:
    write("lib.py", "VALUE = 'first'")
    write("a.py", workflow("lazy", "from workspace.lib import VALUE; return VALUE"))
    assert workspace.find("lazy").spec.function(None) == "first"


def test_two_modules_that_import_each_other_load(write: Write, workspace: Workspace) -> None:
    write("a.py", "import workspace.b\nX = 1\n")
    write("b.py", "from workspace import a\ndef x(): return a.X\n")
    assert module(workspace, "b").x() == 1


@pytest.mark.parametrize("name", ["json", "bifrost", "orgs", "httpx", "django"])
def test_a_workspace_module_does_not_shadow_an_installed_one(write: Write, workspace: Workspace, name: str) -> None:
    write(f"{name}.py", "MINE = True")
    write("a.py", f"import {name}\nimport workspace.{name} as own\n")
    loaded = module(workspace, "a")
    assert vars(loaded)[name] is sys.modules[name]
    assert loaded.own.MINE
    assert not hasattr(sys.modules[name], "MINE")
    assert [warning.file for warning in workspace.current().warnings] == [f"{name}.py"]


def test_the_workspace_integrations_folder_is_reached_by_its_full_name(write: Write, workspace: Workspace) -> None:
    write("integrations/custom_api.py", "NAME = 'custom'")
    write("good.py", "from workspace.integrations.custom_api import NAME")
    write("bad.py", "from integrations.custom_api import NAME")
    catalog = workspace.current()
    assert catalog.home.load("good").NAME == "custom"
    assert catalog.broken_files == ("bad.py",)
    assert "the workspace's own is workspace.integrations.custom_api" in catalog.problems[0].message
    assert catalog.warnings == ()


@pytest.mark.parametrize("root", ["engine.shared", "shared"])
def test_the_documents_import_paths_give_the_sdk(write: Write, workspace: Workspace, root: str) -> None:
    write("a.py", f"from {root}.decorators import workflow\nfrom {root}.error_handling import ValidationError\n")
    loaded = module(workspace, "a")
    assert loaded.workflow is bifrost.workflow
    assert loaded.ValidationError is bifrost.ValidationError


def test_a_workspace_folder_named_shared_does_not_hide_the_documents_paths(write: Write, workspace: Workspace) -> None:
    write("shared/tools.py", "X = 1")
    write("a.py", "from shared.error_handling import ValidationError\nfrom workspace.shared.tools import X\n")
    assert module(workspace, "a").ValidationError is bifrost.ValidationError


def test_nothing_is_imported_from_beside_the_snapshot(write: Write, workspace: Workspace) -> None:
    write("workflows/a.py", workflow("lazy", "from . import late; return late.X"))
    loaded = workspace.find("lazy")
    write("workflows/late.py", "X = 1")
    with pytest.raises(ImportError, match="late"):
        loaded.spec.function(None)


def test_modules_know_their_real_file(write: Write, workspace: Workspace, directory: Path) -> None:
    write("workflows/a.py", "import inspect, sys\nSOURCE = inspect.getsource(sys.modules[__name__])\n")
    loaded = module(workspace, "workflows.a")
    assert loaded.__file__ == str(directory / "workflows" / "a.py")
    assert loaded.SOURCE.startswith("import inspect")


def test_dataclasses_with_string_annotations_and_pickles_work(write: Write, workspace: Workspace) -> None:
    write(
        "a.py",
        """
        from __future__ import annotations
        import pickle
        from dataclasses import dataclass, field
        from typing import ClassVar

        @dataclass
        class Device:
            name: str
            kinds: ClassVar[list[str]] = []
            tags: list[str] = field(default_factory=list)

        COPY = pickle.loads(pickle.dumps(Device("srv-1")))
        """,
    )
    assert module(workspace, "a").COPY.name == "srv-1"


def test_the_platform_does_not_see_workspace_names(write: Write, workspace: Workspace) -> None:
    write("only_here.py", "X = 1")
    workspace.current()
    assert "only_here" not in sys.modules
    assert "workspace.only_here" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        __import__("only_here")


def test_two_workspaces_side_by_side_keep_apart(tmp_path: Path) -> None:
    found: list[Any] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lib.py").write_text(f"VALUE = {json.dumps(name)}")
        (tmp_path / name / "a.py").write_text(workflow("value", "import lib; return lib.VALUE"))
        found.append(Workspace(tmp_path / name).find("value").spec.function)
    assert [function(None) for function in found] == ["one", "two"]
