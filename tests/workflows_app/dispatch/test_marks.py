"""Marks: who lives is heard, who is silent grows old, and nobody is blamed for the supervisor's own absence."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workflows_app.dispatch import marks
from workflows_app.dispatch.marks import Reader


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(clock: Clock, settings: Any) -> Iterator[Reader]:
    made = Reader(clock)
    settings.MARKS_FD = made.written_by
    marks._last.clear()
    yield made
    made.close()


@pytest.fixture
def line(reader: Reader) -> Callable[[str], None]:
    """Writes as another process of the cluster would."""

    def write(text: str) -> None:
        os.write(reader.written_by, text.encode())
        reader.look()

    return write


def test_a_mark_is_heard_with_its_role_and_process(reader: Reader) -> None:
    marks.touch("worker")
    reader.look()
    assert reader.pids("worker") == [os.getpid()]
    assert reader.youngest("worker") == 0


def test_it_is_written_once_a_second_at_most(reader: Reader) -> None:
    for _ in range(1_000):
        marks.touch("worker")
    assert len(os.read(reader._read_from, 65_536).splitlines()) == 1


def test_two_roles_of_one_process_do_not_silence_each_other(reader: Reader) -> None:
    marks.touch("sentinel")
    marks.touch("pusher")
    reader.look()
    assert reader.pids("pusher") == [os.getpid()]


def test_silence_grows_old(reader: Reader, clock: Clock, line: Callable[[str], None]) -> None:
    line("worker 7 0.0\n")
    for _ in range(7):
        clock.now += 3
        line("worker 8 0.0\n")

    assert [mark.pid for mark in reader.silent("worker", 20)] == [7]
    assert reader.youngest("worker") == 0


def test_a_process_that_says_it_sees_no_progress_is_as_old_as_that(
    reader: Reader, clock: Clock, line: Callable[[str], None]
) -> None:
    line("pusher 7 19.5\n")
    clock.now += 1
    assert reader.youngest("pusher") == pytest.approx(20.5)
    line("pusher 7 0.0\n")
    assert reader.youngest("pusher") == 0


def test_who_left_in_order_is_not_silent(reader: Reader, clock: Clock) -> None:
    marks.touch("worker")
    marks.leave()
    reader.look()
    clock.now += 100
    assert reader.silent("worker", 20) == [] and reader.pids("worker") == []


def test_a_supervisor_that_was_away_itself_blames_nobody(
    reader: Reader, clock: Clock, line: Callable[[str], None]
) -> None:
    line("worker 7 0.0\n")
    clock.now += 3
    reader.look()
    clock.now += 600
    reader.look()
    assert reader.silent("worker", 20) == []
    assert reader.youngest("worker") == pytest.approx(3)


def test_a_line_that_comes_in_two_pieces_is_one(reader: Reader, line: Callable[[str], None]) -> None:
    line("worker 4")
    assert reader.pids("worker") == []
    line("2 0.0\n")
    assert reader.pids("worker") == [42]


def test_who_is_forgotten_is_heard_again(reader: Reader, line: Callable[[str], None]) -> None:
    line("worker 7 0.0\n")
    reader.forget(7)
    assert reader.youngest("worker") is None
    line("worker 7 0.0\n")
    assert reader.pids("worker") == [7]


def test_a_supervisor_that_reads_nothing_stops_nobody(reader: Reader) -> None:
    began = time.monotonic()
    for number in range(20_000):
        marks._last.clear()
        marks.touch(f"role{number}")
    assert time.monotonic() - began < 10
    reader.look()


def test_a_supervisor_that_is_gone_stops_nobody(clock: Clock, settings: Any) -> None:
    gone = Reader(clock)
    settings.MARKS_FD = os.dup(gone.written_by)
    gone.close()
    marks._last.clear()
    marks.touch("worker")
    os.close(settings.MARKS_FD)


def test_without_a_supervisor_nothing_is_written(settings: Any, tmp_path: Any) -> None:
    settings.MARKS_FD = -1
    marks._last.clear()
    marks.touch("worker")
    # A number that meanwhile belongs to a file is not a supervisor's.
    with (tmp_path / "file").open("w") as file:
        settings.MARKS_FD = file.fileno()
        marks._last.clear()
        marks.touch("worker")
    assert (tmp_path / "file").read_text() == ""
