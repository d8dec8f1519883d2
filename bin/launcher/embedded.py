"""The embedded services together: started side by side, stopped together, known by their variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from .data_directory import given
from .openbao import OpenBao
from .postgres import Postgres
from .processes import Command, Process, stop_all
from .terminal import Terminal
from .waiting import StartFailed, StopRequest

# A database that was killed has to recover first.
_START_SECONDS = 300.0
_LINES_OF_A_FAILURE = 20


class Service(Protocol):
    """What the launcher has to know of a service."""

    name: str
    noteworthy: re.Pattern[str]

    def prepare(self) -> None: ...
    def command(self) -> Command: ...
    def ready(self) -> bool: ...
    def finish(self) -> dict[str, str]: ...


class Log:
    """A service's output: all of it in a file, and the noteworthy lines on the terminal while it serves."""

    def __init__(self, service: Service, directory: Path, terminal: Terminal | None) -> None:
        directory.mkdir(mode=0o700, exist_ok=True)
        self.path = directory / f"{service.name}.log"
        self._file = self.path.open("w", buffering=1)
        self.path.chmod(0o600)
        self._service = service
        self._terminal = terminal
        self.serving = False

    def write(self, line: str) -> None:
        self._file.write(f"{line}\n")
        if self._terminal and self.serving and self._service.noteworthy.search(line):
            self._terminal.line(self._service.name, line)

    def tail(self) -> str:
        return "\n".join(self.path.read_text().splitlines()[-_LINES_OF_A_FAILURE:])


class RunningService:
    """A service and its process, which can be started anew."""

    def __init__(self, service: Service, log: Log) -> None:
        self.service = service
        self.log = log
        self.process = Process(service.command(), log.write)

    def restart(self) -> Process:
        self.process.kill()
        self.process = Process(self.service.command(), self.log.write)
        return self.process

    def ready(self) -> bool:
        """Raises StartFailed, with the end of its log, where its process has ended."""
        if not self.process.running:
            name, status = self.service.name, self.process.exit_status
            raise StartFailed(f"{self.log.tail()}\n{name} ended with status {status} (its log is above).")
        return self.service.ready()


class Services:
    """Those services which the caller's environment does not name already."""

    def __init__(
        self, data_directory: Path, terminal: Terminal | None, stop: StopRequest, *, lasting: bool = True
    ) -> None:
        self._stop = stop
        self._logs = data_directory / "logs"
        self._terminal = terminal
        self.openbao = None if given("VAULT_ADDR") else OpenBao(data_directory, stop)
        self._postgres = None if given("DATABASE_URL") else Postgres(data_directory, stop, lasting=lasting)
        self.running: list[RunningService] = []

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """Runs them and gives the variables by which the platform finds them; ends them, whatever happens."""
        try:
            yield self._start()
        finally:
            for running in self.running:
                running.log.serving = False
            stop_all([running.process for running in self.running], self._stop)
            if self._postgres:
                self._postgres.remove_socket_directory()

    def _start(self) -> dict[str, str]:
        # The second is prepared, which takes long the first time, while the first one starts already.
        chosen: Sequence[Service] = [service for service in (self.openbao, self._postgres) if service]
        for service in chosen:
            service.prepare()
            self.running.append(RunningService(service, Log(service, self._logs, self._terminal)))
        variables: dict[str, str] = {}
        for running in self.running:
            self._stop.wait_until(running.ready, f"Starting {running.service.name}", _START_SECONDS)
            variables |= running.service.finish()
            running.log.serving = True
        return variables
