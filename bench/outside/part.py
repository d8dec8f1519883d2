"""The part of the benchmark that measures calls of outside services: many organizations' audits, and what the client's
tracking costs."""

from __future__ import annotations

import json

from bench import clients
from bench.background.submitters import counting, submitter
from bench.background.throughput import require_success
from bench.figures import Book, Ratio
from bench.options import Options
from bench.outside.server import Service, service
from bench.stack import ORGANIZATION, WORKERS, Stack

CALLS, MILLISECONDS, AT_ONCE = 10, 100, 50
IDEAL = "bare: the answers' own time, so many at once"
AUDITS = "audits of {audited} organizations, {calls} calls of {milliseconds} ms each, {at_once} at once"
TRACKED, BARE = "a call through context.http", "bare: the same call through httpx"
COUNTED_CALLS = 500


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Every figure once in each round."""
    names = organizations(stack, options.audited)
    with service() as asked:
        for _round in range(options.rounds):
            _audits(stack, names, asked, book)
            _tracking(stack, asked, book)


def organizations(stack: Stack, count: int) -> list[str]:
    """Makes them, which takes a while."""
    names: list[str] = json.loads(stack.run("outside.organizations", count).splitlines()[-1])
    return names


def _audits(stack: Stack, names: list[str], asked: Service, book: Book) -> None:
    parameters = json.dumps({"url": asked.url, "calls": CALLS, "milliseconds": MILLISECONDS})
    given = ("--warm-up", 0, "--parameters", parameters)
    command = submitter(stack, "submit", len(names), names, *given, workflow="audit")
    concurrency = str(AT_ONCE // WORKERS)
    with stack.with_workers(BIFROST_CONCURRENCY=concurrency, BIFROST_PRIVATE_NETWORKS="127.0.0.0/8"):
        connections = asked.connections
        with stack.connection() as connection:
            taken = clients.throughput([command], stack.environment, len(names), counting(connection))
    require_success(stack)
    what = AUDITS.format(audited=len(names), calls=CALLS, milliseconds=MILLISECONDS, at_once=AT_ONCE)
    book.add(IDEAL, "s", len(names) * CALLS * MILLISECONDS / 1000 / AT_ONCE)
    book.add(what, "s", taken.seconds, Ratio(IDEAL))
    book.add(what, "connections", asked.connections - connections)


def _tracking(stack: Stack, asked: Service, book: Book) -> None:
    parameters = json.dumps({"url": asked.url, "calls": COUNTED_CALLS})
    given = ("--warm-up", 0, "--parameters", parameters)
    command = submitter(stack, "latency", 1, [ORGANIZATION], *given, workflow="tracked")
    with stack.with_workers(BIFROST_PRIVATE_NETWORKS="127.0.0.0/8"):
        document = clients.latencies(command, stack.environment)
    result = f"SELECT result FROM {stack.schema(ORGANIZATION)}.workflows_app_execution WHERE id = %s"
    bare, tracked = stack.value(result, document["ids"][0])
    book.add(BARE, "ms", bare * 1000)
    book.add(TRACKED, "ms", tracked * 1000, Ratio(BARE))
    book.add(TRACKED, "ms more than bare", (tracked - bare) * 1000)
