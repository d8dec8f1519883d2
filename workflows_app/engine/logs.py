"""Log lines of the process: they name the execution they belong to and hold no secret that it has read."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterable
from typing import Any, TextIO, cast

import structlog

from workflows_app.engine.current import current_run

log = structlog.get_logger(__name__)

_plain = logging.getLogRecordFactory()
_exceptions = logging.Formatter()


def install() -> None:
    """Has every log record made by `record`, whatever logger or handler it goes through, and structlog's among them.

    Warnings and what ends a thread become log records too.
    """
    logging.setLogRecordFactory(record)
    logging.captureWarnings(True)
    threading.excepthook = report_thread
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def record(*arguments: Any, **keywords: Any) -> logging.LogRecord:
    """A log record whose text is scrubbed of what the current execution must not show; `run` says which one it is."""
    made = _plain(*arguments, **keywords)
    run = current_run.get()
    made.run = "-" if run is None else f"{run.facts.organization.org_id}/{run.facts.id}"
    if run is not None:
        made.msg, made.args = str(run.scrubber.scrub(made.getMessage())), None
        if made.exc_info:
            made.exc_text = str(run.scrubber.scrub(_exceptions.formatException(made.exc_info)))
    return made


def report_thread(ended: threading.ExceptHookArgs) -> None:
    """What ended a thread that nobody waits for, and where. Its text may hold secrets of whoever started it: the type
    tells."""
    if ended.exc_type is SystemExit:
        return
    name = ended.thread.name if ended.thread else "-"
    where = "".join(traceback.format_tb(ended.exc_traceback))
    log.error("unnoticed in a thread", thread=name, error=ended.exc_type.__name__, where=where)


class Output:
    """A stream that passes everything on, what a run prints without the secrets that the run has read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        run = current_run.get()
        return self._stream.write(text if run is None else str(run.scrubber.scrub(text)))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_output() -> None:
    """For a process whose output is kept as a log."""
    sys.stdout = cast(TextIO, Output(sys.stdout))
    sys.stderr = cast(TextIO, Output(sys.stderr))
