"""The queue between pusher and workers: whole messages, one taker each, and no lock that anybody could die with."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.launching import eventually
from workflows_app.dispatch.handover import LARGEST_MESSAGE, STOP, Exit, Handover, Results


@pytest.fixture
def handover() -> Iterator[Handover]:
    """Without a process of its own that could be told to leave."""
    Handover.exit = None
    yield Handover(while_full=lambda: True)
    Handover.exit = None


class Takers:
    """Forked processes that take messages and append them to a file."""

    def __init__(self, handover: Handover, file: Path, number: int) -> None:
        self._file = file
        file.touch()
        self.pids = [self._fork(handover) for _ in range(number)]

    def _fork(self, handover: Handover) -> int:
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(60)
                for message in iter(handover.get, STOP):
                    with self._file.open("a") as file:
                        file.write(f"{message}\n")
            finally:
                os._exit(0)
        return child

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.pids.remove(pid)

    def wait(self) -> None:
        for pid in self.pids:
            assert os.waitpid(pid, 0)[1] == 0

    @property
    def taken(self) -> list[str]:
        return self._file.read_text().splitlines()


def sleeping(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "S"


def test_a_message_arrives_as_it_was(handover: Handover) -> None:
    handover.put({"func": "a.b", "args": (1, None, "ü")})
    assert handover.get() == {"func": "a.b", "args": (1, None, "ü")}


def test_it_knows_whether_a_message_waits(handover: Handover) -> None:
    assert handover.empty() and handover.qsize() == 0
    handover.put(1)
    assert not handover.empty() and handover.qsize() == 1
    handover.get()
    assert handover.empty()


def test_a_second_message_waits_until_the_first_was_taken(handover: Handover) -> None:
    handover.put(1)
    putting = threading.Thread(target=handover.put, args=(2,))
    putting.start()
    putting.join(0.2)
    assert putting.is_alive()

    assert handover.get() == 1

    putting.join(5)
    assert handover.get() == 2


def test_a_message_that_may_be_dropped_is_dropped_while_another_waits() -> None:
    handover = Handover(while_full=lambda: False)
    handover.put("first")
    handover.put("second")
    assert handover.get() == "first" and handover.empty()


def test_an_order_to_stop_never_waits_and_is_never_dropped() -> None:
    handover = Handover(while_full=lambda: False)
    handover.put("first")
    handover.put(STOP)
    handover.put(STOP)
    assert [handover.get() for _ in range(3)] == ["first", STOP, STOP]


def test_a_message_that_is_too_large_is_refused(handover: Handover) -> None:
    with pytest.raises(ValueError, match="too large"):
        handover.put("x" * LARGEST_MESSAGE)
    handover.put("x" * (LARGEST_MESSAGE - 100))
    assert len(handover.get()) == LARGEST_MESSAGE - 100


def test_results_do_not_wait_for_each_other_and_too_large_ones_are_not_kept() -> None:
    results = Results()
    results.put({"id": "1", "result": None, "args": (), "success": True})
    results.put({"id": "2", "result": "x" * 300_000, "args": ("y" * 300_000,), "success": False})
    assert results.get()["id"] == "1"
    kept = results.get()
    assert (kept["id"], kept["success"], kept["result"]) == ("2", False, "The result was too large to keep.")


def test_who_is_told_to_leave_stops_at_once_and_takes_nothing_more(handover: Handover) -> None:
    Handover.exit = Exit()
    handover.put("for somebody else")
    Handover.exit.request()
    assert handover.get() == STOP
    assert not handover.empty()


def test_who_waits_is_told_to_leave(handover: Handover) -> None:
    Handover.exit = Exit()
    threading.Timer(0.1, Handover.exit.request).start()
    assert handover.get() == STOP


def test_each_message_has_one_taker_among_many_processes(handover: Handover, tmp_path: Path) -> None:
    takers = Takers(handover, tmp_path / "taken", 4)
    for number in range(300):
        handover.put(number)
    for _ in takers.pids:
        handover.put(STOP)
    takers.wait()

    assert sorted(takers.taken, key=int) == [str(number) for number in range(300)]


@pytest.mark.parametrize("killed", range(3))
def test_a_taker_that_is_killed_while_it_waits_takes_nothing_along(
    handover: Handover, tmp_path: Path, killed: int
) -> None:
    """With multiprocessing's own queue nobody would ever take a message again (pitfalls Q6)."""
    takers = Takers(handover, tmp_path / "taken", 3)
    eventually(lambda: all(map(sleeping, takers.pids)), "all wait")

    takers.kill(takers.pids[killed])
    for number in range(50):
        handover.put(number)

    eventually(lambda: len(takers.taken) == 50, "all messages")
    for _ in takers.pids:
        handover.put(STOP)
    takers.wait()


def test_takers_killed_at_any_moment_lose_only_what_they_held(handover: Handover, tmp_path: Path) -> None:
    takers = Takers(handover, tmp_path / "taken", 6)
    for number in range(400):
        handover.put(number)
        if number % 80 == 79:
            takers.kill(takers.pids[0])
    eventually(handover.empty, "all were taken")
    for _ in takers.pids:
        handover.put(STOP)
    takers.wait()

    assert len(set(takers.taken)) == len(takers.taken) >= 395


def test_waiting_costs_nothing(handover: Handover) -> None:
    Handover.exit = Exit()
    waiting: Callable[[], Any] = handover.get
    thread = threading.Thread(target=waiting)
    before = time.process_time()
    thread.start()
    thread.join(0.5)
    assert time.process_time() - before < 0.1
    Handover.exit.request()
    thread.join(5)
