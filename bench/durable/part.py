"""The part of the benchmark that measures what durable workflows cost: steps, resumed runs, suspended ones."""

from __future__ import annotations

from bench import commits
from bench.clients import BenchFailed
from bench.durable import steps, waits
from bench.figures import Book, Ratio
from bench.options import Options
from bench.peers import environment
from bench.peers.variants import DBOS_AS_IT_COMES
from bench.stack import ORGANIZATION, Stack

RATE = "per second"
SIDE_BY_SIDE = (1, 8)
WARM_UP_STEPS = 10
RESUMES = (("resumes", "one after another"), ("resumes_parallel", "ten at a time"))


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Every figure once in each round."""
    commits.prepare(stack.database_url, stack.schema(ORGANIZATION))
    python = environment.prepare()
    for _round in range(options.rounds):
        for executions in SIDE_BY_SIDE:
            taken = commits.measure(stack.database_url, executions, options.seconds)
            book.add(_bare(executions), RATE, taken["per_second"] * 2)
        with stack.with_workers():
            for executions in SIDE_BY_SIDE:
                _ours(steps.ours(stack, options.steps, executions), executions, book)
            _resumes(stack, options, book)
            _crowd(stack, options, book)
        for executions in SIDE_BY_SIDE:
            try:
                taken_by_dbos = steps.theirs(DBOS_AS_IT_COMES, python, stack, options.steps, executions)
            except BenchFailed as failure:
                book.note(f"The steps of DBOS: {failure}")
            else:
                ratio = Ratio(_steps("Bifrost", executions), inverse=True)
                book.add(_steps("DBOS", executions), RATE, taken_by_dbos.per_second, ratio)


def _ours(taken: steps.Stepped, executions: int, book: Book) -> None:
    what = _steps("Bifrost", executions)
    book.add(what, RATE, taken.per_second, Ratio(_bare(executions)))
    book.add(what, "ms per step of one execution", taken.seconds * 1000 * executions / taken.steps)
    if taken.commits is not None:
        book.add(what, "commits per step", taken.commits / taken.steps)


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
