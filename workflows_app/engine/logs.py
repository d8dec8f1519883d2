"""Log lines of the process: they name the execution they belong to and hold no secret that it has read."""

from __future__ import annotations

import logging
from typing import Any

import structlog

from workflows_app.engine.current import current_run

_plain = logging.getLogRecordFactory()
_exceptions = logging.Formatter()


def install() -> None:
    """Has every log record made by `record`, whatever logger or handler it goes through, and structlog's among them."""
    logging.setLogRecordFactory(record)
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
