"""Runs bin/up as a person would, in a data directory of its own, and says what it left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from bin.launcher.processes import die_with_parent

ROOT = Path(__file__).resolve().parent.parent.parent
UP = ROOT / "bin" / "up"
EXAMPLES = ROOT / "workspace"
_NOT_FOR_IT = ("DATABASE_URL", "VAULT_", "SECRET_KEY", "BIFROST_", "PYTEST_", "DJANGO_", "SSL_CERT_FILE")


def environment(data: Path, **variables: str) -> dict[str, str]:
    """This process's, without what the test run itself was given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_IT)}
    return {**kept, "BIFROST_DATA_DIR": str(data), **variables}


def eventually(holds: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """The first true answer. Fails when there is none in that time."""
    limit = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < limit, f"{what}: not within {seconds:g} s"
        time.sleep(0.02)
    return answer


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """The signal to each of them that is there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def processes(data: Path) -> dict[int, str]:
    """The command lines, by pid, of those that name the data directory, work in it or got it in their environment."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (entry / "cmdline").read_bytes()
            variables = (entry / "environ").read_bytes().split(b"\0")
            of_a_launcher = f"BIFROST_LAUNCHER={data}".encode() in variables
            if of_a_launcher or bytes(data) in line or Path(os.readlink(entry / "cwd")).is_relative_to(data):
                found[int(entry.name)] = line.replace(b"\0", b" ").decode()
    return found


class Up:
    """A bin/up that was started. `document` is what it wrote with --json, once it is ready."""

    def __init__(self, data: Path, *arguments: str, through: Sequence[str] = (), **variables: str) -> None:
        self.data = data
        own = Path(tempfile.mkdtemp(dir=data.parent))
        self.json = own / "up.json"
        self._output = (own / "output").open("w")
        command = [*through, str(UP), "--port", "0", "--json", str(self.json), *arguments]
        self.process = subprocess.Popen(
            command,
            env=environment(data, **variables),
            cwd="/",
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509  it is one system call
        )

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text()

    @property
    def document(self) -> dict[str, Any]:
        document = json.loads(self.json.read_text())
        assert isinstance(document, dict)
        return document

    def ready(self) -> Up:
        def there() -> bool:
            assert self.process.poll() is None or self.json.exists(), self.output
            return self.json.exists() and "Ctrl-C" in self.output

        eventually(there, "bin/up is ready", 60)
        return self

    def call(self, path: str, token: str = "", **options: Any) -> httpx.Response:
        headers = {"x-functions-key": token, **options.pop("headers", {})}
        return httpx.request(options.pop("method", "GET"), self.document["url"] + path, headers=headers, **options)

    def is_healthy(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self.call("/api/health").status_code == 200
        return False

    def database_server(self) -> int | None:
        """The pid of its PostgreSQL; none while one that died is being replaced."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.data / "postgres" / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) if lines else None
        return None

    def wait(self, seconds: float = 60.0) -> int:
        return self.process.wait(seconds)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit status after the signal."""
        self.process.send_signal(number)
        return self.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.stop()
        self._output.close()


@contextlib.contextmanager
def running(data: Path, *arguments: str, through: Sequence[str] = (), **variables: str) -> Iterator[Up]:
    up = Up(data, *arguments, through=through, **variables)
    try:
        yield up.ready()
    finally:
        up.close()


def run_once(data: Path, *arguments: str, **variables: str) -> Up:
    """bin/up --once, to its end."""
    up = Up(data, "--once", *arguments, **variables)
    try:
        up.wait(120)
    finally:
        up.close()
    return up


def write_workspace(directory: Path, source: str) -> Path:
    """A workspace with these workflows and no others."""
    workflows = directory / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "only.py").write_text(source)
    return directory
