"""The whole platform as bin/up runs it, with a workspace of the tests' own and shortened times."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg

from tests.acceptance.contract import Contract
from tests.acceptance.launching import ROOT, Up, environment, eventually, processes, run_once, running

WORKSPACE = Path(__file__).parent / "workspace"
CALLERS = 120
# A worker is dead when it was silent for so long, in at least five polls.
SHORT_TIMES = {
    "BIFROST_BEAT_SECONDS": "0.3",
    "BIFROST_DEAD_AFTER_SECONDS": "1.5",
    "BIFROST_BLOCKED_WARNING_SECONDS": "0.5",
    "BIFROST_BLOCKED_LIMIT_SECONDS": "2",
    "BIFROST_WORKSPACE_POLL_SECONDS": "0.2",
}


class Stack:
    """A running platform: its API by HTTP, its commands, its database, its processes."""

    def __init__(self, up: Up, workspace: Path, variables: dict[str, str]) -> None:
        self.up = up
        self.workspace = workspace
        self.url: str = up.document["url"]
        self._clients = threading.local()
        self._opened: list[httpx.Client] = []
        self._contract = Contract(self.http.get("/api/schema").json())
        self._variables = variables
        self._said_before = 0
        self._callers = ThreadPoolExecutor(CALLERS, "caller")

    @property
    def http(self) -> httpx.Client:
        """The calling thread's own: a pool that threads share may close a connection that another has just taken."""
        if not hasattr(self._clients, "client"):
            # The server closes an idle connection after five seconds, which must not happen under a request.
            limits = httpx.Limits(keepalive_expiry=2)
            self._clients.client = httpx.Client(base_url=self.url, timeout=60, limits=limits)
            self._opened.append(self._clients.client)
        client: httpx.Client = self._clients.client
        return client

    # --- the API -----------------------------------------------------------------------------------------------------

    def token(self, org_id: str) -> str:
        token = self.up.document["organizations"][org_id]["token"]
        assert isinstance(token, str)
        return token

    def call(self, method: str, path: str, token: str = "", **options: Any) -> httpx.Response:
        """The answer, which keeps to the OpenAPI document."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **options.pop("headers", {})}
        answer = self.http.request(method, path, headers=headers, **options)
        self._contract.check(answer)
        return answer

    def run(self, workflow: str, org_id: str = "acme", **parameters: Any) -> httpx.Response:
        return self.call("POST", f"/api/workflows/{workflow}", self.token(org_id), json=parameters)

    def begin(self, workflow: str, org_id: str = "acme", **parameters: Any) -> Future[httpx.Response]:
        """The same by a caller of its own, who waits for the answer."""
        return self.begin_call(partial(self.run, workflow, org_id, **parameters))

    def begin_call(self, call: Callable[[], httpx.Response]) -> Future[httpx.Response]:
        return self._callers.submit(call)

    def record(self, execution_id: str, org_id: str = "acme") -> dict[str, Any]:
        return self._found(f"/api/executions/{execution_id}", org_id)

    def journal(self, execution_id: str, org_id: str = "acme") -> list[dict[str, Any]]:
        lines = self._found(f"/api/executions/{execution_id}/journal?limit=1000", org_id)["results"]
        assert isinstance(lines, list)
        return lines

    def _found(self, path: str, org_id: str) -> dict[str, Any]:
        answer = self.call("GET", path, self.token(org_id))
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert isinstance(document, dict)
        return document

    def health(self) -> httpx.Response:
        return self.call("GET", "/api/health")

    # --- what lies behind it -----------------------------------------------------------------------------------------

    def manage(self, *arguments: str, stdin: str = "", wanted: int = 0) -> str:
        """The output of a command that ends with this status."""
        done = subprocess.run(
            self._command(*arguments), input=stdin, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == wanted, done.stderr
        return done.stdout

    @contextmanager
    def beside(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """A command that runs meanwhile; it has to end well by itself."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(self._command(*arguments), env=self._environment, **pipes)  # type: ignore[call-overload]
        try:
            yield process
            output, _ = process.communicate(timeout=30)
            assert process.returncode == 0, output
        finally:
            process.kill()
            process.wait()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    @property
    def _environment(self) -> dict[str, str]:
        return environment(self.up.data, **self._variables)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.up.document["databaseUrl"], autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def schema(self, org_id: str) -> str:
        return str(self.sql("SELECT schema_name FROM orgs_organization WHERE org_id = %s", org_id)[0][0])

    def unfinished(self) -> list[tuple[Any, ...]]:
        """What any organization's executions and the run queue hold that has not ended."""
        ended = "('Success', 'CompletedWithErrors', 'Failed', 'Compensated', 'Cancelled', 'Rejected')"
        waiting = " UNION ALL ".join(
            f"SELECT id, status FROM {schema}.workflows_app_execution WHERE status NOT IN {ended}"
            for schema in self._schemas()
        )
        return self.sql(f"{waiting} UNION ALL SELECT execution, status FROM dispatch_dispatch")

    def nothing_left(self, seconds: float = 60) -> None:
        """Every execution there is ends, and the fleet says of each what its record says."""
        eventually(lambda: not self.unfinished(), "the end of every execution", seconds)
        unlike = " UNION ALL ".join(
            f"SELECT e.id, e.status, f.status FROM {schema}.workflows_app_execution e"
            " LEFT JOIN dispatch_fleet f ON f.execution = e.id WHERE f.status IS DISTINCT FROM e.status"
            for schema in self._schemas()
        )
        assert self.sql(unlike) == []

    def _schemas(self) -> list[str]:
        return [row[0] for row in self.sql("SELECT schema_name FROM orgs_organization")]

    @property
    def web(self) -> int:
        """The process number of the web process."""
        [pid] = self.up.document["pids"]["web"]
        assert isinstance(pid, int)
        return pid

    def settle(self) -> None:
        """Waits until all is well and nothing runs."""
        eventually(self.up.is_healthy, "health")
        eventually(lambda: not self.unfinished(), "the end of every execution")

    def begin_test(self) -> None:
        self.settle()
        self._said_before = len(self.up.output)

    @property
    def said(self) -> str:
        """What bin/up wrote since the test began."""
        return self.up.output[self._said_before :]

    def close(self) -> None:
        self._callers.shutdown()
        for client in self._opened:
            client.close()


class Gate:
    """What the workflows of waiting.py wait at."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True)

    def __str__(self) -> str:
        return str(self.directory)

    def reached(self, number: int = 1, seconds: float = 20) -> list[str]:
        """The ids of so many executions, once they have come to it."""

        def ids() -> list[str]:
            found = [entry.name for entry in self.directory.iterdir() if entry.name != "open"]
            return found if len(found) >= number else []

        waiting = eventually(ids, f"{number} runs at the gate", seconds)
        assert isinstance(waiting, list)
        return waiting

    def open(self) -> None:
        (self.directory / "open").touch()


def _set_up() -> Path:
    """The data directory that a first start leaves behind, made once for all processes of a test run."""
    # Of the directories of a run, the one that also PostgreSQL's account may enter.
    directory = Path(os.environ["PYTEST_DEBUG_TEMPROOT"]) / "set-up"
    directory.mkdir(exist_ok=True)
    made = directory / "made"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            up = run_once(directory / "data", BIFROST_WORKSPACE=str(WORKSPACE))
            assert up.wait() == 0, up.output
            made.touch()
    return directory / "data"


@contextmanager
def running_stack(**variables: str) -> Iterator[Stack]:
    """Set up before and running; afterwards it has to stop when asked, with everything that it started."""
    # Not below pytest's own directory: every session of pytest closes that one to others, and root's PostgreSQL is
    # another user.
    with TemporaryDirectory(prefix="bifrost-acceptance-") as directory:
        yield from _running(Path(directory), variables)


def _running(directory: Path, variables: dict[str, str]) -> Iterator[Stack]:
    data, workspace = directory / "data", directory / "workspace"
    shutil.copytree(WORKSPACE, workspace, ignore=shutil.ignore_patterns("__pycache__"))
    # PostgreSQL's files stay those of its account.
    subprocess.run(["cp", "-a", _set_up(), data], check=True)
    # It names ports, which each platform would keep.
    (data / "openbao" / "config.json").unlink()
    variables = {**variables, "BIFROST_WORKSPACE": str(workspace)}
    with running(data, **variables) as up:
        stack = Stack(up, workspace, variables)
        try:
            yield stack
        finally:
            stack.close()
        assert up.stop() == 0, up.output[-5000:]
    assert processes(data) == {}
