"""The engine of this process, started on first use and replaced by a fresh one when it is lost or its loop blocked."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog
from django.db import connection
from django.db.utils import Error as DatabaseError
from django.db.utils import ProgrammingError

from orgs.tenancy import guard_thread, shared_context
from workflows_app.dispatch import workers
from workflows_app.engine.engine import Engine, Listener
from workflows_app.engine.finish import finish
from workflows_app.engine.housekeeping import Housekeeping
from workflows_app.engine.intake import Intake
from workflows_app.engine.limits import Limits
from workflows_app.engine.watchdog import Watchdog
from workflows_app.errors import PlatformUnavailable

log = structlog.get_logger(__name__)

END_SECONDS = 5.0


class _Incarnation:
    """An engine with the two threads that watch it. Once given up, it never comes back."""

    def __init__(self, kind: str, limits: Limits, listener: Listener | None) -> None:
        self.engine = Engine(kind, limits, self._lost, _leave)
        self.engine.listener = listener
        self._housekeeping = Housekeeping(self.engine)
        self._intake = Intake(self.engine)
        self.engine.on_wake = self._intake.wake
        self._watchdog = Watchdog(self.engine, self._blocked)

    def start(self) -> None:
        self.engine.start()
        self._housekeeping.start()
        self._intake.start()
        self._watchdog.start()

    def leave(self, grace: float) -> None:
        """Lets runs finish for `grace` seconds, then goes. Until then they are watched and may be cancelled; beats go
        on until its row is gone."""
        self._intake.take_no_more()
        try:
            self.engine.stop(grace)
        except DatabaseError as error:
            log.warning("the worker row stays: the database is away", error=str(error).strip())
        self._watchdog.stop()
        self._intake.stop()
        self._housekeeping.stop()

    def _lost(self, gone: Engine) -> None:
        """The engine lost its fence. Called from whichever thread noticed."""
        log.warning("engine is replaced", worker=gone.label)
        _in_burial_thread(self._close)

    def _blocked(self, gone: Engine) -> None:
        """The loop is blocked: its row goes once the ends of its runs are written, and its thread is given up."""
        _process.leaked_loops += 1
        _in_burial_thread(self._bury)
        if gone.kind != "worker" and _process.leaked_loops >= gone.limits.max_leaked_loops:
            _leave(f"{_process.leaked_loops} loops were given up")

    def _bury(self) -> None:
        """Ends the children of a given-up engine, waits for the threads that end the others, removes the row."""
        guard_thread()
        gone = self.engine
        try:
            with shared_context():
                for run in list(gone.runs.values()):
                    if run.facts.parent is not None:
                        finish(run, run.finished.result(END_SECONDS), END_SECONDS)
                deadline = time.monotonic() + END_SECONDS
                while gone.runs and time.monotonic() < deadline:
                    time.sleep(0.05)
                workers.retire(gone.id)
        finally:  # without its beats it is swept, whatever went wrong
            self._close()
            connection.close()
        if gone.kind == "worker":
            _leave("its loop was blocked")

    def _close(self) -> None:
        self._watchdog.stop()
        self._intake.stop()
        self._housekeeping.stop()
        self.engine.close()


@dataclass(slots=True)
class _Process:
    """What this process runs. `leaked_loops` counts engines whose loop never came back."""

    kind: str = "web"
    listener: Listener | None = None
    current: _Incarnation | None = None
    stopping: Engine | None = None
    leaked_loops: int = 0
    stopped_for_good: bool = False
    burials: list[threading.Thread] = field(default_factory=list)


_process = _Process()
_lock = threading.Lock()


def configure(kind: str, listener: Listener | None = None) -> None:
    """Says what kind of process this is ("web", "command") and who hears each journal line, before it starts."""
    _process.kind = kind
    _process.listener = listener


def engine() -> Engine:
    """This process's engine. Raises PlatformUnavailable while none can be started."""
    current = _process.current
    if current is not None and current.engine.accepts:
        return current.engine
    with _lock:
        if _process.stopped_for_good:
            raise PlatformUnavailable("This process is stopping.")
        if _process.current is None or not _process.current.engine.accepts:
            _process.current = _started()
        return _process.current.engine


def running() -> Engine | None:
    """The engine, if one was started."""
    return _process.current.engine if _process.current is not None else None


def stop(grace: float | None = None, *, for_good: bool = False) -> None:
    """Stops the engine, waiting at most `grace` seconds (default: the setting) for runs under way.

    `for_good`: the process ends, and whoever still asks for an engine is refused.
    """
    with _lock:
        _process.stopped_for_good = for_good
        stopped, _process.current, _process.leaked_loops = _process.current, None, 0
        _process.stopping = stopped.engine if stopped is not None else None
    if stopped is not None:
        stopped.leave(stopped.engine.limits.stop_grace_seconds if grace is None else grace)
    for burial in _process.burials:
        burial.join(END_SECONDS)


def hurry(grace: float) -> None:
    """A stop that is under way waits no longer than `grace` seconds from now for runs."""
    with _lock:
        stopping = _process.stopping
    if stopping is not None:
        stopping.stop_by = min(stopping.stop_by, time.monotonic() + grace)


def _started() -> _Incarnation:
    limits = Limits.from_settings()
    if _process.leaked_loops >= limits.max_leaked_loops:
        raise PlatformUnavailable("This process has given up too many blocked loops; it is being replaced.")
    fresh = _Incarnation(_process.kind, limits, _process.listener)
    try:
        fresh.start()
    except ProgrammingError as error:
        raise PlatformUnavailable("The database lacks tables: run manage.py migrate_schemas.") from error
    except DatabaseError as error:
        connection.close()
        raise PlatformUnavailable("The database is away; nothing was started.") from error
    return fresh


def _in_burial_thread(function: Callable[[], None]) -> None:
    thread = threading.Thread(target=function, name="engine-burial", daemon=True)
    _process.burials = [burial for burial in _process.burials if burial.is_alive()] + [thread]
    thread.start()


def _leave(reason: str) -> None:
    """Code that will not stop has worn out this process: it drains and exits, and its supervisor starts it again."""
    log.error("the process leaves", reason=reason)
    os.kill(os.getpid(), signal.SIGTERM)
