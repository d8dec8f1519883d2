"""Executions that wait for a signal: one with a long journal that resumes, and thousands that are put aside."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from bench import clients
from bench.background.idle import PROC, memory_mb
from bench.background.submitters import counting, submitter
from bench.background.throughput import require_success
from bench.clients import Clients, wait_until
from bench.stack import ORGANIZATION, Stack

SUSPENDED = "SELECT count(*) FROM dispatch_dispatch WHERE status = 'Suspended'"
SUSPENDS = "suspends"
SUSPEND_SECONDS = 300.0
SIGNAL_THREADS = 8
QUIET_SECONDS = 5.0


@dataclass(frozen=True)
class Crowd:
    """Megabytes that the workers have resident before and while thousands wait; seconds from the first signal to the
    return of the last, and to the last end."""

    before: float
    while_waiting: float
    signalled: float
    ended: float


def resume(stack: Stack, workflow: str, steps: int) -> tuple[float, float]:
    """Seconds of the first stretch, which does the steps, and from the signal to the end of the second, which replays
    them: by the record."""
    _suspend(stack, workflow, 1, json.dumps({"count": steps}))
    _signal(stack, workflow, 1, 1)
    schema = stack.schema(ORGANIZATION)
    lengths = f"""
        SELECT extract(epoch FROM aside.at - e.started_at), extract(epoch FROM e.completed_at - entry.sent_at)
        FROM {schema}.workflows_app_execution e
        JOIN {schema}.workflows_app_executionevent aside ON aside.execution_id = e.id AND aside.name = 'Suspended'
        JOIN {schema}.workflows_app_inbox entry ON entry.execution_id = e.id
        WHERE e.workflow = %s ORDER BY e.completed_at DESC LIMIT 1"""
    with stack.connection() as connection:
        row = connection.execute(lengths.encode(), (workflow,)).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


def crowd(stack: Stack, waiting: int, woken: int) -> Crowd:
    """So many executions wait, and then some of them are woken at the same moment."""
    _suspend(stack, SUSPENDS, woken)  # what a process needs for having worked at all is not what is asked
    _signal(stack, SUSPENDS, woken, SIGNAL_THREADS)
    before = _resident(stack)
    _suspend(stack, SUSPENDS, waiting)
    time.sleep(QUIET_SECONDS)
    while_waiting = _resident(stack)
    signalled, ended = _signal(stack, SUSPENDS, woken, SIGNAL_THREADS)
    return Crowd(before, while_waiting, signalled, ended)


def _suspend(stack: Stack, workflow: str, count: int, parameters: str | None = None) -> None:
    """Starts them, and returns once all are put aside."""
    wanted = int(stack.value(SUSPENDED)) + count
    given = () if parameters is None else ("--parameters", parameters)
    command = submitter(
        stack, "submit", count, [ORGANIZATION], "--warm-up", 0, "--threads", 2, *given, workflow=workflow
    )
    with Clients([command], stack.environment) as submitters:
        submitters.go()
        submitters.results()
    wait_until(lambda: int(stack.value(SUSPENDED)) >= wanted, f"{count} suspended executions", SUSPEND_SECONDS)


def _signal(stack: Stack, workflow: str, count: int, threads: int) -> tuple[float, float]:
    """Wakes them, and returns once all have ended."""
    command = stack.python("signals", "submit", count, "--workflow", workflow, "--organization", ORGANIZATION)
    command += ["--warm-up", "0", "--threads", str(threads)]
    with stack.connection() as connection:
        taken = clients.throughput([command], stack.environment, count, counting(connection))
    require_success(stack)
    return taken.submit_seconds, taken.seconds


def _resident(stack: Stack) -> float:
    """Of all worker processes that run executions."""
    pids = stack.value("SELECT array_agg(pid) FROM dispatch_worker WHERE kind = 'worker'")
    return sum(memory_mb((PROC / str(pid) / "status").read_text(), "VmRSS") for pid in pids)
