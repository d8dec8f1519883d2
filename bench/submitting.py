"""What every submitting process does, ours and the peers': submit many tasks, or one after another with a reader.

Only the standard library, because the peers' environment runs it too. The process says `ready` when it is warm, begins
at the line that it then reads, and prints one JSON document at its end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable

READER_PAUSE_SECONDS = 0.001
PATIENCE_SECONDS = 30.0


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["submit", "latency"])
    parser.add_argument("count", type=int)
    parser.add_argument("--warm-up", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.03, help="seconds between two single submits")
    return parser


def serve(options: argparse.Namespace, enqueue: Callable[[int], str], finished: Callable[[str], bool]) -> None:
    """`enqueue` submits task number n and returns its id; `finished` says whether its result is durable."""
    warm = [enqueue(number) for number in range(options.warm_up)]
    for task in warm:
        wait_for(task, finished)
    print("ready", flush=True)
    sys.stdin.readline()
    work = submit if options.mode == "submit" else latency
    print(json.dumps(work(options, enqueue, finished)), flush=True)


def submit(
    options: argparse.Namespace, enqueue: Callable[[int], str], _finished: Callable[[str], bool]
) -> dict[str, object]:
    """Submits all of them without pause. When the first submit began and the last returned, by the wall clock."""
    numbers = itertools.count()
    failures: list[str] = []

    def one_thread() -> None:
        try:
            while (number := next(numbers)) < options.count:
                enqueue(number)
        except Exception as error:  # noqa: BLE001  reported to who started this process
            failures.append(repr(error))

    first = time.time()
    threads = [threading.Thread(target=one_thread) for _ in range(options.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"first": first, "last": time.time(), "failures": failures}


def latency(
    options: argparse.Namespace, enqueue: Callable[[int], str], finished: Callable[[str], bool]
) -> dict[str, object]:
    """Submits one after another. Milliseconds until a reader that looks each millisecond saw the durable result."""
    seen = []
    ids = []
    for number in range(options.count):
        began = time.perf_counter()
        task = enqueue(number)
        wait_for(task, finished)
        seen.append((time.perf_counter() - began) * 1000)
        ids.append(task)
        time.sleep(options.pause)
    return {"seen": seen, "ids": ids, "failures": []}


def wait_for(task: str, finished: Callable[[str], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not finished(task):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{task} was not finished within {PATIENCE_SECONDS:g} s.")
        time.sleep(READER_PAUSE_SECONDS)
