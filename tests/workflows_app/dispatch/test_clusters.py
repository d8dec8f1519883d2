"""`manage.py workers` with real processes: whoever is killed or stands still, work goes on and nobody stays behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.acceptance.launching import eventually
from tests.workflows_app.dispatch.worker_processes import (
    SHORT_MARKS,
    WORKERS,
    WorkersCommand,
    alive,
    state,
    workers_running,
)
from workflows_app.dispatch import hints
from workflows_app.dispatch.queue import PROBE_SECONDS, defer

pytestmark = pytest.mark.django_db(transaction=True)

# With the shortened marks; with those of production it is thirty seconds.
OVER_SECONDS = PROBE_SECONDS + SHORT_MARKS + 10


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("workspace")
    (directory / "workflows").mkdir()
    (directory / "workflows" / "first.py").write_text("from bifrost import workflow\n")
    return directory


@pytest.fixture(scope="module")
def running(django_db_setup: None, django_db_blocker: DjangoDbBlocker, workspace: Path) -> Iterator[WorkersCommand]:
    with django_db_blocker.unblock():
        with workers_running(BIFROST_WORKSPACE=str(workspace), BIFROST_BEAT_SECONDS="0.3") as started:
            yield started
            assert started.stop() == 0
            assert started.processes() == {}


@pytest.fixture
def workers(running: WorkersCommand) -> Iterator[WorkersCommand]:
    """All are there when the test begins; the end of the test before took their rows, so they have new ones."""
    began = len(running.ready().output)
    yield running
    hints.close()
    print(running.output[began:])  # shown where the test fails


@pytest.fixture
def own_workers(workspace: Path) -> Iterator[WorkersCommand]:
    """For a test that ends them."""
    with workers_running(BIFROST_WORKSPACE=str(workspace), BIFROST_BEAT_SECONDS="0.3") as started:
        yield started


def hints_land(workers: WorkersCommand) -> None:
    """For so long that an engine cluster whose hints do not land would be replaced."""
    main = workers.pid("engine main")
    until = time.monotonic() + PROBE_SECONDS + SHORT_MARKS + 2
    while time.monotonic() < until:
        assert workers.pid("engine main") == main, workers.output
        hints.send()
        time.sleep(0.05)


def replaced(workers: WorkersCommand, cluster: str, main: int) -> None:
    """By a cluster that is complete, and nothing of the old one runs."""
    before = {pid for pid, role in workers.processes().items() if role.startswith(cluster)}
    eventually(lambda: workers.pids(f"{cluster} main") not in ([], [main]), "the next cluster", OVER_SECONDS)
    eventually(lambda: not any(map(alive, before - {workers.pid(f"{cluster} main")})), "the end of the old", 20)
    workers.ready()


# --- what runs -------------------------------------------------------------------------------------------------------


def test_each_worker_has_a_row_and_no_process_is_large(workers: WorkersCommand) -> None:
    assert set(workers.pids("engine worker")) <= workers.rows()
    for pid, role in workers.processes().items():
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        assert resident < 120_000_000, role


def test_nothing_ran_before_the_forks(workers: WorkersCommand) -> None:
    assert "threads were running before the fork" not in workers.output


# --- somebody is killed ----------------------------------------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.parametrize("which", range(WORKERS))
def test_an_idle_worker_that_is_killed_is_followed_by_another_and_hints_go_on(
    workers: WorkersCommand, which: int
) -> None:
    killed = workers.pids("engine worker")[which]

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: not alive(killed) and len(workers.pids("engine worker")) == WORKERS, "the next worker", 10)
    hints_land(workers)


def test_an_idle_worker_of_ordinary_tasks_that_is_killed_stops_no_task(workers: WorkersCommand, tmp_path: Path) -> None:
    killed = workers.pid("tasks worker")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: not alive(killed), "its end")

    defer("os.mkdir", str(tmp_path / "done"))

    eventually((tmp_path / "done").exists, "the task", 10)


@pytest.mark.faults
@pytest.mark.parametrize("role", ["pusher", "monitor"])
def test_a_helper_that_is_killed_is_followed_by_another(workers: WorkersCommand, role: str) -> None:
    killed = workers.pid(f"engine {role}")
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: workers.pids(f"engine {role}") not in ([], [killed]), "the next", 10)
    hints_land(workers)


@pytest.mark.parametrize("cluster", ["engine", pytest.param("tasks", marks=pytest.mark.faults)])
@pytest.mark.parametrize("role", ["main", pytest.param("sentinel", marks=pytest.mark.faults)])
def test_a_cluster_without_its_head_is_replaced(workers: WorkersCommand, cluster: str, role: str) -> None:
    main = workers.pid(f"{cluster} main")
    os.kill(workers.pid(f"{cluster} {role}"), signal.SIGKILL)
    replaced(workers, cluster, main)


# --- somebody stands still -------------------------------------------------------------------------------------------


def test_a_worker_that_stands_still_is_killed_and_the_others_go_on(workers: WorkersCommand) -> None:
    still, other = workers.pids("engine worker")
    main = workers.pid("engine main")

    os.kill(still, signal.SIGSTOP)

    eventually(lambda: not alive(still), "its end", OVER_SECONDS)
    workers.ready()
    assert alive(other) and workers.pid("engine main") == main
    assert "shows no sign of life and is killed" in workers.output


@pytest.mark.faults
@pytest.mark.parametrize("role", ["pusher", "monitor", "sentinel", "main"])
def test_a_cluster_of_which_somebody_stands_still_is_replaced(workers: WorkersCommand, role: str) -> None:
    main = workers.pid("engine main")
    os.kill(workers.pid(f"engine {role}"), signal.SIGSTOP)
    replaced(workers, "engine", main)


# --- stops -----------------------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_a_sigterm_for_a_whole_cluster_hangs_nothing(workers: WorkersCommand) -> None:
    """django-q2 alone would hang there (pitfalls Q7)."""
    main = workers.pid("engine main")
    os.killpg(main, signal.SIGTERM)
    replaced(workers, "engine", main)


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.faults) for each in (signal.SIGINT, signal.SIGHUP))],
)
def test_it_stops_when_asked_and_leaves_nobody(own_workers: WorkersCommand, number: int) -> None:
    began = time.monotonic()
    assert own_workers.stop(number) == 0
    assert time.monotonic() - began < 8
    assert own_workers.processes() == {}
    assert own_workers.rows() == set()


@pytest.mark.faults
def test_it_stops_in_time_although_somebody_stands_still(own_workers: WorkersCommand) -> None:
    for role in ("engine pusher", "tasks monitor"):
        os.kill(own_workers.pid(role), signal.SIGSTOP)
    os.kill(own_workers.pids("engine worker")[0], signal.SIGSTOP)
    began = time.monotonic()

    assert own_workers.stop() == 0

    assert time.monotonic() - began < 2 + 10 + 2
    assert own_workers.processes() == {}


@pytest.mark.faults
def test_it_stops_in_the_middle_of_its_start(workspace: Path) -> None:
    started = WorkersCommand(BIFROST_WORKSPACE=str(workspace))
    try:
        eventually(started.processes, "the first process")
        assert started.stop() == 0
        assert started.processes() == {}
    finally:
        started.close()


@pytest.mark.faults
def test_a_second_signal_ends_the_grace(own_workers: WorkersCommand) -> None:
    for pid in own_workers.pids("engine worker"):
        os.kill(pid, signal.SIGSTOP)
    own_workers.process.send_signal(signal.SIGTERM)
    eventually(lambda: own_workers.pids("tasks main") == [], "the one that can stop")
    began = time.monotonic()

    assert own_workers.stop() == 0

    assert time.monotonic() - began < 8  # without the second one, twelve
    assert own_workers.processes() == {}


@pytest.mark.faults
def test_nobody_stays_when_it_is_killed(own_workers: WorkersCommand) -> None:
    own_workers.process.kill()
    eventually(lambda: own_workers.processes() == {}, "the end of all", 15)
    assert own_workers.rows() == set()


@pytest.mark.faults
def test_nobody_stays_when_it_is_killed_with_the_heads_of_its_clusters(own_workers: WorkersCommand) -> None:
    heads = [own_workers.pid(f"{cluster} main") for cluster in ("engine", "tasks")]
    for pid in [own_workers.process.pid, *heads]:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: own_workers.processes() == {}, "the end of all", 15)


# --- retiring --------------------------------------------------------------------------------------------------------


@pytest.mark.faults
def test_workers_retire_in_order_again_and_again_while_hints_flow(workers: WorkersCommand) -> None:
    main, said = workers.pid("engine main"), len(workers.output)
    stop = threading.Event()

    def keep_hinting() -> None:
        while not stop.wait(0.002):
            hints.send()

    hinting = threading.Thread(target=keep_hinting)
    hinting.start()
    try:
        for _ in range(20):
            retired = workers.pids("engine worker")[0]
            os.kill(retired, signal.SIGTERM)
            eventually(lambda pid=retired: not alive(pid), "its end", 10)
            eventually(lambda: len(workers.pids("engine worker")) == WORKERS, "its successor", 10)
    finally:
        stop.set()
        hinting.join()

    hints_land(workers)
    assert workers.pid("engine main") == main
    assert "after death" not in workers.output[said:]


def test_on_new_code_every_worker_is_replaced_by_a_fresh_process(workers: WorkersCommand, workspace: Path) -> None:
    before, main = workers.pids("engine worker"), workers.pid("engine main")

    (workspace / "workflows" / "second.py").write_text("from bifrost import workflow\n# changed\n")

    eventually(lambda: not any(map(alive, before)), "the end of the old", 15)
    workers.ready()
    assert workers.pid("engine main") == main


# --- ordinary tasks --------------------------------------------------------------------------------------------------


def test_an_ordinary_task_runs_once_also_when_it_fails(workers: WorkersCommand, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    defer("os.mkdir", str(tmp_path / "there"))
    defer("os.mkdir", str(tmp_path / "after"))

    eventually((tmp_path / "after").exists, "the second", 10)
    from django_q.models import Failure, OrmQ

    eventually(lambda: not OrmQ.objects.exists(), "an empty queue")
    assert Failure.objects.count() == 1


@pytest.mark.faults
def test_a_task_that_takes_long_is_waited_for_and_nothing_is_replaced(workers: WorkersCommand, tmp_path: Path) -> None:
    main = workers.pid("tasks main")
    defer("time.sleep", SHORT_MARKS * 2)
    defer("time.sleep", 0.1)
    defer("os.mkdir", str(tmp_path / "done"))

    eventually((tmp_path / "done").exists, "the third", SHORT_MARKS * 2 + 10)
    assert workers.pid("tasks main") == main


def test_the_state_of_a_process_is_read(workers: WorkersCommand) -> None:
    """What these tests stand on."""
    parent: Any = state(workers.pid("engine sentinel"))[1]
    assert parent == workers.pid("engine main")
