"""The part of the benchmark that measures executions in the background."""

from __future__ import annotations

from bench import commits
from bench.background import idle, throughput, waiting
from bench.background.submitters import singles
from bench.clients import Taken
from bench.figures import Book, Ratio, percentile
from bench.options import Options
from bench.stack import ORGANIZATION, Stack

RATE = "per second"
BARE, PGBENCH = "bare: two commits, psycopg", "bare: two commits, pgbench"
PAUSE_SECONDS = 0.03
IDLE_SECONDS = 30.0
SETTLE_SECONDS = 5.0


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Every figure once in each round."""
    commits.prepare(stack.database_url, stack.schema(ORGANIZATION))
    for number in range(options.rounds):
        _references(stack, options, book)
        _while_workers_run(stack, options, book)
        _drains(stack, options, book)
        _waits(stack, options, book)
        if number == 0:
            _idle(stack, book)


def _references(stack: Stack, options: Options, book: Book) -> None:
    for clients in (2, 8):
        taken = commits.measure(stack.database_url, clients, options.seconds)
        book.add(f"{BARE}, {clients} clients", RATE, taken["per_second"])
        rate = commits.with_pgbench(stack.database_url, clients, options.seconds)
        if rate is not None:
            book.add(f"{PGBENCH}, {clients} clients", RATE, rate)


def _while_workers_run(stack: Stack, options: Options, book: Book) -> None:
    with stack.with_workers():
        for threads in options.threads:
            for organizations in (1, 3):
                taken = throughput.in_process(stack, options, organizations, threads)
                clients = options.processes * threads
                what = f"async, {_of(organizations)}, submitted in process by {clients} threads"
                _add(book, what, taken, clients)
        _singles(stack, options, book)
        stack.start("web")
        taken = throughput.over_http(stack, options.tasks)
        _add(book, "async, 1 organization, submitted over HTTP by 8 clients", taken, 8)
        stack.stop("web")


def _singles(stack: Stack, options: Options, book: Book) -> None:
    taken = singles(stack, options.singles, PAUSE_SECONDS)
    for what, values in (("by the record", taken.recorded), ("seen by a reader", taken.seen)):
        for share in (0.5, 0.99):
            book.add(f"idle latency, submit to finished, {what}", f"p{share * 100:.0f} ms", percentile(values, share))


def _drains(stack: Stack, options: Options, book: Book) -> None:
    for organizations in (1, 3):
        taken = throughput.drain(stack, options, organizations)
        _add(book, f"async, {_of(organizations)}, queued beforehand", taken, 2)


def _waits(stack: Stack, options: Options, book: Book) -> None:
    with stack.with_workers():
        _, seconds = waiting.at_once(stack, 50, options.processes)
        book.add("50 runs that await 1 s, first submit to last end", "s", seconds)
        alone = singles(stack, waiting.SINGLES, waiting.PAUSE_SECONDS, waiting.OTHER).waited
        behind = waiting.behind_another(stack, options.processes).waited
        idle_name, busy_name = "submit to start, idle", "submit to start, another organization's 5,000 wait"
        for share in (0.5, 0.99):
            unit = f"p{share * 100:.0f} ms"
            book.add(idle_name, unit, percentile(alone, share))
            book.add(busy_name, unit, percentile(behind, share), Ratio(idle_name))
    with stack.with_workers(BIFROST_CONCURRENCY="500"):
        between, seconds = waiting.at_once(stack, 1_000, options.processes)
        book.add("1,000 runs that await 1 s, first to last end", "s", between)
        book.add("1,000 runs that await 1 s, first submit to last end", "s", seconds)


def _idle(stack: Stack, book: Book) -> None:
    """Once: its half minute is longer than the noise."""
    stack.start("web")
    with stack.with_workers():
        idle.costs(stack.processes(), SETTLE_SECONDS)
        engines = stack.value("SELECT array_agg(pid) FROM dispatch_worker WHERE kind = 'worker'")
        for name, costs in idle.costs(stack.processes(), IDLE_SECONDS).items():
            own = [cost for cost in costs if cost.pid in engines]
            for number, cost in enumerate(own, start=1):
                book.add(f"idle: worker process {number}", "% of a core", cost.percent)
                book.add(f"idle: worker process {number}", "MB resident", cost.resident_mb)
            book.add(f"idle: {name}, all {len(costs)} processes", "% of a core", sum(cost.percent for cost in costs))
            book.add(f"idle: {name}, largest process", "MB resident", max(cost.resident_mb for cost in costs))
            book.add(f"idle: {name}, all, shared pages split", "MB", sum(cost.proportional_mb for cost in costs))
    stack.stop("web")


def _add(book: Book, what: str, taken: Taken, clients: int) -> None:
    book.add(what, RATE, taken.per_second, Ratio(f"{PGBENCH}, {clients} clients"))
    book.add(what, "s in all", taken.seconds)


def _of(organizations: int) -> str:
    return f"{organizations} organization{'s' if organizations > 1 else ''}"
