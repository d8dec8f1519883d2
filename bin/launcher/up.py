"""bin/up: sets Bifrost up and runs it in the foreground."""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import example, kinds, loopback, report
from .data_directory import configured, held, write_document
from .embedded import Services
from .leftovers import end_leftovers
from .processes import Process, run, stop_all
from .supervisor import Kept, Supervisor
from .terminal import Terminal
from .waiting import StartFailed, Stopped, StopRequest

REQUIREMENTS = ("requirements.txt",)
# The processes of a launcher that was killed end by themselves within this time, or are ended.
_LEFTOVER_SECONDS = 3.0
# Every organization may have to be migrated.
_PREPARE_SECONDS = 3600.0
_HEALTH_SECONDS = 60.0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/up",
        description="Sets Bifrost up and runs all of it in the foreground: a virtual environment, an embedded"
        " PostgreSQL and OpenBao, organizations to try it with, the web process and the workers. Runs one example"
        " workflow and prints how to reach everything. Ctrl-C stops it; a second start finds everything where it was.",
        epilog="Data lies in BIFROST_DATA_DIR (default: .bifrost in the repository). Where DATABASE_URL or"
        " VAULT_ADDR is set, that service is used and none is started in its place.",
    )
    add = parser.add_argument
    add("--port", type=port, default=7072, help="of the web process; 0 takes a free one (default: 7072)")
    add("--once", action="store_true", help="stop after the example, with exit status 0 unless it failed")
    add("--json", type=Path, metavar="FILE", help="write addresses, tokens, people and pids there once ready")
    return parser.parse_args(arguments)


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{number} is no port (0 to 65535)")
    return number


def run_up(options: argparse.Namespace, terminal: Terminal, stop: StopRequest) -> int:
    """Raises StartFailed, or Stopped before it is ready."""
    data = configured()
    chosen = options.port or loopback.free_port()
    with held(data, f"bin/up at http://localhost:{chosen}"):
        if ended := end_leftovers(data, _LEFTOVER_SECONDS):
            terminal.say(f"Ended {ended} processes that a killed bin/up had left behind.")
        try:
            if not loopback.is_free(chosen):
                raise StartFailed(f"Port {chosen} is in use by another program. Choose another one with --port.")
            return _Run(options, data, chosen, terminal, stop).run()
        finally:
            end_leftovers(data)


class _Run:
    """One run of bin/up, under the lock of its data directory."""

    def __init__(
        self, options: argparse.Namespace, data: Path, port: int, terminal: Terminal, stop: StopRequest
    ) -> None:
        self._options = options
        self._data = data
        self._port = port
        self._terminal = terminal
        self._stop = stop
        self._services = Services(data, terminal, stop)
        self._kept: list[Kept] = []
        self._document: dict[str, Any] = {}

    def run(self) -> int:
        if self._options.json:
            self._options.json.unlink(missing_ok=True)
        self._terminal.say("Starting the database and the vault ...")
        with self._services.serving() as variables:
            environment = kinds.surroundings(self._data, variables)
            try:
                credentials = self._prepare(environment)
                self._start(environment)
                return self._serve(environment, credentials)
            finally:
                self._terminal.say("Stopping ...")
                stop_all([kept.process for kept in self._kept], self._stop)

    def _prepare(self, environment: Mapping[str, str]) -> dict[str, Any]:
        self._terminal.say("Preparing the database, the vault and the organizations ...")
        file = self._data / "credentials.json"
        openbao = self._services.openbao
        rights = openbao.administrator() if openbao else {}
        prepare = kinds.manage("prepare", "--json", str(file), environment={**environment, **rights})
        for line in run(prepare, self._stop, _PREPARE_SECONDS).splitlines():
            self._terminal.line("prepare", line)
        credentials = json.loads(file.read_text())
        assert isinstance(credentials, dict)
        return credentials

    def _start(self, environment: Mapping[str, str]) -> None:
        self._terminal.say("Starting the web process and the workers ...")
        (self._data / "static").mkdir(exist_ok=True)
        for kind in kinds.KINDS:
            start = functools.partial(self._new_process, kind, environment)
            self._kept.append(Kept(kind.name, start(), start))
        health = kinds.Health(self._port, self._kept[0].process)
        try:
            self._stop.wait_until(health.healthy, "The web process", _HEALTH_SECONDS)
        except StartFailed as failure:
            raise StartFailed(f"{failure} The last answer of /api/health: {health.answer}") from failure

    def _new_process(self, kind: kinds.Kind, environment: Mapping[str, str]) -> Process:
        sink = functools.partial(self._terminal.line, kind.name)
        return Process(kinds.command(kind, self._port, environment), sink)

    def _serve(self, environment: Mapping[str, str], credentials: Mapping[str, Any]) -> int:
        """Runs the example, says how to reach everything, and keeps it running until a stop is asked for."""
        token = credentials["organizations"][example.ORGANIZATION]["token"]
        run_example = functools.partial(example.run_example, self._port, token, self._terminal)
        succeeded = self._stop.wait_for(run_example, f"The example {example.WORKFLOW}", example.SECONDS)
        self._document = report.document(self._port, credentials, environment)
        self._write_document()
        self._terminal.say(report.text(self._document))
        if self._options.once:
            return 0 if succeeded else 1
        self._terminal.say("Ctrl-C stops everything.\n")
        supervisor = Supervisor(self._terminal, self._stop, self._write_document)
        for kept in self._kept:
            supervisor.keep(kept)
        for running in self._services.running:
            supervisor.keep(Kept(running.service.name, running.process, running.restart))
        supervisor.watch()
        return 0

    def _write_document(self) -> None:
        pids: dict[str, list[int]] = {group: [] for group in kinds.GROUPS}
        for kind, kept in zip(kinds.KINDS, self._kept, strict=True):
            pids[kind.group].append(kept.process.pid)
        self._document["pids"] = pids
        if self._options.json:
            write_document(self._options.json, self._document)


def run_command(options: argparse.Namespace) -> int:
    """The exit status: 0 where all went well or it was stopped while it ran, 1 where not, 128 + n where a signal
    stopped it before it was ready."""
    terminal, stop = Terminal(), StopRequest()
    stop.listen()
    failure = ""
    status = 1
    try:
        status = run_up(options, terminal, stop)
    except Stopped:
        status = 128 + stop.signal
    except StartFailed as failed:
        failure = str(failed)
    terminal.close()
    if failure:
        with suppress(OSError):
            print(failure, file=sys.stderr)
    return status
