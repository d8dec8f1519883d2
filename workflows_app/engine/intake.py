"""One engine's thread that takes in work from the run queue, and what others send to the runs it has."""

from __future__ import annotations

import threading
import time
from collections import Counter

import psycopg
import structlog
from django.conf import settings
from django.db import connection as django_connection
from django.db.utils import Error as DatabaseError

from orgs.tenancy import guard_thread, shared_context
from workflows_app import recovery
from workflows_app.dispatch import claims, settled
from workflows_app.dispatch.claims import Wish
from workflows_app.engine import connection, inbox
from workflows_app.engine.beginning import Beginning
from workflows_app.engine.engine import Engine

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
INBOX_SECONDS = 0.5
GATHER_SECONDS = 0.005
STOP_SECONDS = 5.0
# One organization never fills a process: a quarter is kept for the others, however long its runs take.
SHARE_OF_ONE = 0.75


class Intake:
    """Claims for an engine of kind "worker"; in every engine, reads the inboxes of its runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._capacity = settings.CONCURRENCY if engine.kind == "worker" else 0
        self._each = max(1, int(self._capacity * SHARE_OF_ONE)) if self._capacity > 1 else self._capacity
        self._after = claims.FIRST
        self._prepared: object = None
        self._gave_back = time.monotonic()
        self._next_due: float | None = None
        self._claimed = 0.0
        self._work = threading.Event()
        self._claiming = threading.Lock()
        self._stopped = threading.Event()
        self._takes_no_more = threading.Event()
        self._beginning = Beginning(engine, self._takes_no_more)
        self._thread = threading.Thread(target=self._run, name="engine-intake", daemon=True)

    def start(self) -> None:
        self._work.set()
        self._thread.start()

    def wake(self) -> None:
        """There may be work, or room for it."""
        self._work.set()

    def take_no_more(self) -> None:
        """Claims nothing more. A claim that is under way is finished first; inboxes are read on."""
        self._takes_no_more.set()
        if self._claiming.acquire(timeout=STOP_SECONDS):
            self._claiming.release()

    def stop(self) -> None:
        """Ends the thread."""
        self._takes_no_more.set()
        self._stopped.set()
        self._work.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(STOP_SECONDS)

    # ---------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        guard_thread()
        while not self._stopped.is_set():
            self._work.wait(self._pause())
            self._work.clear()
            try:
                with shared_context():
                    self._look()
            except (DatabaseError, psycopg.Error, connection.DatabaseAway) as error:
                django_connection.close()
                log.warning("intake waits for the database", error=str(error).strip())
                self._stopped.wait(LOOK_SECONDS)
            except Exception:
                log.exception("intake failed; it goes on")
                self._stopped.wait(LOOK_SECONDS)
        django_connection.close()

    def _pause(self) -> float:
        pause = INBOX_SECONDS if self._engine.runs else LOOK_SECONDS
        return pause if self._next_due is None else min(pause, max(0.0, self._next_due))

    def _look(self) -> None:
        self._next_due = None
        inbox.read(self._engine)
        if not self._capacity:
            return
        self._give_back()
        # However much there is to claim: what is sent to those that run is read in between.
        looks_again = time.monotonic() + INBOX_SECONDS
        while self._engine.accepts and self._engine.takes:
            with self._claiming:
                if self._takes_no_more.is_set() or not self._claim():
                    return
            if time.monotonic() > looks_again:
                return self._work.set()

    def _give_back(self) -> None:
        """Rows that name this process and that it does not hold: their claim was cut off on the way here."""
        if time.monotonic() - self._gave_back >= self._engine.limits.beat_seconds:
            recovery.give_back(self._engine.id, self._engine.holds)
            self._gave_back = time.monotonic()

    def _claim(self) -> bool:
        """Takes what there is room for. Whether another claim may find more at once."""
        runs = [run for run in list(self._engine.runs.values()) if run.claimed]
        free = self._capacity - len(runs)
        if free <= 0 or not self._in_touch():
            return False
        wish = Wish(
            worker=self._engine.id,
            free=free,
            each=self._each,
            after=self._after,
            held=Counter(run.facts.organization.id for run in runs),
            alone=not any(run.alone for run in runs),
            limits=settled.any_limits(),
        )
        # Shortly after a claim another one would find a row or two: let some gather.
        time.sleep(max(0.0, self._claimed + GATHER_SECONDS - time.monotonic()))
        found, self._next_due, self._after = claims.claim(self._connection(), wish)
        self._claimed = time.monotonic()
        if found:
            self._beginning.begin(found)
        return bool(found)

    def _in_touch(self) -> bool:
        silent = time.monotonic() - self._engine.acknowledged
        return silent <= self._engine.limits.no_new_step_after_seconds

    def _connection(self) -> psycopg.Connection[object]:
        raw = connection.raw()
        if self._prepared is not raw:
            claims.prepare_connection(raw)
            self._prepared = raw
        return raw
