"""kill -9 of a worker with two hundred executions under way: each ends exactly once, whatever it was doing."""

from __future__ import annotations

import signal
from contextlib import ExitStack

import pytest

from tests.acceptance.crowd import Crowd, all_workers, held_back, holders, stopped
from tests.acceptance.launching import eventually, send

EACH = 100  # of those that must not run twice, and of those that may


def start(crowd: Crowd, seconds: float = 0.0) -> tuple[list[str], list[str]]:
    return crowd.start("once", EACH, seconds=seconds), crowd.start("again", EACH, seconds=seconds)


def check(crowd: Crowd, once: list[str], again: list[str]) -> None:
    """What may run again has, and was well; what must not ended well or says that it was lost."""
    crowd.wait_ended()
    crowd.check_once(once)
    assert crowd.check(again) == {"Success": len(again)}


@pytest.mark.faults
def test_before_the_claim(crowd: Crowd) -> None:
    """Idle workers: one of them waits for tasks, the other one in the middle of waking up."""
    pids = all_workers(crowd.stack)
    send(pids[:1], signal.SIGKILL)
    once, again = start(crowd)
    send(pids[1:], signal.SIGKILL)
    check(crowd, once, again)


@pytest.mark.faults
def test_after_the_claim(crowd: Crowd) -> None:
    """What was claimed and had not begun has lost nothing, also where it must not run twice."""
    with ExitStack() as lock:
        with stopped(all_workers(crowd.stack)):
            once, again = start(crowd)
            lock.enter_context(held_back(crowd.stack))
        killed = holders(crowd.stack, EACH)[0]
        assert crowd.counts("begin") == {}
        send([killed], signal.SIGKILL)
        # PostgreSQL does not notice its end while a beginning waits for the lock, and would write it after all.
        crowd.stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    crowd.wait_ended()
    assert crowd.check(once) == crowd.check(again) == {"Success": EACH}
    assert set(crowd.counts("begin").values()) == {1}


@pytest.mark.faults
@pytest.mark.parametrize("begun", [1, 60, 140])
def test_when_so_many_have_begun(crowd: Crowd, begun: int) -> None:
    once, again = start(crowd, seconds=-1)
    crowd.wait_begun(begun)
    send(holders(crowd.stack)[:1], signal.SIGKILL)
    crowd.open()
    check(crowd, once, again)


@pytest.mark.faults
def test_by_the_code_of_one_of_them(crowd: Crowd) -> None:
    """One kills its process while others of its claim are being started, and another one some time later."""
    crowd.kill_one("inside")
    once, again = start(crowd, seconds=0.5)
    eventually(lambda: not (crowd.room / "die inside").exists(), "its end")
    crowd.kill_one("inside")
    check(crowd, once, again)


@pytest.mark.faults
def test_in_the_middle_of_a_batch(crowd: Crowd) -> None:
    """Begins, lines and ends are written all the time, and again and again their writer is killed."""
    once, again = start(crowd, seconds=0.05)
    for share in (0.1, 0.4, 0.7):
        more = start(crowd, seconds=0.05)
        once, again = once + more[0], again + more[1]
        crowd.wait_ended(int(share * len(crowd.ids)))
        send(holders(crowd.stack)[:1], signal.SIGKILL)
    check(crowd, once, again)


@pytest.mark.faults
def test_between_result_and_commit(crowd: Crowd) -> None:
    once, again = start(crowd, seconds=-1)
    crowd.wait_begun(2 * EACH)
    with held_back(crowd.stack):
        crowd.open()
        eventually(lambda: len(crowd.counts("end")) == 2 * EACH, "all results")
        send(holders(crowd.stack)[:1], signal.SIGKILL)
    check(crowd, once, again)
    lost = crowd.check_once(once)["WorkerLost"]
    assert lost > 0  # it has run; that it was well, nobody knows


@pytest.mark.faults
def test_at_the_end_of_the_code(crowd: Crowd) -> None:
    crowd.kill_one("at the end")
    once, again = start(crowd, seconds=0.2)
    check(crowd, once, again)


@pytest.mark.faults
def test_all_workers_at_once_and_again(crowd: Crowd) -> None:
    once, again = start(crowd, seconds=-1)
    crowd.wait_begun(EACH)
    send(all_workers(crowd.stack), signal.SIGKILL)
    eventually(lambda: max(crowd.counts("begin").values()) > 1, "a second beginning")
    crowd.open()
    check(crowd, once, again)
    assert crowd.check_once(once)["WorkerLost"] > 0
