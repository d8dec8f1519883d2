"""Writes the end of an execution, or of one of its attempts, durably: from the thread that waits for it, or through the
journal writer where nobody does."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any

import psycopg
import structlog

from bifrost.sdk.errors import WorkerLost
from workflows_app import closing
from workflows_app.dispatch import hints
from workflows_app.engine import connection, ending
from workflows_app.engine.ending import Ending
from workflows_app.engine.journal import FenceLost, Statement, Write
from workflows_app.engine.run import Run, mapping_of
from workflows_app.engine.runner import Outcome
from workflows_app.errors import PlatformUnavailable
from workflows_app.metrics.noticing import execution_ended
from workflows_app.models import TERMINAL, Status

log = structlog.get_logger(__name__)

LOST = Ending(
    Status.FAILED,
    error={"error": "WorkerLost", "message": "The process that ran this execution lost its place.", "details": {}},
)


def finish(run: Run, outcome: Outcome | Ending, patience: float) -> Ending:
    """Judges the outcome and makes it durable; blocks. Returns how the execution ended.

    `patience`: seconds to wait for a database that is away. Past them raises PlatformUnavailable; the end is still
    written as soon as the database is back. Where this process has lost its fence, the sweep ends the execution.
    """
    run.detach()
    judged = _judged(run, outcome)
    try:
        _write(run, judged, patience)
    except FenceLost:
        run.engine.lost()
        return LOST
    _ended(run, judged)
    return judged


def finish_later(run: Run, outcome: Outcome | Ending) -> None:
    """The same for a run that nobody waits for: returns at once, and ends and writes together with other runs."""
    run.detach()
    endings: list[Ending] = []

    def make() -> Statement:
        endings.append(_judged(run, outcome))
        return ending.write_of(run, endings[0])

    _hand_to_writer(run, Write(make), endings)


def _hand_to_writer(run: Run, write: Write, endings: list[Ending]) -> None:
    def settled(done: Future[tuple[Any, ...]]) -> None:
        error = done.exception()
        if error is None and _repeat(done.result()):
            _hand_to_writer(run, Write(lambda: write.made), endings)
        elif error is None:
            _ended(run, endings[0])
        elif isinstance(error, FenceLost | psycopg.OperationalError | psycopg.InterfaceError):
            return  # whoever owns it now ends it
        elif run.refused:
            log.error("the end of an execution cannot be written", error=repr(error), **mapping_of(run))
            run.engine.remove(run)  # the next beat finds that nobody works on it
        else:
            run.refused = True
            log.error("the end of an execution was refused", error=repr(error), **mapping_of(run))
            endings[:] = [_refused(run)]
            _hand_to_writer(run, Write(lambda: _plainly(run, endings[0])), endings)

    write.done.add_done_callback(settled)
    run.engine.writer.submit(write)


def _judged(run: Run, outcome: Outcome | Ending) -> Ending:
    if isinstance(outcome, Ending):
        return outcome
    return ending.conclude(run, outcome, run.engine.limits.max_result_bytes)


def _write(run: Run, judged: Ending, patience: float) -> None:
    """Writes from this thread where it can; through the journal writer, orderly and patient, where it must."""
    made = ending.write_of(run, judged)
    try:
        if run.lines.under_way():
            return _write_later(run, judged, Write(lambda: made), patience)
        row = connection.execute(*made)
        while _repeat(row):
            row = connection.execute(*made)
    except connection.DatabaseAway:
        return _write_later(run, judged, Write(lambda: made), patience)
    except psycopg.Error as refused:
        log.error("the end of an execution was refused", error=str(refused), **mapping_of(run))
        row = connection.execute(*_plainly(run, _refused(run)))
    if not row[0]:
        raise FenceLost


def _repeat(row: tuple[Any, ...]) -> bool:
    """Whether something has arrived that goes to the successor, and that the statement did not see (engine.md, 6)."""
    return len(row) > 2 and bool(row[2])


def _ended(run: Run, judged: Ending, *, durable: bool = True) -> None:
    if durable:
        execution_ended(run.workflow_name, judged.status, judged.duration_ms)
    run.engine.remove(run)
    if judged.successor is not None:
        hints.send()
    if run.leaves_children and judged.status in TERMINAL:
        run.engine.in_background(closing.close_children, run.facts.organization, run.facts.id)
    with suppress(InvalidStateError):
        run.ended.set_result(judged)


def _write_later(run: Run, judged: Ending, write: Write, patience: float) -> None:
    run.engine.writer.submit(write)
    try:
        if _repeat(write.done.result(patience)):
            _write_later(run, judged, Write(lambda: write.made), patience)
    except TimeoutError:
        write.done.add_done_callback(lambda done: _ended(run, judged, durable=done.exception() is None))
        raise PlatformUnavailable(
            "The database is away: the workflow has run, and its end is recorded as soon as the database is back.",
            execution_id=str(run.facts.id),
        ) from None


def _refused(run: Run) -> Ending:
    """The database refused a value of the ending: the execution still ends, and says so."""
    return ending.failed(run, WorkerLost("The record of this execution was refused by the database."))


def _plainly(run: Run, judged: Ending) -> Statement:
    statement, parameters = ending.write_of(run, judged)
    return statement, {**parameters, "variables": None}
