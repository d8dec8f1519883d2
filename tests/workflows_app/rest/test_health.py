"""/api/health, and the probes behind it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from bifrost import health
from bifrost.health import Check, Probe
from integrations import secrets
from workflows_app import catalog
from workflows_app.dispatch import workers
from workflows_app.dispatch.models import Dispatch, Worker
from workflows_app.engine import process

LATE, BROKEN = Check(False, "late"), Check(False, "broken")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, db: None, workspace: Path) -> None:
    """Nothing is remembered of earlier questions."""
    looks = (health.look_at_database, health.look_at_vault, health.look_at_engine)
    probes = {name: Probe(name, look, LATE, BROKEN) for name, look in zip(health.CHECKS, looks, strict=True)}
    monkeypatch.setattr(health, "CHECKS", probes)
    monkeypatch.setattr(health, "WORKSPACE", Probe("workspace", health.look_at_workspace, ["late"], ["broken"]))
    monkeypatch.setattr(health, "WORKERS", Probe("workers", health.look_at_workers, ["late"], ["broken"]))


def ask() -> tuple[int, Any]:
    response = Client().get("/api/health")
    return response.status_code, response.json()


def test_all_is_well(fresh: None) -> None:
    status, body = ask()
    assert status == 200 and body["status"] == "healthy" and body["warnings"] == []
    assert {name: check["status"] for name, check in body["checks"].items()} == {
        "database": "up",
        "vault": "up",
        "engine": "up",
    }


def test_a_database_that_is_away_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "HOST", "/nowhere")
    status, body = ask()
    assert status == 503 and body["status"] == "unhealthy"
    assert body["checks"]["database"] == {"status": "down", "message": "The database does not answer."}
    assert body["checks"]["vault"]["status"] == "up"


def test_a_database_that_hangs_is_named_in_time(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
        monkeypatch.setitem(connections.settings["default"], "PORT", silent.getsockname()[1])
        began = time.monotonic()
        status, body = ask()
        assert time.monotonic() - began < 2
    assert status == 503 and body["checks"]["database"] == LATE.document()


def test_a_vault_that_is_away_is_named_without_its_address(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "health", lambda: secrets.Health(False, "http://10.0.0.1:8200 refused"))
    status, body = ask()
    assert status == 503 and body["checks"]["vault"]["status"] == "down"
    assert "10.0.0.1" not in str(body)


def test_a_blocked_engine_is_named(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = SimpleNamespace(accepts=True, mark=time.monotonic() - 60)
    monkeypatch.setattr(process, "running", lambda: blocked)
    status, body = ask()
    assert status == 503 and body["checks"]["engine"]["status"] == "down"


@pytest.mark.parametrize("engine", [None, SimpleNamespace(accepts=False, mark=0)])
def test_an_engine_that_the_next_run_starts_is_well(fresh: None, monkeypatch: pytest.MonkeyPatch, engine: Any) -> None:
    monkeypatch.setattr(process, "running", lambda: engine)
    assert ask()[0] == 200


def test_a_file_that_does_not_load_is_a_warning_by_its_name(fresh: None, workspace: Path) -> None:
    (workspace / "broken.py").write_text("import nothing_like_this\n")
    (workspace / "also_broken.py").write_text("def (\n")

    catalog.refresh()
    status, body = ask()
    assert status == 200
    assert ["workflows/also_broken.py" in body["warnings"][0], "workflows/broken.py" in body["warnings"][1]] == [
        True,
        True,
    ]
    assert "Traceback" not in str(body) and "nothing_like_this" not in str(body)


def test_it_needs_no_credentials_and_minds_no_arguments(fresh: None) -> None:
    response = Client().get("/api/health?cache=7", headers={"Authorization": "Bearer nonsense"})
    assert response.status_code == 200


# --- workers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def waiting(transactional_db: None) -> Callable[..., None]:
    """Puts an execution into the run queue that has been due for so many seconds."""

    def add(seconds: float, **values: Any) -> None:
        due = timezone.now() - timedelta(seconds=seconds)
        row = {"execution": uuid4(), "organization": uuid4(), "workflow": "w", "status": "Queued"}
        Dispatch.objects.create(**{**row, "run_at": due, "queued_at": due, **values})

    return add


def test_work_that_nobody_does_is_a_warning_that_says_for_how_long(fresh: None, waiting: Callable[..., None]) -> None:
    waiting(95)
    waiting(20)
    status, body = ask()
    assert status == 200
    [warning] = body["warnings"]
    assert "have waited for 95 s: start manage.py workers" in warning


@pytest.mark.parametrize(
    ("seconds", "values"), [(20, {}), (95, {"status": "Suspended"}), (-100, {}), (95, {"status": "Running"})]
)
def test_what_is_not_due_or_not_for_long_is_no_warning(
    fresh: None, waiting: Callable[..., None], seconds: float, values: dict[str, Any]
) -> None:
    waiting(seconds, **values)
    assert ask()[1]["warnings"] == []


def test_work_that_waits_while_a_worker_lives_is_no_warning(fresh: None, waiting: Callable[..., None]) -> None:
    waiting(95)
    workers.register("worker", 10)
    assert ask()[1]["warnings"] == []


@pytest.mark.parametrize("kind", ["web", "command"])
def test_a_process_of_another_kind_is_no_worker(fresh: None, waiting: Callable[..., None], kind: str) -> None:
    waiting(95)
    workers.register(kind, 10)
    assert len(ask()[1]["warnings"]) == 1


def test_a_worker_that_does_not_beat_does_not_count(fresh: None, waiting: Callable[..., None]) -> None:
    waiting(95)
    worker = workers.register("worker", 10)
    Worker.objects.filter(id=worker).update(beat_at=timezone.now() - timedelta(seconds=31))
    assert len(ask()[1]["warnings"]) == 1


# --- probes ----------------------------------------------------------------------------------------------------------


class Looks:
    """A look that waits until it may go on, and counts."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.number = 0

    def __call__(self) -> Check:
        self.number += 1
        self.go_on.wait(10)
        return Check(True)


@pytest.fixture
def hanging() -> Iterator[Looks]:
    looks = Looks()
    yield looks
    looks.go_on.set()


def test_a_look_that_hangs_is_late_and_only_its_first_askers_wait(
    hanging: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.1)
    probe = Probe("hanging", hanging, LATE, BROKEN)
    assert probe.ask() == LATE
    began = time.monotonic()
    assert [probe.ask() for _ in range(50)] == [LATE] * 50
    assert time.monotonic() - began < 0.1
    assert hanging.number == 1


def test_once_the_look_comes_back_its_answer_counts(hanging: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LOOK_SECONDS", 0.1)
    probe = Probe("hanging", hanging, LATE, BROKEN)
    assert probe.ask() == LATE
    hanging.go_on.set()
    monkeypatch.setattr(health, "LOOK_SECONDS", 10)
    assert probe.ask() == Check(True)


def test_an_answer_is_kept_for_a_moment(hanging: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging.go_on.set()
    probe = Probe("kept", hanging, LATE, BROKEN)
    assert [probe.ask(), probe.ask()] == [Check(True)] * 2 and hanging.number == 1
    monkeypatch.setattr(health, "KEPT_SECONDS", 0)
    assert probe.ask() == Check(True) and hanging.number == 2


def test_many_askers_at_once_share_one_look(hanging: Looks) -> None:
    probe = Probe("shared", hanging, LATE, BROKEN)
    found: list[Check] = []
    askers = [threading.Thread(target=lambda: found.append(probe.ask())) for _ in range(20)]
    for asker in askers:
        asker.start()
    hanging.go_on.set()
    for asker in askers:
        asker.join()
    assert found == [Check(True)] * 20 and hanging.number == 1


def test_a_look_that_raises_is_broken_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Check:
        raise RuntimeError("what happened")

    assert Probe("broken", broken, LATE, BROKEN).ask() == BROKEN
