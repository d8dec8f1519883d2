"""An exception from an author's file as a Problem: the line in the file, and a traceback without our own frames."""

from __future__ import annotations

import importlib
from pathlib import Path
from traceback import StackSummary, TracebackException

from workflows_app.catalog import importing
from workflows_app.catalog.contents import Problem

_MACHINERY = frozenset({Path(importing.__file__).parent, Path(importlib.__file__).parent})


def problem(error: BaseException, path: str, directory: Path) -> Problem:
    """What went wrong while `path` was imported. Never raises, whatever the exception's own methods do."""
    described = TracebackException.from_exception(error)
    _keep_author_frames(described)
    message = importing.readable("".join(described.format_exception_only()).strip().splitlines()[-1])
    lines = importing.readable("".join(described.format()))
    return Problem(path, _line(error, described, str(directory / path)), message, lines)


def _line(error: BaseException, described: TracebackException, filename: str) -> int | None:
    """The last line of that file that was being run, or the one that Python could not read."""
    if isinstance(error, SyntaxError) and error.filename == filename:
        return error.lineno or None
    return next((frame.lineno for frame in reversed(described.stack) if frame.filename == filename), None)


def _keep_author_frames(described: TracebackException) -> None:
    waiting = [described]
    while waiting:
        here = waiting.pop()
        here.stack = StackSummary.from_list([frame for frame in here.stack if not _is_machinery(frame.filename)])
        waiting += [linked for linked in (here.__cause__, here.__context__) if linked is not None]


def _is_machinery(filename: str) -> bool:
    return filename.startswith("<frozen importlib") or Path(filename).parent in _MACHINERY
