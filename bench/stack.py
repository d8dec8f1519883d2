"""Bifrost on a database and a vault of its own, each process started and stopped when a measurement asks for it.

By the parts of `bin/up`, since a measurement of the workers alone, or of a peer on the same PostgreSQL, needs the
database without the rest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from launcher import kinds, loopback
from launcher.data_directory import held
from launcher.embedded import Services
from launcher.environment import PYTHON, ROOT
from launcher.leftovers import end_leftovers
from launcher.processes import Process, run, stop_all
from launcher.waiting import StopRequest

from bench.clients import BenchFailed

__all__ = ["ORGANIZATION", "ORGANIZATIONS", "ROOT", "Stack", "stack"]

WORKSPACE = Path(__file__).resolve().parent / "workspace"
ORGANIZATION = "test-org-active"
ORGANIZATIONS = (ORGANIZATION, "acme", "msp")
START_SECONDS = 60.0
WORKERS = 2


class Stack:
    """A prepared database and vault; no process of the platform runs until one is started."""

    def __init__(self, data: Path, port: int, services: Services, variables: dict[str, str], stop: StopRequest) -> None:
        self.data = data
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.database_url = variables.get("DATABASE_URL") or os.environ["DATABASE_URL"]
        self.environment = {**kinds.surroundings(data, variables), "BIFROST_WORKSPACE": str(WORKSPACE)}
        self.services = services
        self._stop = stop
        self._running: dict[str, Process] = {}

    @cached_property
    def credentials(self) -> dict[str, Any]:
        """Those of the demo organizations, which are made at the first use."""
        (self.data / "static").mkdir(exist_ok=True)
        file = self.data / "credentials.json"
        rights = self.services.openbao.administrator() if self.services.openbao else {}
        run(kinds.manage("prepare", "--json", str(file), environment={**self.environment, **rights}), self._stop, 600)
        credentials = json.loads(file.read_text())
        assert isinstance(credentials, dict)
        return credentials

    def start(self, name: str, **variables: str) -> Process:
        """Starts the web process or the workers, and returns once they can work."""
        self.credentials  # noqa: B018  prepares the database
        kind = next(kind for kind in kinds.KINDS if kind.name == name)
        command = kinds.command(kind, self.port, {**self.environment, **variables})
        mark = self.value("SELECT clock_timestamp()")
        process = Process(command, lambda line: print(f"{name} | {line}", file=sys.stderr))
        self._running[name] = process
        if name == "web":
            self._stop.wait_until(kinds.Health(self.port, process).healthy, "The web process", START_SECONDS)
        else:
            self._stop.wait_until(lambda: self._workers_since(mark), "The workers", START_SECONDS)
        return process

    def stop(self, name: str) -> None:
        if process := self._running.pop(name, None):
            stop_all([process], self._stop)

    @contextmanager
    def with_workers(self, **variables: str) -> Iterator[Process]:
        """Two worker processes while the block runs."""
        try:
            yield self.start("workers", **{"BIFROST_WORKERS": str(WORKERS), **variables})
        finally:
            self.stop("workers")

    def stop_all(self) -> None:
        stop_all(list(self._running.values()), self._stop)
        self._running.clear()

    def value(self, query: str, *parameters: Any) -> Any:
        """The first column of the first row."""
        with self.connection() as connection:
            row = connection.execute(query, parameters).fetchone()  # type: ignore[arg-type]
            return row[0] if row else None

    def connection(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url, autocommit=True)

    def schema(self, org_id: str) -> str:
        self.credentials  # noqa: B018  prepares the database
        return str(self.value("SELECT schema_name FROM orgs_organization WHERE org_id = %s", org_id))

    def python(self, script: str, *arguments: object) -> list[str]:
        """The command line of one of the benchmark's modules in the platform's environment."""
        return [str(PYTHON), "-m", f"bench.{script}", *map(str, arguments)]

    def run(self, script: str, *arguments: object) -> str:
        """What one of the benchmark's modules prints, run in the platform's environment to its end."""
        self.credentials  # noqa: B018  prepares the database
        environment = {**self.environment, "PYTHONPATH": str(ROOT)}
        command = self.python(script, *arguments)
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise BenchFailed(f"{command[2]} failed (its output is above).")
        return done.stdout

    def processes(self) -> dict[str, int]:
        """The pids of what was started, by name, the services among them."""
        services = {running.service.name: running.process.pid for running in self.services.running}
        return {**{name: process.pid for name, process in self._running.items()}, **services}

    def _workers_since(self, mark: datetime) -> bool:
        if not self._running["workers"].running:
            raise BenchFailed("manage.py workers ended (its output is above).")
        query = "SELECT count(*) FROM dispatch_worker WHERE kind = 'worker' AND started_at >= %s"
        return int(self.value(query, mark)) >= WORKERS


@contextmanager
def stack(port: int) -> Iterator[Stack]:
    """In a temporary data directory, which is gone afterwards, with every process."""
    stop = StopRequest()
    data = Path(tempfile.mkdtemp(prefix="bifrost-bench-"))
    try:
        with held(data, "bin/bench"):
            services = Services(data, None, stop)
            try:
                with services.serving() as variables:
                    running = Stack(data, port or loopback.free_port(), services, variables, stop)
                    try:
                        yield running
                    finally:
                        running.stop_all()
            finally:
                end_leftovers(data)
    finally:
        shutil.rmtree(data, ignore_errors=True)
