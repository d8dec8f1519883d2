"""Starts Bifrost on a database of its own, measures it, prints a table of figures and ratios.

Each figure stands beside something that was measured in the same run, since machines differ and are noisy: the bare
commits on the same database, and the health page of the same web process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = Path(__file__).resolve().parent / "workspace"
ORGANIZATION = "test-org-active"


@dataclass(frozen=True)
class Figure:
    """One measurement: latencies in milliseconds."""

    what: str
    clients: int
    per_second: float
    p50: float
    p99: float


@contextmanager
def platform_up(data: Path, port: int) -> Iterator[dict[str, Any]]:
    """A Bifrost of its own, started by bin/up; yields what it wrote to --json."""
    ready = data / "up.json"
    environment = {**os.environ, "BIFROST_DATA_DIR": str(data), "BIFROST_WORKSPACE": str(WORKSPACE)}
    process = subprocess.Popen(
        [ROOT / "bin/up", "--port", str(port), "--json", ready],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 180
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bin/up did not start: {process.stderr.read().decode()[-2000:] if process.stderr else ''}")
            time.sleep(0.1)
        yield json.loads(ready.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def over_http(what: str, up: dict[str, Any], path: str, clients: int, seconds: float, body: str = "") -> Figure:
    """Load from a process of its own, so that it shares no interpreter lock with anything."""
    token = up["organizations"][ORGANIZATION]["token"]
    command = [sys.executable, str(ROOT / "bench/client.py"), up["url"] + path, "--clients", str(clients)]
    command += ["--seconds", str(seconds), "--header", f"x-functions-key: {token}"]
    if body:
        command += ["--method", "POST", "--body", body]
    answer = json.loads(subprocess.check_output(command))
    if set(answer["statuses"]) != {"200"}:
        sys.exit(f"{what}: not every answer was 200: {answer['statuses']}")
    return Figure(what, clients, answer["per_second"], answer["p50_ms"], answer["p99_ms"])


def bare_commits(url: str, clients: int, seconds: float) -> Figure:
    """What a sync run must do at least: insert a row and commit, change it and commit, on prepared statements."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.bench_bare (id uuid PRIMARY KEY, status text, result jsonb)"
        )
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        own = []
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            while (began := time.perf_counter()) < end:
                key = uuid.uuid4()
                connection.execute("INSERT INTO public.bench_bare VALUES (%s, 'Running', NULL)", (key,))
                connection.execute(
                    "UPDATE public.bench_bare SET status = 'Success', result = '{}' WHERE id = %s", (key,)
                )
                own.append((time.perf_counter() - began) * 1000)
        latencies.extend(own)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ordered = sorted(latencies)
    p99 = ordered[int(len(ordered) * 0.99)]
    return Figure(
        "bare: two commits", clients, round(len(ordered) / seconds, 1), round(median(ordered), 2), round(p99, 2)
    )


def measure(up: dict[str, Any], seconds: float, rounds: int) -> list[Figure]:
    """The median of `rounds` rounds of every figure, interleaved so that noise hits all alike."""
    taken: dict[tuple[str, int], list[Figure]] = {}
    message = json.dumps({"message": "Hello World"})
    for _round in range(rounds):
        for clients in (1, 8):
            for figure in (
                bare_commits(up["databaseUrl"], clients, seconds),
                over_http("GET /api/health", up, "/api/health", clients, seconds),
                over_http("sync POST, trivial", up, "/api/workflows/trivial", clients, seconds, message),
                over_http("sync POST, ten log lines", up, "/api/workflows/ten_logs", clients, seconds, message),
            ):
                taken.setdefault((figure.what, clients), []).append(figure)
    return [sorted(figures, key=lambda figure: figure.p50)[len(figures) // 2] for figures in taken.values()]


def table(figures: list[Figure]) -> str:
    """Markdown, each figure with its ratio to the bare commits at the same number of clients."""
    bare = {figure.clients: figure for figure in figures if figure.what.startswith("bare")}
    lines = [
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "",
        "| what | clients | p50 ms | p99 ms | per second | p50 to bare | rate to bare |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for figure in sorted(figures, key=lambda figure: figure.clients):
        base = bare[figure.clients]
        lines.append(
            f"| {figure.what} | {figure.clients} | {figure.p50:.2f} | {figure.p99:.2f} | {figure.per_second:.0f} "
            f"| {figure.p50 / base.p50:.1f} x | {figure.per_second / base.per_second:.2f} x |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is taken; the median counts")
    parser.add_argument("--port", type=int, default=7172)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bifrost-bench-") as data, platform_up(Path(data), options.port) as up:
        print(table(measure(up, options.seconds, options.rounds)))


if __name__ == "__main__":
    main()
