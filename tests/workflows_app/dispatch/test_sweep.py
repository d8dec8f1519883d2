"""When a worker counts as dead (engine.md, section 4)."""

from __future__ import annotations

from uuid import UUID

import pytest

from workflows_app.dispatch.sweep import Dead, Observer
from workflows_app.dispatch.workers import Beat

WORKER = UUID(int=1)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def observer(clock: Clock) -> Observer:
    return Observer(dead_after_seconds=16, dead_after_polls=5, late_after=10, clock=clock)


def poll(observer: Observer, clock: Clock, beat: int, seconds: float = 4) -> list[Dead]:
    clock.now += seconds
    return observer.poll({WORKER: Beat("web here:1", beat)})


def test_a_worker_whose_counter_stands_still_for_five_polls_over_sixteen_seconds_is_dead(
    observer: Observer, clock: Clock
) -> None:
    verdicts = [poll(observer, clock, beat=7) for _ in range(5)]
    assert verdicts[:4] == [[], [], [], []]
    assert verdicts[4] == [Dead(WORKER, Beat("web here:1", 7), 16)]


def test_a_worker_that_beats_is_never_dead(observer: Observer, clock: Clock) -> None:
    assert not any(poll(observer, clock, beat=number) for number in range(20))


def test_one_beat_starts_the_count_anew(observer: Observer, clock: Clock) -> None:
    for _ in range(4):
        poll(observer, clock, beat=7)
    assert not any(poll(observer, clock, beat=8) for _ in range(4))


def test_many_quick_polls_declare_nobody_dead_before_the_time_is_over(observer: Observer, clock: Clock) -> None:
    assert not any(poll(observer, clock, beat=7, seconds=1) for _ in range(16))
    assert poll(observer, clock, beat=7, seconds=1)


def test_a_failed_poll_starts_every_count_anew(observer: Observer, clock: Clock) -> None:
    for _ in range(4):
        poll(observer, clock, beat=7)
    observer.forget()
    assert not any(poll(observer, clock, beat=7) for _ in range(4))


def test_a_late_poll_starts_every_count_anew_because_this_process_was_away(observer: Observer, clock: Clock) -> None:
    for _ in range(4):
        poll(observer, clock, beat=7)
    assert not poll(observer, clock, beat=7, seconds=40)


def test_a_worker_that_left_by_itself_is_forgotten(observer: Observer, clock: Clock) -> None:
    for _ in range(4):
        poll(observer, clock, beat=7)
    clock.now += 4
    assert observer.poll({}) == []
    assert not poll(observer, clock, beat=7)
