"""The part of the benchmark that measures requests that wait for their answer."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from bench import commits
from bench.clients import BenchFailed
from bench.figures import Book, Ratio
from bench.options import Options
from bench.stack import ORGANIZATION, Stack

BARE = "bare: two commits"
MESSAGE = json.dumps({"message": "Hello World"})
REQUESTS = (
    ("GET /api/health", "/api/health", ""),
    ("sync POST, trivial", "/api/workflows/trivial", MESSAGE),
    ("sync POST, ten log lines", "/api/workflows/ten_logs", MESSAGE),
)


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Each figure beside the bare commits of the same round and number of clients."""
    stack.start("web")
    commits.prepare(stack.database_url, stack.schema(ORGANIZATION))
    for _round in range(options.rounds):
        for clients in (1, 8):
            bare = _named(BARE, clients)
            _add(book, bare, commits.measure(stack.database_url, clients, options.seconds), None)
            for what, path, body in REQUESTS:
                taken = _over_http(stack, path, clients, options.seconds, body)
                _add(book, _named(what, clients), taken, Ratio(bare))
    stack.stop("web")


def _over_http(stack: Stack, path: str, clients: int, seconds: float, body: str) -> dict[str, Any]:
    """Load from a process of its own, so that it shares no interpreter lock with anything."""
    token = stack.credentials["organizations"][ORGANIZATION]["token"]
    command = stack.python("client", stack.url + path, "--clients", clients, "--seconds", seconds)
    command += ["--header", f"x-functions-key: {token}"]
    if body:
        command += ["--method", "POST", "--body", body]
    taken = json.loads(subprocess.check_output(command))
    assert isinstance(taken, dict)
    if set(taken["statuses"]) != {"200"}:
        raise BenchFailed(f"{path}: not every answer was 200: {taken['statuses']}")
    return taken


def _named(what: str, clients: int) -> str:
    return f"{what}, {clients} client{'s' if clients > 1 else ''}"


def _add(book: Book, what: str, taken: dict[str, Any], ratio: Ratio | None) -> None:
    book.add(what, "p50 ms", taken["p50_ms"], ratio)
    book.add(what, "p99 ms", taken["p99_ms"], ratio)
    book.add(what, "per second", taken["per_second"], ratio)
