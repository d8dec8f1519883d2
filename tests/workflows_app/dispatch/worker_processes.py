"""`manage.py workers` as a real process, on the test's database, and a look at the processes below it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.db import connection

from tests.acceptance.launching import ROOT, eventually

WORKERS = 2
# In how many seconds anything that hangs is over.
SHORT_MARKS = 4.0


def database_url() -> str:
    """Of the test's own database, on the server of the test run."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def state(pid: int) -> tuple[str, int]:
    """Its state and its parent; ("X", 0) where there is none."""
    with suppress(OSError):
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return found[0], int(found[1])
    return "X", 0


def alive(pid: int) -> bool:
    return state(pid)[0] not in "ZX"


class WorkersCommand:
    """A running `manage.py workers`."""

    def __init__(self, **variables: str) -> None:
        self._output = tempfile.NamedTemporaryFile("w", suffix=".log", delete=False)
        environment = {**os.environ, "DATABASE_URL": database_url(), "BIFROST_WORKERS": str(WORKERS)}
        environment |= {"BIFROST_MARK_SECONDS": str(SHORT_MARKS), "BIFROST_STOP_GRACE_SECONDS": "2", **variables}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "workers"],
            env=environment,
            cwd=ROOT,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._seen: set[int] = {self.process.pid}

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text()

    def pids(self, role: str) -> list[int]:
        """Those that run in a role, such as "engine worker"."""
        return sorted(pid for pid, shown in self.processes().items() if shown == role)

    def pid(self, role: str) -> int:
        """The one of that role, once it is there alone: what it forks has its name for a moment."""

        def one() -> int:
            found = self.pids(role)
            return found[0] if len(found) == 1 else 0

        pid: int = eventually(one, f"one process {role}", 40)
        return pid

    def processes(self) -> dict[int, str]:
        """All below the command by what they say they are, also those whose parent is gone."""
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            if state(pid)[1] in self._seen and pid != os.getpid():
                self._seen.add(pid)
        found = {}
        for pid in self._seen - {self.process.pid}:
            with suppress(OSError):
                if alive(pid):
                    found[pid] = Path(f"/proc/{pid}/comm").read_text().strip()
        return found

    def beating(self) -> int:
        """How many of its processes have beaten lately."""
        beaten = "kind = 'worker' AND beat_at > now() - interval '5 s'"
        found: Any = _ask(f"SELECT coalesce(array_agg(pid), '{{}}') FROM dispatch_worker WHERE {beaten}")
        return len(set(found) & set(self.processes()))

    def rows(self) -> set[int]:
        """Which of its processes have a row as workers."""
        found: Any = _ask("SELECT coalesce(array_agg(pid), '{}') FROM dispatch_worker WHERE kind = 'worker'")
        return self._seen & set(found)

    def ready(self) -> WorkersCommand:
        """All processes of both clusters run, and the engine's workers beat."""
        expected = {"engine worker": WORKERS, "tasks worker": 1}
        for cluster in ("engine", "tasks"):
            expected |= {f"{cluster} {role}": 1 for role in ("main", "sentinel", "pusher", "monitor")}

        def there() -> bool:
            assert self.process.poll() is None, self.output
            shown = list(self.processes().values())
            return {role: shown.count(role) for role in set(shown)} == expected and (self.beating() >= WORKERS)

        try:
            eventually(there, "all processes", 60)
        except AssertionError:
            raise AssertionError(f"{self.processes()} {self.beating()}\n{self.output}") from None
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
        self.process.kill()
        self.process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.unlink(self._output.name)


def _ask(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


@contextmanager
def workers_running(**variables: str) -> Iterator[WorkersCommand]:
    started = WorkersCommand(**variables)
    try:
        yield started.ready()
    finally:
        started.close()
