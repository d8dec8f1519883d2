"""Writes the end of an execution, durably, from whichever thread waits for it."""

from __future__ import annotations

from concurrent.futures import InvalidStateError
from contextlib import suppress
from typing import Any

import psycopg
import structlog

from bifrost.sdk.errors import WorkerLost
from workflows_app.engine import connection, ending, statements
from workflows_app.engine.ending import Ending
from workflows_app.engine.journal import FenceLost, Write
from workflows_app.engine.run import Run, mapping_of
from workflows_app.engine.runner import Outcome
from workflows_app.errors import PlatformUnavailable
from workflows_app.models import Status

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
    judged = (
        outcome if isinstance(outcome, Ending) else ending.conclude(run, outcome, run.engine.limits.max_result_bytes)
    )
    try:
        _write(run, judged, patience)
    except FenceLost:
        run.engine.lost()
        return LOST
    _ended(run, judged)
    return judged


def _write(run: Run, judged: Ending, patience: float) -> None:
    """Writes from this thread where it can; through the journal writer, orderly and patient, where it must."""
    statement = statements.end(run.facts.organization.schema_name)
    parameters = ending.parameters(run, judged)
    try:
        if run.writes_under_way():
            return _write_later(run, judged, Write(statement, lambda: parameters), patience)
        fenced, _now = connection.execute(statement, parameters)
    except connection.DatabaseAway:
        return _write_later(run, judged, Write(statement, lambda: parameters), patience)
    except psycopg.Error as refused:
        return _write_refused(run, parameters, refused)
    if not fenced:
        raise FenceLost


def _ended(run: Run, judged: Ending) -> None:
    run.engine.remove(run)
    with suppress(InvalidStateError):
        run.ended.set_result(judged)


def _write_later(run: Run, judged: Ending, write: Write, patience: float) -> None:
    run.engine.writer.submit(write)
    try:
        write.done.result(patience)
    except TimeoutError:
        write.done.add_done_callback(lambda _done: _ended(run, judged))
        raise PlatformUnavailable(
            "The database is away: the workflow has run, and its end is recorded as soon as the database is back.",
            execution_id=str(run.facts.id),
        ) from None


def _write_refused(run: Run, parameters: dict[str, Any], refused: psycopg.Error) -> None:
    """The database refused a value of the ending: the execution still ends, and says so."""
    log.error("the end of an execution was refused", error=str(refused), **mapping_of(run))
    judged = ending.failed(run, WorkerLost("The record of this execution was refused by the database."))
    again = ending.parameters(run, judged) | {"variables": None}
    fenced, _ended = connection.execute(statements.end(run.facts.organization.schema_name), again)
    if not fenced:
        raise FenceLost
