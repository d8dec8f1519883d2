"""The engine in a worker process: it starts when the database lets it, wakes, and says when its process has served."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orgs.records import OrganizationRecord
from tests.acceptance.launching import eventually
from workflows_app import catalog, hosting
from workflows_app.catalog import scan
from workflows_app.dispatch import queue
from workflows_app.dispatch.models import Schedule, Worker
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


class Leaving:
    """Stands for the process: why it was to retire, and whether it said that its code is outdated."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.working = self.outdated = False

    def retire(self, reason: str) -> None:
        self.reasons.append(reason)

    def show_working(self) -> None:
        self.working = True

    def show_outdated(self) -> None:
        self.outdated = True


@pytest.fixture
def member() -> Leaving:
    return Leaving()


def test_every_process_knows_its_host() -> None:
    assert isinstance(queue._connected.host, EngineHost)


def test_an_engine_of_kind_worker_runs(host: EngineHost, member: Leaving) -> None:
    host.start(member)
    eventually(lambda: process.running() is not None, "the engine")
    assert Worker.objects.get().kind == "worker"
    assert member.reasons == []
    eventually(lambda: member.working, "its word")


def test_it_wakes_once_it_runs_and_before_that_nothing_happens(
    host: EngineHost, member: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.wake()
    host.start(member)
    engine = eventually(process.running, "the engine")
    woken: list[bool] = []
    monkeypatch.setattr(engine, "on_wake", lambda: woken.append(True))

    host.wake()

    assert woken == [True]


def test_it_starts_once_the_database_is_back(
    host: EngineHost, member: Leaving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    away = True
    started: Callable[[], Any] = process.engine

    def engine() -> Any:
        if away:
            raise process.PlatformUnavailable("The database is away; nothing was started.")
        return started()

    monkeypatch.setattr(process, "engine", engine)
    host.start(member)
    eventually(lambda: "the engine waits" in caplog.text, "its word")
    assert not member.working
    away = False
    eventually(lambda: process.running() is not None, "the engine")
    assert caplog.text.count("the engine waits") == 1


def test_an_engine_that_was_lost_is_followed_by_another(host: EngineHost, member: Leaving) -> None:
    host.start(member)
    first = eventually(process.running, "the engine")
    Worker.objects.all().delete()
    first.lost()

    eventually(lambda: process.running() not in (None, first), "the next")
    eventually(lambda: Worker.objects.count() == 1, "its row")


def test_changed_code_retires_the_process_once(host: EngineHost, member: Leaving, workspace: Path) -> None:
    host.start(member)
    eventually(process.running, "the engine")

    (workspace / "workflows" / "second.py").write_text(SOURCE)

    eventually(lambda: member.reasons, "the reason")
    assert member.reasons == ["the workspace has changed"]


def test_while_something_runs_a_process_with_old_code_says_so_and_after_a_while_takes_nothing_more(
    host: EngineHost, member: Leaving, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "RELIEF_SECONDS", 1.0)
    host.start(member)
    engine = eventually(process.running, "the engine")
    engine.runs["a run"] = None
    try:
        (workspace / "workflows" / "second.py").write_text(SOURCE)
        eventually(lambda: member.outdated, "its word")
        assert engine.takes
        eventually(lambda: not engine.takes, "its last claim")
        assert member.reasons == []
    finally:
        engine.runs.clear()
    eventually(lambda: member.reasons, "its end, once nothing runs")


def test_a_stop_that_is_under_way_can_be_hurried(host: EngineHost, member: Leaving) -> None:
    host.start(member)
    engine = eventually(process.running, "the engine")
    engine.runs["a run"] = type("Run", (), {"claimed": False, "resumable": False, "stop": None, "detached": True})()
    stopping = threading.Thread(target=host.stop, args=(600,))
    stopping.start()
    eventually(lambda: engine.stop_by < float("inf"), "the stop")

    host.hurry(0)

    stopping.join(20)
    assert not stopping.is_alive()
    engine.runs.clear()


def test_schedules_that_are_due_have_the_tick_run_soon(
    host: EngineHost, member: Leaving, acme: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    deferred: list[str] = []
    monkeypatch.setattr(hosting, "SCHEDULE_SECONDS", 0.05)
    monkeypatch.setattr(queue, "defer", deferred.append)
    Schedule.objects.create(organization=acme.id, workflow="later", next_run=timezone.now() + timedelta(hours=1))
    host.start(member)
    eventually(process.running, "the engine")
    assert deferred == []

    Schedule.objects.create(organization=acme.id, workflow="now", next_run=timezone.now())

    eventually(lambda: deferred, "the tick")
    assert set(deferred) == {"workflows_app.schedules.dispatch_due"}


def test_a_process_that_has_grown_retires(host: EngineHost, member: Leaving, settings: Any) -> None:
    settings.WORKER_MAX_RSS_MB = 1
    host.start(member)
    eventually(lambda: member.reasons, "the reason")
    assert "it has grown to" in member.reasons[0]


def test_after_a_stop_nothing_starts_any_more(host: EngineHost, member: Leaving) -> None:
    host.start(member)
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
