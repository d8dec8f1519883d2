"""The part of the benchmark that measures the peers, and Bifrost between them, in turn."""

from __future__ import annotations

from pathlib import Path

from bench.background import throughput
from bench.background.submitters import singles
from bench.clients import BenchFailed
from bench.figures import Book, Ratio, percentile, shown
from bench.options import Options
from bench.peers import environment
from bench.peers.redis_server import redis_server
from bench.peers.running import peer
from bench.peers.variants import VARIANTS, Variant
from bench.stack import Stack

OURS = "Bifrost"
SEEN_P50, SEEN_P99 = "ms to seen p50", "ms to seen p99"
PAUSE_SECONDS = 0.03
MOST_SINGLES = 100


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Rounds of all of them in turn, so that noise hits all alike."""
    python = environment.prepare()
    book.note(f"Peers: {environment.versions()}. All with two worker processes.")
    with redis_server(stack.data) as redis:
        if redis is None:
            book.note("Celery and django-q2 with Redis were not measured: redis-server is not installed.")
        chosen = [variant for variant in VARIANTS if redis or not variant.needs_redis]
        chosen = [variant for variant in chosen if options.only.lower() in variant.what.lower()]
        for _round in range(options.rounds):
            _ours(stack, options, book)
            for variant in chosen:
                _theirs(variant, stack, options, book, python, redis)
    for name in dict.fromkeys(variant.peer for variant in chosen):
        _note_best(name, chosen, options, book)


def _ours(stack: Stack, options: Options, book: Book) -> None:
    """What the peers are compared with, taken in the same rounds."""
    with stack.with_workers():
        rates = {
            options.processes * threads: throughput.in_process(stack, options, 1, threads).per_second
            for threads in options.threads
        }
        seen = singles(stack, min(options.singles, MOST_SINGLES), PAUSE_SECONDS).seen
    _add(OURS, rates, seen, book, None)


def _theirs(variant: Variant, stack: Stack, options: Options, book: Book, python: Path, redis: str | None) -> None:
    try:
        with peer(variant, python, stack.database_url, redis) as running:
            rates = {
                options.processes * threads: running.throughput(options.tasks, options.processes, threads).per_second
                for threads in options.threads
            }
            seen = running.latencies(min(options.singles, MOST_SINGLES), PAUSE_SECONDS)
    except BenchFailed as failure:
        book.note(f"{variant.what}: {failure}")
        return
    _add(variant.what, rates, seen, book, Ratio(OURS, inverse=True))


def _add(what: str, rates: dict[int, float], seen: list[float], book: Book, ratio: Ratio | None) -> None:
    for clients, rate in rates.items():
        book.add(what, _rate(clients), rate, ratio)
    book.add(what, SEEN_P50, percentile(seen, 0.5), ratio)
    book.add(what, SEEN_P99, percentile(seen, 0.99), ratio)


def _rate(clients: int) -> str:
    return f"per second, {clients} submitting"


def _note_best(name: str, chosen: list[Variant], options: Options, book: Book) -> None:
    """At whatever number of submitting threads it was fastest, and so for Bifrost."""
    numbers = [options.processes * threads for threads in options.threads]

    def best(what: str) -> float:
        return max((book.median(what, _rate(clients)) or 0.0 for clients in numbers), default=0.0)

    fastest = max((variant for variant in chosen if variant.peer == name), key=lambda variant: best(variant.what))
    ours, theirs = best(OURS), best(fastest.what)
    beside = f"; Bifrost at its fastest {shown(ours)}, {ours / theirs:.2f} x" if ours and theirs else ""
    book.note(f"{name} at its fastest did {shown(theirs)} per second ({fastest.setting}){beside}.")
