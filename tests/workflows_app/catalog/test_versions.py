"""Versions live side by side; an old one goes with its last lease."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from tests.workflows_app.catalog.conftest import Write, workflow
from workflows_app.catalog import LoadedWorkflow, Workspace, acquire, lease, release

LAZY = "import workspace.lib; return workspace.lib.VALUE"


def in_memory(loaded: LoadedWorkflow) -> bool:
    return any(name.partition(".")[0] == loaded.home.package for name in sys.modules)


@pytest.fixture
def first(write: Write, workspace: Workspace) -> LoadedWorkflow:
    write("lib.py", "VALUE = 'first'")
    write("a.py", workflow("value", LAZY))
    return workspace.find("value")


def test_a_run_keeps_its_version_also_for_lazy_imports(
    first: LoadedWorkflow, write: Write, workspace: Workspace
) -> None:
    with lease(first):
        write("lib.py", "VALUE = 'second'")
        workspace.refresh()
        assert first.spec.function(None) == "first"
        assert workspace.find("value").spec.function(None) == "second"


def test_a_run_under_way_sees_no_edit(write: Write, workspace: Workspace) -> None:
    write("lib.py", "VALUE = 'first'")
    write("a.py", workflow("value", f"await go.wait(); {LAZY}").replace("def", "async def").replace("context", "go"))
    loaded = workspace.find("value")

    async def run() -> str:
        go = asyncio.Event()
        with lease(loaded):
            running = asyncio.create_task(loaded.spec.function(go))
            await asyncio.sleep(0)
            write("lib.py", "VALUE = 'second'")
            workspace.refresh()
            go.set()
            return str(await running)

    assert asyncio.run(run()) == "first"


def test_an_old_version_leaves_with_its_last_lease(first: LoadedWorkflow, write: Write, workspace: Workspace) -> None:
    acquire(first)
    acquire(first)
    write("lib.py", "VALUE = 'second'")
    workspace.refresh()
    release(first)
    assert in_memory(first)
    release(first)
    assert not in_memory(first)


def test_an_old_version_without_lease_leaves_at_once(first: LoadedWorkflow, write: Write, workspace: Workspace) -> None:
    write("lib.py", "VALUE = 'second'")
    workspace.refresh()
    assert not in_memory(first)
    assert in_memory(workspace.find("value"))


def test_the_current_version_stays_without_leases(first: LoadedWorkflow) -> None:
    with lease(first):
        pass
    assert in_memory(first)


def test_a_version_that_left_between_look_up_and_lease_comes_back(
    first: LoadedWorkflow, write: Write, workspace: Workspace
) -> None:
    write("lib.py", "VALUE = 'second'")
    workspace.refresh()
    with lease(first):
        assert first.spec.function(None) == "first"
    assert not in_memory(first)


def test_an_edit_that_was_undone_is_a_version_of_its_own(
    first: LoadedWorkflow, write: Write, workspace: Workspace
) -> None:
    with lease(first):
        write("lib.py", "VALUE = 'second'")
        workspace.refresh()
        write("lib.py", "VALUE = 'first'")
        third = workspace.refresh().workflows["value"]
    assert third.code_version == first.code_version
    assert not in_memory(first)
    assert third.spec.function(None) == "first"


def test_releasing_too_often_is_an_error(first: LoadedWorkflow) -> None:
    with pytest.raises(RuntimeError, match="more often"):
        release(first)


def test_leases_from_many_threads_are_all_counted(first: LoadedWorkflow, write: Write, workspace: Workspace) -> None:
    def hold() -> None:
        for _ in range(200):
            with lease(first):
                first.home.load("lib")

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    write("lib.py", "VALUE = 'second'")
    workspace.refresh()
    for thread in threads:
        thread.join()
    assert not in_memory(first)
