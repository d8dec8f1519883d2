"""Runs submitting processes (`submitting.py`) at the same moment and says how long their work took."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
FINISH_SECONDS = 300.0
READER_PAUSE_SECONDS = 0.01
SETTLED_SECONDS = 0.5


class BenchFailed(Exception):
    """Something could not be measured; the message says why."""


@dataclass(frozen=True)
class Taken:
    """From the first submit to the last durable result, and to the return of the last submit."""

    tasks: int
    seconds: float
    submit_seconds: float

    @property
    def per_second(self) -> float:
        return self.tasks / self.seconds


class Clients:
    """Processes that are warm and wait for the word."""

    def __init__(self, commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> None:
        self._processes = [
            subprocess.Popen(
                command, cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for command in commands
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            self._read(process, expected="ready")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()

    def go(self) -> None:
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def results(self) -> list[dict[str, Any]]:
        """What each printed at its end. Raises BenchFailed where one did not do all of its work."""
        documents = [json.loads(self._read(process)) for process in self._processes]
        if failures := [failure for document in documents for failure in document["failures"]]:
            raise BenchFailed(f"A submit failed: {failures[0]}")
        return documents

    def _read(self, process: subprocess.Popen[str], expected: str = "") -> str:
        assert process.stdout is not None
        line = str(process.stdout.readline()).strip()
        if not line or (expected and line != expected):
            module = list(process.args)[2]  # type: ignore[arg-type]
            raise BenchFailed(f"A submitting process of {module} {f'said {line!r}' if line else 'ended early'}.")
        return line


def throughput(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], tasks: int, finished: Callable[[], int]
) -> Taken:
    """Lets the clients submit `tasks` in all; `finished` counts all durable results there are."""
    with Clients(commands, environment) as clients:
        before = finished()
        clients.go()
        documents = clients.results()
        ended = wait_for_count(finished, before + tasks)
    first = min(document["first"] for document in documents)
    return Taken(tasks, ended - first, max(document["last"] for document in documents) - first)


def wait_for_count(finished: Callable[[], int], wanted: int) -> float:
    """The wall clock's time at which that many results were seen. Raises BenchFailed when nothing moves any more."""
    seen, since = -1, time.monotonic()
    while (now := finished()) < wanted:
        if now != seen:
            seen, since = now, time.monotonic()
        if time.monotonic() - since > FINISH_SECONDS:
            raise BenchFailed(f"{wanted - now} of the tasks were not finished.")
        time.sleep(READER_PAUSE_SECONDS)
    return time.time()


def settled(finished: Callable[[], int]) -> int:
    """The count once nothing has been added for half a second."""
    count, since = finished(), time.monotonic()
    while time.monotonic() - since < SETTLED_SECONDS:
        time.sleep(READER_PAUSE_SECONDS)
        if (now := finished()) != count:
            count, since = now, time.monotonic()
    return count


def wait_until(holds: Callable[[], bool], what: str, seconds: float) -> None:
    """Returns once it holds. Raises BenchFailed when that takes longer."""
    limit = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > limit:
            raise BenchFailed(f"{what}: not within {seconds:g} s.")
        time.sleep(READER_PAUSE_SECONDS)


def latencies(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """The milliseconds and ids of one client that submits one task after another."""
    with Clients([command], environment) as clients:
        clients.go()
        return clients.results()[0]
