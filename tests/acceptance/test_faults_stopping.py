"""Workers that are asked to stop under load, or make room for new code: what runs finishes or goes on elsewhere at
once, and nothing waits for a lease."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.acceptance.crowd import Crowd, all_workers, holders, workers
from tests.acceptance.launching import eventually, send

NUMBER = 100


def children_of(pid: int) -> set[int]:
    found = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(line.split()[0]): int(line.split()[1]) for line in found.splitlines()}
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return below


def reasons(crowd: Crowd, ids: list[str]) -> set[str]:
    """Why some of them were queued again, the words alone."""
    events = f"SELECT DISTINCT data ->> 'reason' FROM {crowd.stack.schema('acme')}.workflows_app_executionevent"
    rows = crowd.stack.sql(f"{events} WHERE execution_id = ANY(%s::uuid[]) AND kind IN ('status', 'recovery')", ids)
    return {row[0] for row in rows if row[0]}


def nobody_waited_for_a_lease(crowd: Crowd) -> None:
    told = reasons(crowd, crowd.ids)
    assert told and all("was stopped" in reason for reason in told), told


@pytest.mark.faults
def test_what_may_run_again_is_handed_over_and_what_must_not_fails(crowd: Crowd) -> None:
    once, again = crowd.start("once", NUMBER, seconds=-1), crowd.start("again", NUMBER, seconds=-1)
    crowd.wait_begun(2 * NUMBER)
    first = holders(crowd.stack)[0]
    send([first], signal.SIGTERM)
    eventually(lambda: first not in workers(crowd.stack), "its end", 15)
    eventually(lambda: max(crowd.counts("begin").values()) > 1, "a second beginning", 2)
    crowd.open()
    crowd.wait_ended()
    assert crowd.check(again) == {"Success": NUMBER}
    assert crowd.check_once(once)["WorkerStopped"] > 0
    assert crowd.check_once(once)["WorkerLost"] == 0
    nobody_waited_for_a_lease(crowd)


@pytest.mark.faults
def test_what_ends_within_the_grace_ends_where_it_began(crowd: Crowd) -> None:
    once, again = crowd.start("once", NUMBER, seconds=1.5), crowd.start("again", NUMBER, seconds=1.5)
    crowd.wait_begun(2 * NUMBER)
    first = holders(crowd.stack)[0]
    send([first], signal.SIGTERM)
    crowd.wait_ended()
    assert crowd.check_once(once) == crowd.check(again) == {"Success": NUMBER}
    assert set(crowd.counts("begin").values()) == {1}


@pytest.mark.faults
def test_a_cluster_that_is_stopped_under_load(crowd: Crowd) -> None:
    once, again = crowd.start("once", NUMBER, seconds=0.1), crowd.start("again", NUMBER, seconds=0.1)
    main = next(pid for pid in children_of(crowd.stack.up.document["pids"]["workers"][0]) if is_main(pid))
    send([main], signal.SIGTERM)
    once += crowd.start("once", NUMBER, seconds=0.1)
    crowd.wait_ended()
    assert crowd.check_once(once) == {"Success": 2 * NUMBER}
    assert crowd.check(again) == {"Success": NUMBER}
    eventually(lambda: len(workers(crowd.stack)) == 2, "the next cluster")


def is_main(pid: int) -> bool:
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip() == "engine main"


@pytest.mark.faults
def test_all_of_one_machine_stop_under_load_and_another_one_goes_on(crowd: Crowd) -> None:
    with crowd.more_workers():
        once, again = crowd.start("once", 2 * NUMBER, seconds=0.2), crowd.start("again", 2 * NUMBER, seconds=-1)
        crowd.wait_begun(2 * NUMBER)
    crowd.open()
    crowd.wait_ended()
    assert crowd.check_once(once) == {"Success": 2 * NUMBER}
    assert crowd.check(again) == {"Success": 2 * NUMBER}
    nobody_waited_for_a_lease(crowd)


@pytest.mark.faults
def test_a_cancel_is_heard_by_a_worker_that_is_stopping(crowd: Crowd) -> None:
    [execution] = crowd.start("once", 1, seconds=-1)
    crowd.wait_begun(1)
    send(holders(crowd.stack), signal.SIGTERM)
    stack = crowd.stack
    answer = stack.call("POST", f"/api/executions/{execution}/cancel", stack.token("acme"))
    assert answer.status_code == 202
    crowd.wait_ended()
    assert crowd.check([execution]) == {"Cancelled": 1}


@pytest.mark.faults
def test_new_code_again_and_again_under_load(crowd: Crowd) -> None:
    file = crowd.stack.workspace / "workflows" / "edited.py"
    before = set(workers(crowd.stack))
    once: list[str] = []
    again: list[str] = []
    try:
        for number in range(4):
            once += crowd.start("once", NUMBER, seconds=0.5)
            again += crowd.start("again", NUMBER, seconds=0.5)
            file.write_text(f"VERSION = {number}\n")
            eventually(lambda known=before: not known & set(workers(crowd.stack)), "fresh workers", 60)
            before = set(all_workers(crowd.stack))
    finally:
        file.unlink()
    crowd.wait_ended()
    assert crowd.check_once(once) == {"Success": len(once)}
    assert crowd.check(again) == {"Success": len(again)}
    assert set(crowd.counts("begin").values()) == {1}
    eventually(lambda: not before & set(workers(crowd.stack)), "fresh workers once more", 60)
    all_workers(crowd.stack)
