"""The part of the benchmark that measures what durable workflows cost: steps, resumed runs, suspended ones."""

from __future__ import annotations

from pathlib import Path

from bench import commits
from bench.clients import BenchFailed
from bench.durable import steps, waits
from bench.figures import Book, Ratio
from bench.options import Options
from bench.peers import environment
from bench.peers.part import OURS
from bench.peers.variants import DBOS_AS_IT_COMES as PEER
from bench.stack import ORGANIZATION, Stack

RATE = "per second"
SIDE_BY_SIDE = (1, 8)
WARM_UP_STEPS = 10
RESUMES = (("resumes", "one after another"), ("resumes_parallel", "ten at a time"))


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Every figure once in each round."""
    commits.prepare(stack.database_url, stack.schema(ORGANIZATION))
    python = environment.prepare() if options.only.lower() in PEER.what.lower() else None
    for _round in range(options.rounds):
        for executions in SIDE_BY_SIDE:
            taken = commits.measure(stack.database_url, executions, options.seconds)
            book.add(_bare(executions), RATE, taken["per_second"] * 2)
        with stack.with_workers():
            for executions in SIDE_BY_SIDE:
                _ours(steps.ours(stack, options.steps, executions), executions, book)
        if python is not None:
            _theirs(stack, options, book, python)
        with stack.with_workers():
            _resumes(stack, options, book)
            _crowd(stack, options, book)


def _ours(taken: steps.Stepped, executions: int, book: Book) -> None:
    what = _steps(OURS, executions)
    book.add(what, RATE, taken.per_second, Ratio(_bare(executions)))
    book.add(what, "ms per step of one execution", taken.seconds * 1000 * executions / taken.steps)
    if taken.commits is not None:
        book.add(what, "commits per step", taken.commits / taken.steps)


def _theirs(stack: Stack, options: Options, book: Book, python: Path) -> None:
    """Right after Bifrost's, in the same weather."""
    for executions in SIDE_BY_SIDE:
        try:
            taken = steps.theirs(PEER, python, stack, options.steps, executions)
        except BenchFailed as failure:
            book.note(f"The steps of {PEER.peer}: {failure}")
            continue
        book.add(_steps(PEER.peer, executions), RATE, taken.per_second, Ratio(_steps(OURS, executions), inverse=True))


def _resumes(stack: Stack, options: Options, book: Book) -> None:
    for workflow, how in RESUMES:
        waits.resume(stack, workflow, WARM_UP_STEPS)
        did, replayed = waits.resume(stack, workflow, options.recorded)
        what = f"{options.recorded:,} steps, {how}"
        book.add(f"{what}: done and recorded", "s", did)
        book.add(f"{what}: resumed, signal to end", "s", replayed)


def _crowd(stack: Stack, options: Options, book: Book) -> None:
    taken = waits.crowd(stack, options.suspended, options.woken)
    many, some = f"{options.suspended:,} suspended", f"{options.woken:,} of them woken at once"
    book.add(f"{many}: workers before", "MB resident", taken.before)
    book.add(f"{many}: workers meanwhile", "MB resident", taken.while_waiting)
    book.add(f"{some}, first signal to last", "s", taken.signalled)
    book.add(f"{some}, first signal to last end", "s", taken.ended)


def _bare(clients: int) -> str:
    return f"bare: one commit, {clients} client{'s' if clients > 1 else ''}"


def _steps(whose: str, executions: int) -> str:
    return f"{whose}: trivial steps, {executions} execution{'s side by side' if executions > 1 else ''}"
