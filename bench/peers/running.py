"""Runs one peer on the same PostgreSQL as Bifrost: a database and two worker processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from launcher.processes import die_with_parent

from bench import clients
from bench.clients import Taken
from bench.peers.environment import ROOT
from bench.peers.variants import Variant

# Not the benchmark's own settings and virtual environment.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER")
STOP_SECONDS = 10.0


class Peer:
    """A variant whose workers run. Its results are counted on a connection that is kept."""

    def __init__(self, variant: Variant, python: Path, url: str, environment: Mapping[str, str]) -> None:
        self.variant = variant
        self._python = python
        self._environment = environment
        self._reader = psycopg.connect(url, autocommit=True)

    def throughput(self, tasks: int, processes: int, threads: int) -> Taken:
        each = tasks // processes
        command = self._command("submit", each, "--threads", threads)
        return clients.throughput([command] * processes, self._environment, each * processes, self._results)

    def latencies(self, count: int, pause: float) -> list[float]:
        seen = clients.latencies(self._command("latency", count, "--pause", pause), self._environment)["seen"]
        assert isinstance(seen, list)
        return seen

    def steps(self, steps: int, executions: int) -> list[tuple[float, float]]:
        """When the steps of each of so many workflows began and ended, all at the same time."""
        command = self._command("steps", executions, "--steps", steps)
        document = json.loads(subprocess.check_output(command, env=dict(self._environment), cwd=ROOT))
        return [(began, ended) for began, ended in document]

    def close(self) -> None:
        self._reader.close()

    def _command(self, *arguments: object) -> list[str]:
        return [str(self._python), "-m", self.variant.module, *map(str, arguments)]

    def _results(self) -> int:
        row = self._reader.execute(self.variant.results).fetchone()
        return int(row[0]) if row else 0


@contextmanager
def peer(variant: Variant, python: Path, server: str, redis: str | None) -> Iterator[Peer]:
    """The peer with its workers while the block runs."""
    url = database(server, variant.database)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "BENCH_DATABASE_URL": url, **variant.variables}
    if redis and variant.needs_redis:
        environment["BENCH_REDIS_URL"] = redis
    if variant.prepare:
        subprocess.run([str(python), *variant.prepare], env=environment, cwd=ROOT, check=True)
    workers = [_worker([str(python), *arguments], environment) for arguments in variant.workers]
    measured = Peer(variant, python, url, environment)
    try:
        yield measured
    finally:
        measured.close()
        for worker in workers:
            _end(worker)


def database(server: str, name: str) -> str:
    """The URL of the peer's database on that server; it is made where it is missing."""
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    parts = urlsplit(server)
    return urlunsplit(parts._replace(path=f"/{name}"))


def _worker(command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=dict(environment),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509  it is one system call
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Asks it, then kills its whole group, since a peer's own children may be left."""
    worker.terminate()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(worker.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    worker.wait()
