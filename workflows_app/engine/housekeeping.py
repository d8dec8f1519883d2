"""The engine's housekeeping thread: beats, the sweep, and ending what nobody works on."""

from __future__ import annotations

import threading
import time

import psycopg
import structlog
from django.db import connection
from django.db.utils import Error as DatabaseError

from orgs.tenancy import guard_thread, shared_context
from workflows_app import closing, recovery
from workflows_app.dispatch import workers
from workflows_app.dispatch.sweep import Observer
from workflows_app.engine.engine import Engine
from workflows_app.metrics.keeping import flush

log = structlog.get_logger(__name__)


class Housekeeping:
    """Beats for one engine and sweeps for all, until the engine is closed or lost."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        limits = engine.limits
        self._observer = Observer(
            limits.dead_after_seconds, limits.dead_after_polls, late_after=limits.beat_seconds * 2.5
        )
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-housekeeping", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(5.0)

    def _run(self) -> None:
        guard_thread()
        while not self._stopped.is_set():
            started = time.monotonic()
            try:
                with shared_context():
                    self.turn()
                flush()
            except (DatabaseError, psycopg.Error) as error:
                # The database is away: nobody is declared dead for that, and the next turn tries again.
                self._observer.forget()
                connection.close()
                log.warning("housekeeping waits for the database", error=str(error).strip())
            self._stopped.wait(max(0.0, self._engine.limits.beat_seconds - (time.monotonic() - started)))
        flush()
        connection.close()

    def turn(self) -> None:
        """One beat and one sweep."""
        if not self._engine.beat():
            self._stopped.set()
            return
        for dead in self._observer.poll(workers.beats()):
            if workers.fence(dead.worker, dead.seen, dead.silent_seconds):
                log.warning("worker is dead", worker=dead.seen.label, silent_seconds=round(dead.silent_seconds))
        if recovery.recover_orphans():
            closing.close_orphans()  # of those that could not be recovered
        if self._engine.kind != "worker":  # where rows are claimed, only the thread that claims knows which are held
            recovery.give_back(self._engine.id, self._engine.holds)
