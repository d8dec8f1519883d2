"""Which files count, and how changes are seen."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.workflows_app.catalog.conftest import Write
from workflows_app.catalog import scan


@pytest.mark.parametrize(
    "path",
    [
        "tests/test_a.py",
        "workflows/tests/test_a.py",
        "conftest.py",
        ".hidden/a.py",
        "workflows/.a.py",
        "__pycache__/a.py",
        "venv/lib/a.py",
        "workflows/notes.txt",
    ],
)
def test_tests_hidden_files_and_environments_are_no_sources(directory: Path, write: Write, path: str) -> None:
    write("venv/pyvenv.cfg", "")
    write(path, "X = 1")
    assert scan.read(directory).files == {}


def test_all_other_python_files_are_sources(directory: Path, write: Write) -> None:
    for path in ("a.py", "workflows/b.py", "lib/deep/c.py", "lib/__init__.py"):
        write(path, "")
    assert list(scan.read(directory).files) == ["a.py", "lib/__init__.py", "lib/deep/c.py", "workflows/b.py"]


def test_version_follows_content_and_path_but_not_time(directory: Path, write: Write) -> None:
    file = write("a.py", "X = 1")
    first = scan.read(directory).version
    os.utime(file, (1, 1))
    assert scan.read(directory).version == first
    file.rename(directory / "b.py")
    assert scan.read(directory).version != first


def test_fingerprint_sees_an_edit_of_the_same_size(directory: Path, write: Write) -> None:
    file = write("a.py", "X = 1")
    before = scan.fingerprint(directory)
    file.write_text("X = 2")
    os.utime(file, ns=(1, 1))
    assert scan.fingerprint(directory) != before


def test_fingerprint_sees_a_replaced_file_with_the_same_time_and_size(directory: Path, write: Write) -> None:
    file = write("a.py", "X = 1")
    before = scan.fingerprint(directory)
    other = write("b.tmp", "X = 2")
    os.utime(other, ns=(file.stat().st_mtime_ns,) * 2)
    other.replace(file)
    assert scan.fingerprint(directory) != before


def test_a_snapshot_with_a_young_file_is_not_settled(directory: Path, write: Write) -> None:
    file = write("a.py", "X = 1")
    # Half a second ahead, so that a slow machine does not make it old.
    os.utime(file, ns=(time.time_ns() + 500_000_000,) * 2)
    assert not scan.read(directory).settled
    os.utime(file, (1, 1))
    assert scan.read(directory).settled


def test_a_missing_directory_is_a_problem(tmp_path: Path) -> None:
    snapshot = scan.read(tmp_path / "nowhere")
    assert [problem.file for problem in snapshot.problems] == ["."]
    assert "is not a directory" in snapshot.problems[0].message


def test_a_file_that_cannot_be_read_is_a_problem(directory: Path, write: Write) -> None:
    write("good.py", "")
    (directory / "broken.py").symlink_to(directory / "gone.py")
    snapshot = scan.read(directory)
    assert list(snapshot.files) == ["good.py"]
    assert [str(problem) for problem in snapshot.problems] == [
        "broken.py: The file cannot be read: No such file or directory."
    ]


def test_a_file_name_that_is_not_text_is_a_problem(directory: Path) -> None:
    with open(os.fsencode(directory) + b"/\xff.py", "wb"):
        pass
    snapshot = scan.read(directory)
    assert snapshot.files == {}
    assert snapshot.problems[0].message == "The name of the file or of its folder is not UTF-8."
