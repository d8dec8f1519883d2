"""Changes on the disk are followed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import Workspace, scan
from workflows_app.catalog import workspace as workspace_module
from workflows_app.errors import UnknownWorkflow


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts loads, and lets a test wait for one."""
    count = 0
    load = workspace_module.load

    def counted(snapshot: scan.Snapshot) -> Any:
        nonlocal count
        count += 1
        return load(snapshot)

    monkeypatch.setattr(workspace_module, "load", counted)
    return lambda: count


def wait_until(condition: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(500):
        if condition():
            return
        waited.wait(0.01)
    pytest.fail("It did not happen within five seconds.")


def test_nothing_is_loaded_before_it_is_asked_for(write: Write, workspace: Workspace, loads: Callable[[], int]) -> None:
    write("a.py", workflow("a"))
    assert loads() == 0
    workspace.current()
    workspace.current()
    assert loads() == 1


def test_an_unknown_name_makes_it_look_at_once(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("a"))
    workspace.current()
    write("b.py", workflow("b"))
    assert workspace.find("b").file == "b.py"


def test_a_removed_file_takes_its_workflow_along(write: Write, workspace: Workspace) -> None:
    file = write("a.py", workflow("a"))
    write("b.py", workflow("b"))
    workspace.find("a")
    file.unlink()
    workspace.refresh()
    with pytest.raises(UnknownWorkflow):
        workspace.find("a")


def test_nothing_changed_means_the_same_catalog(write: Write, workspace: Workspace, loads: Callable[[], int]) -> None:
    file = write("a.py", workflow("a"))
    catalog = workspace.current()
    file.touch()
    assert workspace.refresh() is catalog
    assert loads() == 1


def test_a_quick_second_edit_of_the_same_size_is_seen(write: Write, workspace: Workspace) -> None:
    for number in range(10, 40):
        write("a.py", workflow("a", f"return {number}"))
        workspace.refresh()
        assert f"{number}" in workspace.find("a").sources["a.py"]


def test_a_repaired_file_loses_its_problem(write: Write, workspace: Workspace) -> None:
    write("a.py", "raise ValueError")
    assert workspace.current().broken_files == ("a.py",)
    write("a.py", workflow("a"))
    assert workspace.refresh().problems == ()


def test_a_file_that_breaks_takes_only_its_own_workflows(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("a"))
    write("b.py", workflow("b"))
    workspace.current()
    write("a.py", "def broken(")
    assert list(workspace.refresh().workflows) == ["b"]


def test_the_watcher_follows_an_edit(write: Write, workspace: Workspace) -> None:
    write("a.py", workflow("a"))
    workspace.current()
    workspace.watch(0.01)
    write("b.py", workflow("b"))
    wait_until(lambda: "b" in workspace.current().workflows)


def test_the_watcher_waits_until_an_editor_is_done(
    write: Write, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, loads: Callable[[], int]
) -> None:
    write("a.py", workflow("a"))
    workspace.current()
    looks: list[int] = []

    def still_writing(directory: Path) -> scan.Fingerprint:
        # Another file time at each of the first six looks, then the same.
        looks.append(loads())
        return {"a.py": (min(len(looks), 6), 0, 0)}

    monkeypatch.setattr(scan, "fingerprint", still_writing)
    write("a.py", workflow("a", "return 2"))
    workspace.watch(0.01)
    wait_until(lambda: loads() == 2)
    assert looks[:7] == [1] * 7


def test_the_watcher_goes_on_after_a_failed_look(
    write: Write, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write("a.py", workflow("a"))
    workspace.current()
    look = scan.fingerprint
    failures = iter([OSError("disk away"), OSError("disk away")])

    def failing(directory: Path) -> scan.Fingerprint:
        for error in failures:
            raise error
        return look(directory)

    monkeypatch.setattr(scan, "fingerprint", failing)
    write("b.py", workflow("b"))
    with caplog.at_level(logging.ERROR):
        workspace.watch(0.01)
        wait_until(lambda: "b" in workspace.current().workflows)
    assert "could not be looked at" in caplog.text


def test_a_workspace_has_one_watcher_which_ends_when_told(workspace: Workspace) -> None:
    def watchers() -> int:
        return sum(thread.name == "workspace-watch" for thread in threading.enumerate())

    before = watchers()
    workspace.watch(0.01)
    workspace.watch(0.01)
    assert watchers() == before + 1
    workspace.stop_watching()
    assert watchers() == before


def test_a_file_that_takes_for_ever_holds_up_nobody_else(
    write: Write, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a.py", workflow("a"))
    before = workspace.current()
    monkeypatch.setattr(workspace_module, "LOADING_SECONDS", 0.05)
    importing, allowed = threading.Event(), threading.Event()
    load = workspace_module.load

    def slow(snapshot: scan.Snapshot) -> Any:
        importing.set()
        allowed.wait(20)
        return load(snapshot)

    monkeypatch.setattr(workspace_module, "load", slow)
    write("b.py", workflow("b"))
    workspace.watch(0.01)
    assert importing.wait(20)
    with pytest.raises(UnknownWorkflow):
        workspace.find("b")
    assert workspace.refresh() is before
    workspace.stop_watching()
    allowed.set()
    wait_until(lambda: "b" in workspace.current().workflows)


def test_many_threads_that_ask_first_load_once(write: Write, workspace: Workspace, loads: Callable[[], int]) -> None:
    write("a.py", workflow("a"))
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(workspace.current())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert loads() == 1
