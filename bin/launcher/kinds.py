"""The platform's own processes, and the one that prepares it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import loopback
from .data_directory import given, remember
from .environment import PYTHON, ROOT
from .leftovers import MARK
from .processes import Command, Process
from .waiting import StartFailed

# A little more than the platform's own grace for running workflows (BIFROST_STOP_GRACE_SECONDS, 10 s).
_GRACE_SECONDS = 15.0
# `manage.py workers` bounds the end of its clusters itself, ten seconds after that grace.
_WORKERS_GRACE_SECONDS = 25.0
_WEB_GRACE_SECONDS = 10


@dataclass(frozen=True)
class Kind:
    """A kind of process that bin/up keeps running. `group` is its key under "pids" in --json."""

    name: str
    group: str
    arguments: Callable[[int], list[str]]
    grace: float = _GRACE_SECONDS


def _web(port: int) -> list[str]:
    address = ["--host", loopback.HOST, "--port", str(port), "--workers", "1"]
    quiet = ["--no-access-log", "--log-level", "warning", "--no-server-header"]
    grace = ["--timeout-graceful-shutdown", str(_WEB_GRACE_SECONDS)]
    return ["-m", "uvicorn", "bifrost.asgi:application", *address, *quiet, *grace]


def _workers(port: int) -> list[str]:
    return ["manage.py", "workers"]


KINDS = (Kind("web", "web", _web), Kind("workers", "workers", _workers, _WORKERS_GRACE_SECONDS))
GROUPS = ("web", "workers")


def surroundings(data_directory: Path, services: Mapping[str, str]) -> dict[str, str]:
    """The environment of the platform's processes: the caller's, what it leaves open from the data directory's file
    (which is written here), the services' variables, and the launcher's mark."""
    remembered = {name: value for name, value in remember(data_directory, services).items() if not given(name)}
    own = {"BIFROST_DATA_DIR": str(data_directory), MARK: str(data_directory), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **remembered, **services, **own}


def command(kind: Kind, port: int, environment: Mapping[str, str]) -> Command:
    arguments = [str(PYTHON), *kind.arguments(port)]
    return Command(kind.name, arguments, environment, directory=ROOT, grace=kind.grace)


def manage(name: str, *arguments: str, environment: Mapping[str, str]) -> Command:
    return Command(f"manage.py {name}", [str(PYTHON), "manage.py", name, *arguments], environment, directory=ROOT)


class Health:
    """Asks the web process whether it is healthy, and remembers what it said."""

    def __init__(self, port: int, web: Process) -> None:
        self._port = port
        self._web = web
        self.answer = "nothing yet"

    def healthy(self) -> bool:
        """Raises StartFailed where the process has ended; its output tells why."""
        if not self._web.running:
            raise StartFailed(f"The web process ended with status {self._web.exit_status} (its output is above).")
        try:
            status, document = loopback.call(self._port, "GET", "/api/health")
        except OSError:
            return False
        self.answer = f"{status} {document}"
        return status == 200
