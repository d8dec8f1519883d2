"""Many background executions at once, and what has to be true of each of them in the end, whatever went wrong."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.acceptance.launching import eventually, send
from tests.acceptance.stack import SHORT_TIMES, Stack

# Short, but not so short that a machine with other work to do looks dead.
FAULT_TIMES = {
    **SHORT_TIMES,
    "BIFROST_BEAT_SECONDS": "0.5",
    "BIFROST_DEAD_AFTER_SECONDS": "4",
    "BIFROST_MARK_SECONDS": "6",
    "BIFROST_STOP_GRACE_SECONDS": "3",
    "BIFROST_CONCURRENCY": "200",
}
END_SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """One execution as the database has it, and what its code did, by the lines that it left."""

    id: str
    status: str
    error: str | None
    completed_at: float
    terminals: list[str]
    last: str
    lines: int
    last_number: int
    fleet: list[str]
    queued: int
    begun: int
    last_line_at: float


class Crowd:
    """Executions of one test. `room` is where their code leaves its lines, and waits for a file `open`."""

    def __init__(self, stack: Stack, room: Path) -> None:
        self.stack = stack
        self.room = room
        room.mkdir(parents=True)
        self.ids: list[str] = []

    # --- before and meanwhile ----------------------------------------------------------------------------------------

    def start(
        self, workflow: str, number: int, org_id: str = "acme", *, room: bool = True, **parameters: Any
    ) -> list[str]:
        """The ids of so many that wait in the run queue."""
        body = {**parameters, **({"room": str(self.room)} if room else {})}
        callers = [self.stack.begin(workflow, org_id, **body) for _ in range(number)]
        answers = [caller.result() for caller in callers]
        assert {answer.status_code for answer in answers} == {202}, {answer.text for answer in answers}
        started = [str(answer.json()["executionId"]) for answer in answers]
        self.ids += started
        return started

    def wait_begun(self, number: int, seconds: float = END_SECONDS) -> None:
        """Until the code of so many has begun."""
        eventually(lambda: len(self.counts("begin")) >= number, f"{number} runs that have begun", seconds)

    def counts(self, word: str) -> Counter[str]:
        """How often each has said it."""
        found: Counter[str] = Counter()
        for file in self.room.iterdir():
            if not file.name.startswith(("open", "die")):
                found[file.name] = sum(line.startswith(word) for line in file.read_text().splitlines())
        return +found

    def open(self) -> None:
        (self.room / "open").touch()

    def kill_one(self, moment: str) -> None:
        """The next run that comes to this moment ends its process."""
        (self.room / f"die {moment}").touch()

    @contextmanager
    def more_workers(self) -> Iterator[None]:
        """A second `manage.py workers` beside those of bin/up; in the end it is asked to stop, and does."""
        with self.stack.beside("workers") as process:
            all_workers(self.stack, 4)
            yield
            process.terminate()

    # --- at the end --------------------------------------------------------------------------------------------------

    def wait_ended(self, number: int | None = None, seconds: float = END_SECONDS) -> None:
        """Until so many, or all, have ended by the run queue."""
        wanted = len(self.ids) if number is None else number
        rows = "SELECT count(*) FROM dispatch_fleet WHERE execution = ANY(%s::uuid[])"
        eventually(lambda: self.stack.sql(rows, self.ids)[0][0] >= wanted, f"{wanted} ends", seconds)

    def ended(self, ids: Sequence[str], org_id: str = "acme") -> list[Ended]:
        """Them as they are now."""
        schema = self.stack.schema(org_id)
        terminals = "('Success','CompletedWithErrors','Failed','Compensated','Cancelled','Rejected')"
        rows = self.stack.sql(
            f"""
            SELECT e.id::text, e.status, e.error ->> 'error', extract(epoch FROM e.completed_at)::float8,
                array_agg(v.name ORDER BY v.seq) FILTER (WHERE v.kind = 'status' AND v.name IN {terminals}),
                (array_agg(v.name ORDER BY v.seq DESC))[1], count(v.seq)::int, max(v.seq),
                ARRAY(SELECT f.status FROM dispatch_fleet f WHERE f.execution = e.id),
                (SELECT count(*) FROM dispatch_dispatch d WHERE d.execution = e.id)::int
            FROM {schema}.workflows_app_execution e
            JOIN {schema}.workflows_app_executionevent v ON v.execution_id = e.id
            WHERE e.id = ANY(%s::uuid[]) GROUP BY e.id""",
            ids,
        )
        begun = self.counts("begin")
        return [Ended(*row, begun=begun[row[0]], last_line_at=self._last_line_at(row[0])) for row in rows]

    def _last_line_at(self, execution: str) -> float:
        with suppress(FileNotFoundError, IndexError):
            return float((self.room / execution).read_text().splitlines()[-1].split()[1])
        return 0.0

    def check(self, ids: Sequence[str], org_id: str = "acme") -> Counter[str]:
        """How many ended as what. Each of them has ended exactly once by every account there is, and its code did
        nothing afterwards."""
        for each in self.ended(ids, org_id):
            assert each.last_line_at <= each.completed_at, each
        return self.check_journals(ids, org_id)

    def check_journals(self, ids: Sequence[str], org_id: str = "acme") -> Counter[str]:
        """The same, but for what their code did: that of a process which stood still goes on for a moment."""
        found = self.ended(ids, org_id)
        assert sorted(each.id for each in found) == sorted(ids)
        for each in found:
            assert each.terminals == [each.status] == each.fleet, each
            assert each.last == each.status, each
            assert each.lines == each.last_number, each
            assert each.queued == 0, each
        return Counter(each.error or each.status for each in found)

    def check_once(self, ids: Sequence[str], org_id: str = "acme") -> Counter[str]:
        """The same for those that must not run twice: each that is said to be lost was begun at most once."""
        counts = self.check(ids, org_id)
        begun = self.counts("begin")
        assert max((begun[id_] for id_ in ids), default=0) <= 1
        assert counts.keys() <= {"Success", "WorkerLost", "WorkerStopped"}
        assert sum(begun[id_] for id_ in ids) >= counts["Success"]
        return counts


# --- workers ---------------------------------------------------------------------------------------------------------


def workers(stack: Stack) -> list[int]:
    """The worker processes that have a row."""
    return [row[0] for row in stack.sql("SELECT pid FROM dispatch_worker WHERE kind = 'worker' ORDER BY started_at")]


def holders(stack: Stack, least: int = 1) -> list[int]:
    """The worker processes that hold claimed rows, the one with the most first, once at least so many rows are held."""
    rows = """
        SELECT w.pid, count(*) FROM dispatch_worker w JOIN dispatch_dispatch d ON d.worker = w.id
        WHERE w.kind = 'worker' GROUP BY w.pid ORDER BY 2 DESC"""

    def holding() -> list[tuple[Any, ...]]:
        found = stack.sql(rows)
        return found if sum(number for _, number in found) >= least else []

    return [pid for pid, _ in eventually(holding, f"{least} claimed executions")]


def all_workers(stack: Stack, number: int = 2) -> list[int]:
    """The worker processes, once there are so many."""
    eventually(lambda: len(workers(stack)) == number, f"{number} workers")
    return workers(stack)


@contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """They stand still inside the block."""
    send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        send(pids, signal.SIGCONT)


@contextmanager
def held_back(stack: Stack, org_id: str = "acme") -> Iterator[None]:
    """No execution of the organization begins or ends inside the block: who wants to write it waits."""
    with psycopg.connect(stack.up.document["databaseUrl"]) as connection:
        connection.execute(f"LOCK TABLE {stack.schema(org_id)}.workflows_app_execution IN EXCLUSIVE MODE".encode())
        yield
