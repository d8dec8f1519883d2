"""Executions per second: submitted while the workers run, in process and over HTTP, or waiting when they start."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from bench import clients
from bench.background.submitters import FINISHED, TRIVIAL, counting, submitter
from bench.clients import BenchFailed, Taken
from bench.options import Options
from bench.stack import ORGANIZATION, ORGANIZATIONS, Stack

NOT_SUCCESSFUL = "SELECT count(*) FROM dispatch_fleet WHERE status <> 'Success'"
MARK = "SELECT coalesce(max(finished_at), '-infinity') FROM dispatch_fleet"
HTTP_CLIENTS = 8
HTTP_WARM_UP = 100
MESSAGE = {"message": "Hello World"}


def in_process(stack: Stack, options: Options, organizations: int, threads: int) -> Taken:
    """Submitted by processes that call `executions.submit` in so many threads each, while the workers run."""
    each = options.tasks // options.processes
    command = submitter(stack, "submit", each, ORGANIZATIONS[:organizations], "--threads", threads)
    with stack.connection() as connection:
        commands = [command] * options.processes
        taken = clients.throughput(commands, stack.environment, each * options.processes, counting(connection))
    require_success(stack)
    return taken


def over_http(stack: Stack, tasks: int) -> Taken:
    """Submitted by eight clients of the web process, each answered with 202, while the workers run."""
    post(stack, HTTP_WARM_UP)
    with stack.connection() as connection:
        finished = counting(connection)
        before = clients.settled(finished)
        document = post(stack, tasks)
        ended = clients.wait_for_count(finished, before + tasks)
    require_success(stack)
    return Taken(tasks, ended - document["first"], document["last"] - document["first"])


def post(stack: Stack, count: int) -> dict[str, Any]:
    """What the load generator prints after that many accepted requests."""
    token = stack.credentials["organizations"][ORGANIZATION]["token"]
    command = stack.python("client", f"{stack.url}/api/workflows/{TRIVIAL}", "--clients", HTTP_CLIENTS)
    command += ["--count", str(count), "--method", "POST", "--body", json.dumps(MESSAGE)]
    document = json.loads(subprocess.check_output([*command, "--header", f"x-functions-key: {token}"]))
    assert isinstance(document, dict)
    if set(document["statuses"]) != {"202"}:
        raise BenchFailed(f"Not every answer to POST {TRIVIAL} was 202: {document['statuses']}")
    return document


def drain(stack: Stack, options: Options, organizations: int) -> Taken:
    """Queued beforehand: from the first start to the last end, without the workers' own start."""
    each = options.tasks // options.processes
    names = ORGANIZATIONS[:organizations]
    command = submitter(stack, "submit", each, names, "--threads", max(options.threads), "--warm-up", 0)
    before = int(stack.value(FINISHED))
    mark = stack.value("SELECT clock_timestamp()")
    with clients.Clients([command] * options.processes, stack.environment) as submitters:
        submitters.go()
        submitters.results()
    with stack.with_workers(), stack.connection() as connection:
        clients.wait_for_count(counting(connection), before + each * options.processes)
    require_success(stack)
    starts = [stack.value(_first_start(stack, name), mark) for name in names]
    seconds = (stack.value(MARK) - min(starts)).total_seconds()
    return Taken(each * options.processes, seconds, 0.0)


def require_success(stack: Stack) -> None:
    if failed := stack.value(NOT_SUCCESSFUL):
        raise BenchFailed(f"{failed} executions did not end as Success.")


def _first_start(stack: Stack, org_id: str) -> str:
    return f"SELECT min(started_at) FROM {stack.schema(org_id)}.workflows_app_execution WHERE created_at > %s"
