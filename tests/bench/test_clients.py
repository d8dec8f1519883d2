"""Submitting processes that begin together, and the time from the first submit to the last result."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench import clients
from bench.clients import BenchFailed


def command(directory: Path, mode: str, count: int, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.submitter", mode, str(count), str(directory), *arguments]


def count(directory: Path) -> int:
    return len(list(directory.iterdir()))


def test_all_tasks_of_all_processes_are_submitted_and_the_warm_up_is_not_counted(tmp_path: Path) -> None:
    commands = [command(tmp_path, "submit", 10, "--warm-up", "3", "--threads", "2")] * 2
    taken = clients.throughput(commands, os.environ, 20, lambda: count(tmp_path))
    assert count(tmp_path) == 26
    assert (taken.tasks, taken.per_second) == (20, 20 / taken.seconds)
    assert 0 < taken.submit_seconds <= taken.seconds


def test_single_submits_are_timed_one_by_one(tmp_path: Path) -> None:
    document = clients.latencies(command(tmp_path, "latency", 5, "--warm-up", "0", "--pause", "0"), os.environ)
    assert len(document["seen"]) == 5
    assert set(document["ids"]) == {path.name for path in tmp_path.iterdir()}


def test_a_submit_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    failing = command(tmp_path, "submit", 5, "--warm-up", "1", "--failing")
    with pytest.raises(BenchFailed, match="The second submit fails"):
        clients.throughput([failing], os.environ, 5, lambda: count(tmp_path))


def test_a_process_that_ends_before_it_is_warm_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchFailed, match=r"tests\.bench\.submitter ended early"):
        clients.latencies(command(tmp_path / "missing", "latency", 1), {**os.environ, "PYTHONWARNINGS": "ignore"})


def test_results_that_never_come_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "FINISH_SECONDS", 0.05)
    with pytest.raises(BenchFailed, match="2 of the tasks were not finished"):
        clients.wait_for_count(lambda: 3, 5)


def test_a_count_is_settled_once_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "SETTLED_SECONDS", 0.05)
    counts = iter([1, 2, 3])
    assert clients.settled(lambda: next(counts, 3)) == 3
