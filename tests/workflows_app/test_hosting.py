"""The engine in a worker process: it starts when the database lets it, wakes, and says when its process has served."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.launching import eventually
from workflows_app import catalog, hosting
from workflows_app.catalog import scan
from workflows_app.dispatch import queue
from workflows_app.dispatch.models import Worker
from workflows_app.engine import logs, process
from workflows_app.hosting import EngineHost, LoadedCode

SOURCE = "from bifrost import workflow\n"


@pytest.fixture
def workspace(tmp_path: Path, settings: Any) -> Path:
    settings.WORKSPACE = tmp_path / "workspace"
    (settings.WORKSPACE / "workflows").mkdir(parents=True)
    (settings.WORKSPACE / "workflows" / "first.py").write_text(SOURCE)
    settings.ENGINE = {**settings.ENGINE, "workspace_poll_seconds": 0.02}
    return tmp_path / "workspace"


@pytest.fixture
def host(transactional_db: None, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineHost]:
    monkeypatch.setattr(logs, "guard_output", lambda: None)
    monkeypatch.setattr(hosting, "RETRY_SECONDS", 0.05)
    made = EngineHost()
    yield made
    made.stop(0)
    process.stop(0)
    process.configure("web")


@pytest.fixture
def reasons() -> list[str]:
    """Why the process was to retire."""
    return []


def test_every_process_knows_its_host() -> None:
    assert isinstance(queue._connected.host, EngineHost)


def test_an_engine_of_kind_worker_runs(host: EngineHost, reasons: list[str]) -> None:
    host.start(reasons.append)
    eventually(lambda: process.running() is not None, "the engine")
    assert Worker.objects.get().kind == "worker"
    assert reasons == []


def test_it_wakes_once_it_runs_and_before_that_nothing_happens(
    host: EngineHost, reasons: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host.wake()
    host.start(reasons.append)
    engine = eventually(process.running, "the engine")
    woken: list[bool] = []
    monkeypatch.setattr(engine, "on_wake", lambda: woken.append(True))

    host.wake()

    assert woken == [True]


def test_it_starts_once_the_database_is_back(
    host: EngineHost, reasons: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = True
    started: Callable[[], Any] = process.engine

    def engine() -> Any:
        if away:
            raise process.PlatformUnavailable("The database is away; nothing was started.")
        return started()

    monkeypatch.setattr(process, "engine", engine)
    host.start(reasons.append)
    eventually(lambda: "the engine waits" in caplog.text, "its word")
    away = False
    eventually(lambda: process.running() is not None, "the engine")
    assert caplog.text.count("the engine waits") == 1


def test_an_engine_that_was_lost_is_followed_by_another(host: EngineHost, reasons: list[str]) -> None:
    host.start(reasons.append)
    first = eventually(process.running, "the engine")
    Worker.objects.all().delete()
    first.lost()

    eventually(lambda: process.running() not in (None, first), "the next")
    eventually(lambda: Worker.objects.count() == 1, "its row")


def test_changed_code_retires_the_process_once(host: EngineHost, reasons: list[str], workspace: Path) -> None:
    host.start(reasons.append)
    eventually(process.running, "the engine")

    (workspace / "workflows" / "second.py").write_text(SOURCE)

    eventually(lambda: reasons, "the reason")
    assert reasons == ["the workspace has changed"]


def test_a_process_that_has_grown_retires(host: EngineHost, reasons: list[str], settings: Any) -> None:
    settings.WORKER_MAX_RSS_MB = 1
    host.start(reasons.append)
    eventually(lambda: reasons, "the reason")
    assert "it has grown to" in reasons[0]


def test_after_a_stop_nothing_starts_any_more(host: EngineHost, reasons: list[str]) -> None:
    host.start(reasons.append)
    eventually(process.running, "the engine")
    host.stop(0)
    assert process.running() is None
    assert not Worker.objects.exists()


# --- changed code ----------------------------------------------------------------------------------------------------


def looks(code: LoadedCode, number: int = 4) -> list[bool]:
    return [code.has_changed() for _ in range(number)]


@pytest.fixture
def code(workspace: Path) -> LoadedCode:
    return LoadedCode(workspace, catalog.current().version)


def test_what_was_not_touched_has_not_changed(code: LoadedCode) -> None:
    assert looks(code) == [False] * 4


def test_a_change_counts_when_two_looks_saw_the_same(code: LoadedCode, workspace: Path) -> None:
    looks(code)
    (workspace / "workflows" / "first.py").write_text(SOURCE + "# one\n")
    assert not code.has_changed()
    (workspace / "workflows" / "first.py").write_text(SOURCE + "# one, two\n")
    assert not code.has_changed()
    assert code.has_changed()


def test_a_change_during_the_load_is_found(workspace: Path) -> None:
    code = LoadedCode(workspace, catalog.current().version)
    (workspace / "workflows" / "late.py").write_text(SOURCE)
    assert any(looks(code))


def test_a_touch_without_a_change_is_none(code: LoadedCode, workspace: Path) -> None:
    looks(code)
    os.utime(workspace / "workflows" / "first.py")
    assert looks(code) == [False] * 4


def test_a_look_reads_no_file_while_nothing_moves(code: LoadedCode, monkeypatch: pytest.MonkeyPatch) -> None:
    looks(code)
    monkeypatch.setattr(scan, "read", lambda directory: pytest.fail("nothing has moved"))
    assert looks(code) == [False] * 4


def test_the_size_of_this_process_is_known() -> None:
    assert 30 < hosting.resident_megabytes() < 2_000
