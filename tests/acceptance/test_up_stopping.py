"""Ways in which bin/up ends, and that none of them leaves anything behind."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.launching import Up, environment, eventually, processes, run_once, running, write_workspace

WITH_A_GRANDCHILD = """
import subprocess
from bifrost import workflow

@workflow(name="my_first_workflow")
def my_first_workflow(context, message):
    return subprocess.Popen(["sleep", "600"], start_new_session=True).pid
"""
ENDLESS = """
import asyncio
import os
import pathlib
from bifrost import workflow

@workflow(name="my_first_workflow")
async def my_first_workflow(context, message: str):
    pathlib.Path(os.environ["BEGUN"]).touch()
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that was used before, so that the next start is quick."""
    directory = tmp_path_factory.mktemp("stopping") / "data"
    assert run_once(directory).process.returncode == 0
    return directory


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything(data: Path, number: int) -> None:
    with running(data) as up:
        assert len(processes(data)) > 3
        asked = time.monotonic()

        assert up.stop(number) == 0

    assert time.monotonic() - asked < 15
    assert processes(data) == {}


@pytest.mark.faults
def test_ctrl_c_works_where_a_shell_started_it_in_the_background(data: Path) -> None:
    # Such a shell has its children ignore SIGINT.
    script = 'trap "" INT; exec "$@"'
    with running(data, through=("sh", "-c", script, "sh")) as up:
        assert up.stop(signal.SIGINT) == 0

    assert processes(data) == {}


@pytest.mark.faults
@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8, 1.3])
def test_a_signal_during_the_start_stops_everything_too(data: Path, seconds: float) -> None:
    up = Up(data)
    with pytest.raises(subprocess.TimeoutExpired):
        up.wait(seconds)

    status = up.stop(signal.SIGTERM)
    up.close()

    assert status in (128 + signal.SIGTERM, -signal.SIGTERM), up.output
    assert not up.json.exists()
    assert processes(data) == {}


@pytest.mark.faults
def test_nothing_outlives_a_killed_one_and_the_next_start_works(data: Path) -> None:
    with running(data) as up:
        credentials = up.document["organizations"]
        up.stop(signal.SIGKILL)
        eventually(lambda: not processes(data), "the end of what it had started", 10)

    with running(data) as following:
        tokens = {org_id: organization["token"] for org_id, organization in following.document["organizations"].items()}
        assert tokens == {org_id: organization["token"] for org_id, organization in credentials.items()}
        assert following.is_healthy()


@pytest.mark.faults
def test_a_start_right_after_a_kill_does_not_meet_what_was_killed(data: Path) -> None:
    with running(data) as up:
        port = up.document["url"].rpartition(":")[2]
        up.stop(signal.SIGKILL)

        with running(data, "--port", port) as following:
            assert following.is_healthy()


@pytest.mark.faults
def test_what_a_workflow_started_is_ended_as_well(data: Path, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "workspace", WITH_A_GRANDCHILD)

    with running(data, BIFROST_WORKSPACE=str(workspace)) as up:
        assert "sleep 600 " in processes(data).values()
        up.stop()

    assert processes(data) == {}


@pytest.mark.faults
def test_a_second_signal_ends_the_grace_of_a_run_that_will_not_stop(data: Path, tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "workspace", ENDLESS)
    begun = tmp_path / "begun"
    up = Up(data, BIFROST_WORKSPACE=str(workspace), BEGUN=str(begun))
    eventually(begun.exists, "the run")

    up.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        up.wait(2)
    asked = time.monotonic()
    up.stop(signal.SIGTERM)
    up.close()

    assert time.monotonic() - asked < 5
    assert processes(data) == {}


@pytest.mark.faults
def test_processes_that_were_left_behind_are_ended_by_the_next_start(data: Path) -> None:
    orphan = subprocess.Popen(["sleep", "600"], env={**environment(data), "BIFROST_LAUNCHER": str(data)})

    up = run_once(data)

    assert up.process.returncode == 0
    assert "Ended 1 processes that a killed bin/up had left behind." in up.output
    assert orphan.wait(5) == -signal.SIGKILL


@pytest.mark.faults
def test_a_process_of_another_data_directory_is_let_alone(data: Path) -> None:
    other = subprocess.Popen(["sleep", "600"], env={**environment(data), "BIFROST_LAUNCHER": f"{data}-other"})

    run_once(data)

    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.mark.faults
def test_a_stale_pid_file_that_names_a_living_process_does_not_stop_the_start(data: Path) -> None:
    living = subprocess.Popen(["sleep", "600"])
    try:
        stale = [str(living.pid), str(data / "postgres"), "1700000000", "5432", str(data), "", "0 0", "ready"]
        (data / "postgres" / "postmaster.pid").write_text("\n".join(stale) + "\n")

        assert run_once(data).process.returncode == 0
        assert living.poll() is None
    finally:
        living.kill()
        living.wait()
