"""Workers as bin/up runs them, with executions under way: whatever is killed or hangs, it is over in time by itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bin.launcher.loopback import free_port
from tests.acceptance.launching import eventually, processes
from tests.acceptance.stack import SHORT_TIMES, Gate, Stack, running_stack
from tests.workflows_app.dispatch.redis_server import redis_server

MARK_SECONDS = 4
# Within which anything is over, without a person; with the times of production.
OVER_SECONDS = 30


@pytest.fixture(scope="module")
def workers_stack() -> Iterator[Stack]:
    times = {**SHORT_TIMES, "BIFROST_MARK_SECONDS": str(MARK_SECONDS), "BIFROST_STOP_GRACE_SECONDS": "3"}
    with running_stack(**times) as stack:
        yield stack


@pytest.fixture
def stack(workers_stack: Stack) -> Iterator[Stack]:
    workers_stack.begin_test()
    worked(workers_stack)
    yield workers_stack
    print(workers_stack.said)  # shown where the test fails


def begin(stack: Stack, workflow: str, **parameters: Any) -> str:
    """The id of an execution that waits in the run queue."""
    answer = stack.run(workflow, **parameters)
    assert (answer.status_code, answer.json()["status"]) == (202, "Queued"), answer.text
    return str(answer.json()["executionId"])


def ended(stack: Stack, execution: str, seconds: float = OVER_SECONDS) -> dict[str, Any]:
    """Its record, once it has ended. The run queue says so without many requests."""
    rows = "SELECT 1 FROM dispatch_fleet WHERE execution = %s"
    eventually(lambda: stack.sql(rows, execution), f"the end of {execution}", seconds)
    return stack.record(execution)


def worked(stack: Stack, seconds: float = OVER_SECONDS) -> None:
    """Workers do what is asked of them."""
    assert ended(stack, begin(stack, "background_echo", message="hello"), seconds)["result"] == "hello"


def named(stack: Stack, role: str) -> list[int]:
    """The processes that say they have this role."""
    found = []
    for pid in processes(stack.up.data):
        with suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == role:
                found.append(pid)
    return sorted(found)


def supervisor(stack: Stack) -> int:
    [pid] = stack.up.document["pids"]["workers"]
    assert isinstance(pid, int)
    return pid


def holder(stack: Stack, execution: str) -> int:
    """The process that runs it."""
    rows = "SELECT w.pid FROM dispatch_worker w JOIN dispatch_dispatch d ON d.worker = w.id WHERE d.execution = %s"
    return int(stack.sql(rows, execution)[0][0])


# --- work is done ----------------------------------------------------------------------------------------------------


def took_milliseconds(stack: Stack, number: int) -> list[float]:
    """From submit to end, by the database's clock, of executions one after another on idle workers."""
    executions = []
    for _ in range(number):
        executions.append(begin(stack, "background_echo", message="hello"))
        ended(stack, executions[-1])
    records = f"SELECT extract(epoch FROM completed_at - created_at) * 1000 FROM {stack.schema('acme')}"
    return [float(row[0]) for row in stack.sql(f"{records}.workflows_app_execution WHERE id = ANY(%s)", executions)]


def test_a_hint_brings_work_to_an_idle_worker_at_once(stack: Stack) -> None:
    # Far below the half second of a poll.
    assert median(took_milliseconds(stack, 20)) < 150


def test_a_worker_process_runs_many_at_once(stack: Stack, gate: Gate) -> None:
    executions = [begin(stack, "background_gate", gate=str(gate)) for _ in range(30)]
    gate.reached(30)
    gate.open()
    assert [ended(stack, execution)["status"] for execution in executions] == ["Success"] * 30


# --- somebody is killed or hangs -------------------------------------------------------------------------------------


def test_an_idle_worker_that_is_killed_stops_nothing(stack: Stack) -> None:
    for killed in named(stack, "engine worker"):
        os.kill(killed, signal.SIGKILL)
        worked(stack, 10)
    eventually(lambda: len(named(stack, "engine worker")) == 2, "both workers")


def test_a_busy_worker_that_is_killed_loses_nothing_that_may_run_again(stack: Stack, gate: Gate) -> None:
    execution = begin(stack, "background_gate_again", gate=str(gate))
    gate.reached()
    os.kill(holder(stack, execution), signal.SIGKILL)
    gate.open()
    assert ended(stack, execution)["result"] == "passed"


def test_code_that_holds_the_interpreter_is_ended_and_other_processes_go_on(stack: Stack, gate: Gate) -> None:
    execution = begin(stack, "hold_interpreter", gate=str(gate))
    gate.reached()
    holding = holder(stack, execution)

    worked(stack)

    assert ended(stack, execution)["error"]["error"] == "WorkerLost"
    eventually(lambda: holding not in named(stack, "engine worker"), "its end")
    eventually(lambda: "shows no sign of life and is killed" in stack.said, "its word")


OTHER_ROLES = ("pusher", "monitor", "main")
ROLES = ["engine sentinel", *(pytest.param(f"engine {role}", marks=pytest.mark.faults) for role in OTHER_ROLES)]


@pytest.mark.faults
@pytest.mark.parametrize("role", ROLES)
def test_a_cluster_that_hangs_is_replaced(stack: Stack, role: str) -> None:
    main = named(stack, "engine main")
    os.kill(named(stack, role)[0], signal.SIGSTOP)
    worked(stack, 10)  # the engines look by themselves
    eventually(lambda: named(stack, "engine main") not in ([], main), "the next cluster")
    worked(stack, 10)


@pytest.mark.faults
def test_a_killed_supervisor_is_followed_by_another_and_nothing_of_the_old_stays(stack: Stack, gate: Gate) -> None:
    execution = begin(stack, "background_gate_again", gate=str(gate))
    gate.reached()
    killed, clusters = supervisor(stack), {pid for role in ("engine", "tasks") for pid in named(stack, f"{role} main")}

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: supervisor(stack) != killed, "the next supervisor")
    eventually(lambda: not clusters & set(processes(stack.up.data)), "the end of the old clusters")
    gate.open()
    assert ended(stack, execution)["result"] == "passed"


@pytest.mark.faults
def test_a_stop_of_the_whole_group_hands_over_what_may_run_again(stack: Stack, gate: Gate) -> None:
    execution = begin(stack, "background_gate_again", gate=str(gate))
    gate.reached()
    stopped = supervisor(stack)

    os.killpg(os.getpgid(stopped), signal.SIGTERM)

    eventually(lambda: supervisor(stack) != stopped, "the next supervisor")
    gate.open()
    record = ended(stack, execution)
    assert (record["result"], record["attempt"]) == ("passed", 1)
    assert "workers ended by itself (status 0)" in stack.said


def code_of(stack: Stack, workflow: str) -> str:
    """What the web process would run now."""
    answer = stack.call("GET", f"/api/workflows/{workflow}", stack.token("acme"))
    return str(answer.json().get("description", "")) if answer.is_success else ""


FRESH = """
from bifrost import workflow

@workflow(name="fresh", description="WORD", execution_mode="async")
async def fresh(context):
    return "WORD"
"""


def test_what_is_started_after_an_edit_runs_the_new_code(stack: Stack) -> None:
    file = stack.workspace / "workflows" / "fresh.py"
    main = named(stack, "engine main")
    try:
        for word in ("first", "second", "third"):
            file.write_text(FRESH.replace("WORD", word))
            eventually(lambda expected=word: expected in code_of(stack, "fresh"), "the web process's new code")
            assert ended(stack, begin(stack, "fresh"))["result"] == word
    finally:
        file.unlink()
    assert named(stack, "engine main") == main


LOADS = """
from pathlib import Path
from time import sleep

while not Path("GATE").exists():
    sleep(0.05)
"""


def test_until_a_cluster_with_the_new_code_works_the_old_one_goes_on(stack: Stack, gate: Gate, tmp_path: Path) -> None:
    """Here the new code loads until it is told to end."""
    loaded, file = tmp_path / "loaded", stack.workspace / "workflows" / "slow_to_load.py"
    main = named(stack, "engine main")
    for _ in range(8):
        begin(stack, "background_gate", gate=str(gate))
    gate.reached(8)
    try:
        file.write_text(LOADS.replace("GATE", str(loaded)))
        eventually(lambda: len(named(stack, "engine main")) == 2, "a second cluster")
        for _ in range(5):
            worked(stack)
        assert set(main) < set(named(stack, "engine main"))
        loaded.touch()
        gate.open()
        eventually(lambda: not set(main) & set(named(stack, "engine main")), "the end of the first")
        worked(stack)
    finally:
        loaded.touch()
        gate.open()
        file.unlink()


# --- as it is by default, and with Redis -----------------------------------------------------------------------------


@pytest.mark.faults
def test_runs_under_way_outlast_new_code_and_what_comes_meanwhile_has_it(stack: Stack, gate: Gate) -> None:
    """They may take longer than a stop would leave them: a second cluster works beside theirs."""
    running = [begin(stack, "background_gate", gate=str(gate)) for _ in range(8)]
    gate.reached(8)
    file = stack.workspace / "workflows" / "newest.py"
    try:
        file.write_text(FRESH.replace('"fresh"', '"newest"').replace("WORD", "new"))
        eventually(lambda: stack.call("GET", "/api/workflows/newest", stack.token("acme")).is_success, "its name")
        assert ended(stack, begin(stack, "newest"))["result"] == "new"
        assert all(stack.record(execution)["status"] == "Running" for execution in running)
        gate.open()
        assert {ended(stack, execution)["status"] for execution in running} == {"Success"}
    finally:
        gate.open()
        file.unlink()
    eventually(lambda: len(named(stack, "engine worker")) == 2, "one cluster again")


@pytest.mark.faults
def test_with_the_times_as_they_are_by_default_everything_is_over_in_thirty_seconds() -> None:
    with running_stack() as stack:
        eventually(lambda: len(named(stack, "engine worker")) == 2, "the workers")
        os.kill(named(stack, "engine worker")[0], signal.SIGKILL)
        worked(stack)
        for role in ("engine pusher", "engine monitor", "engine main"):
            main, began = named(stack, "engine main"), time.monotonic()
            os.kill(named(stack, role)[0], signal.SIGSTOP)
            eventually(lambda main=main: named(stack, "engine main") not in ([], main), role, OVER_SECONDS)
            worked(stack, OVER_SECONDS - (time.monotonic() - began))


@pytest.mark.faults
def test_hints_travel_by_redis_and_without_it_work_goes_on() -> None:
    port = free_port()
    with redis_server(port) as url, running_stack(**SHORT_TIMES, REDIS_URL=url) as stack:
        worked(stack)
        assert median(took_milliseconds(stack, 20)) < 150
        assert stack.sql("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'") == []

        [server] = [int(pid.name) for pid in Path("/proc").glob("[0-9]*") if listens(pid, port)]
        os.kill(server, signal.SIGSTOP)
        worked(stack, 10)
        os.kill(server, signal.SIGCONT)
        worked(stack, 10)


def listens(entry: Path, port: int) -> bool:
    with suppress(OSError):
        return b"redis-server" in (line := (entry / "cmdline").read_bytes()) and str(port).encode() in line
    return False
