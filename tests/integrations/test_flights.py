from __future__ import annotations

import threading
import time

import pytest

from integrations.flights import Flights


class Gate:
    """Work that tells when it begins and ends when it is let through."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.calls = 0

    def work(self, deadline: float) -> int:
        self.calls += 1
        self.begun.set()
        assert self.opened.wait(10)
        return self.calls


@pytest.fixture
def flights() -> Flights:
    return Flights(threads=2, seconds=3.0, name="test")


def test_equal_questions_at_the_same_time_are_one(flights: Flights) -> None:
    gate = Gate()
    futures = [flights.join("key", gate.work) for _ in range(20)]
    gate.opened.set()
    assert [future.result(10) for future in futures] == [1] * 20
    assert gate.calls == 1


def test_a_later_question_is_asked_again(flights: Flights) -> None:
    gate = Gate()
    gate.opened.set()
    assert flights.join("key", gate.work).result(10) == 1
    assert flights.join("key", gate.work).result(10) == 2


def test_different_questions_fly_apart(flights: Flights) -> None:
    assert flights.join("one", lambda _: 1).result(10) == 1
    assert flights.join("two", lambda _: 2).result(10) == 2


def test_one_who_gives_up_takes_nothing_from_the_others(flights: Flights) -> None:
    gate = Gate()
    first, second = flights.join("key", gate.work), flights.join("key", gate.work)
    assert gate.begun.wait(10)
    assert first.cancel()
    gate.opened.set()
    assert second.result(10) == 1
    assert first.cancelled()


def test_all_get_the_same_failure(flights: Flights) -> None:
    gate = Gate()

    def fail(deadline: float) -> None:
        gate.work(deadline)
        raise ValueError("no")

    futures = [flights.join("key", fail) for _ in range(3)]
    gate.opened.set()
    assert [str(future.exception(10)) for future in futures] == ["no"] * 3


def test_who_asks_after_a_change_does_not_join_the_flight_before_it(flights: Flights) -> None:
    old, new = Gate(), Gate()
    before = flights.join("key", old.work)
    assert old.begun.wait(10)
    flights.forget("key")
    after = flights.join("key", lambda deadline: 10 * new.work(deadline))
    old.opened.set()
    assert before.result(10) == 1
    joined = flights.join("key", new.work)
    new.opened.set()
    assert (after.result(10), joined.result(10)) == (10, 10)


def test_the_deadline_counts_from_the_question_not_from_a_free_thread() -> None:
    flights, gate, asked = Flights(threads=1, seconds=3.0, name="test"), Gate(), time.monotonic()
    flights.join("first", gate.work)
    deadline = flights.join("second", lambda deadline: deadline)
    assert gate.begun.wait(10)
    now = time.monotonic()
    gate.opened.set()
    assert asked + 3 <= deadline.result(10) <= now + 3
