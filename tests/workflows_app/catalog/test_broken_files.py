"""A file that does not load hides no other and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("X = 1\ndef f(:\n", 2, "SyntaxError"),
        ("\nimport no_such_package\n", 2, "No module named 'no_such_package'"),
        ("import workspace.nope\n", 1, "No module named 'workspace.nope'"),
        ("from workspace.good import nope\n", 1, "cannot import name 'nope' from 'workspace.good'"),
        ("X = 1\n\nraise SystemExit(3)\n", 3, "SystemExit: 3"),
        ("raise KeyboardInterrupt\n", 1, "KeyboardInterrupt"),
        ("class Own(BaseException): pass\nraise Own('no')\n", 2, "Own: no"),
        ("def f(): f()\nf()\n", 1, "RecursionError"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n", 3, "E: "),
        ("X = 1\x00\n", None, "null bytes"),
        ("# -*- coding: latin-9000 -*-\n", None, "unknown encoding"),
        ("raise ExceptionGroup('several', [ValueError('a')])", 1, "several"),
    ],
)
def test_a_broken_file_is_a_problem_with_its_line(
    write: Write, workspace: Workspace, source: str, line: int | None, message: str
) -> None:
    write("good.py", workflow("good"))
    write("workflows/broken.py", source)
    catalog = workspace.current()
    assert list(catalog.workflows) == ["good"]
    assert [problem.file for problem in catalog.problems] == ["workflows/broken.py"]
    assert message in catalog.problems[0].message
    assert catalog.problems[0].line == line


def test_a_file_that_is_not_utf8_is_a_problem(write: Write, workspace: Workspace, directory: Path) -> None:
    write("good.py", workflow("good"))
    (directory / "broken.py").write_bytes(b"X = '\xff\xfe'\n")
    assert workspace.current().broken_files == ("broken.py",)


def test_a_traceback_shows_the_authors_lines_and_real_paths_alone(
    write: Write, workspace: Workspace, directory: Path
) -> None:
    write("lib.py", "def check(value):\n    return 1 / value\n")
    write("a.py", "from workspace.lib import check\ncheck(0)\n")
    text = workspace.current().problems[0].traceback
    assert f'File "{directory}/a.py", line 2' in text
    assert "return 1 / value" in text
    assert "importlib" not in text
    assert "workflows_app" not in text


def test_a_file_fails_with_the_file_that_it_imports_and_both_are_named(write: Write, workspace: Workspace) -> None:
    write("lib.py", "raise ValueError('lib is broken')")
    write("a.py", "\nimport workspace.lib\n")
    write("b.py", workflow("b"))
    catalog = workspace.current()
    assert [(problem.file, problem.line) for problem in catalog.problems] == [("a.py", 2), ("lib.py", 1)]
    assert list(catalog.workflows) == ["b"]


def test_a_chained_cause_is_in_the_traceback(write: Write, workspace: Workspace) -> None:
    write("a.py", "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise ValueError('worse') from error\n")
    text = workspace.current().problems[0].traceback
    assert "ZeroDivisionError" in text
    assert "ValueError: worse" in text


def test_a_declaration_error_names_file_and_line(write: Write, workspace: Workspace) -> None:
    write(
        "workflows/a.py",
        """\
        from bifrost import param, workflow

        @workflow(name="a")
        @param("b", "string")
        def a(context): ...
        """,
    )
    (problem,) = workspace.current().problems
    assert str(problem) == 'workflows/a.py:4: workflow "a": parameter "b" is not taken by the function'


def test_a_dot_in_a_name_is_a_problem(write: Write, workspace: Workspace) -> None:
    write("workflows/v1.2.py", workflow("dotted"))
    write("my.folder/a.py", workflow("inside"))
    catalog = workspace.current()
    assert catalog.broken_files == ("my.folder/a.py", "workflows/v1.2.py")
    assert catalog.workflows == {}


def test_a_hyphen_in_a_name_is_none(write: Write, workspace: Workspace) -> None:
    write("workflows/my-workflow.py", workflow("hyphen"))
    assert workspace.find("hyphen").file == "workflows/my-workflow.py"


def test_a_file_hidden_by_a_package_is_a_problem(write: Write, workspace: Workspace) -> None:
    write("workflows/a.py", workflow("hidden"))
    write("workflows/a/__init__.py", workflow("shown"))
    catalog = workspace.current()
    assert list(catalog.workflows) == ["shown"]
    assert str(catalog.problems[0]) == (
        "workflows/a.py: The package workflows/a/__init__.py hides this file: rename one of them."
    )


def test_a_module_beside_a_folder_of_its_name_makes_the_folder_a_problem(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("outside"))
    write("a/b.py", workflow("inside"))
    catalog = workspace.current()
    assert list(catalog.workflows) == ["outside"]
    assert "'workspace.a' is not a package" in catalog.problems[0].message


def test_an_empty_workspace_is_a_problem(workspace: Workspace) -> None:
    assert "holds no workflow" in workspace.current().problems[0].message


def test_a_missing_workspace_is_a_problem_until_it_is_there(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "later")
    assert "is not a directory" in workspace.current().problems[0].message
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.py").write_text(workflow("a"))
    assert list(workspace.refresh().workflows) == ["a"]
    assert workspace.current().problems == ()
