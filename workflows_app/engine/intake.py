"""One engine's thread that takes in work from the run queue, and what others send to the runs it has."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import structlog
from django.conf import settings
from django.db import connection as django_connection
from django.db.utils import Error as DatabaseError

from integrations.errors import VaultUnavailable
from orgs import directory
from orgs.tenancy import guard_thread, shared_context
from workflows_app import catalog, recovery
from workflows_app.dispatch import claims, settled
from workflows_app.dispatch.claims import Claim, Wish
from workflows_app.engine import claimed, connection, inbox
from workflows_app.engine.claimed import Begun, Taken
from workflows_app.engine.engine import Engine, resolve
from workflows_app.engine.run import Run, Stretch
from workflows_app.engine.runner import Outcome, out_of_time

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
INBOX_SECONDS = 0.5
GATHER_SECONDS = 0.005
VAULT_SECONDS = 5.0
MISSING_SECONDS = 5.0
LOADING_SECONDS = 0.5
STOP_SECONDS = 5.0
# Reading the workspace costs milliseconds, and many that were queued before an edit may come in a row.
COMPARED_SECONDS = 0.2
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
        self._compared = 0.0
        self._has_old_code = False
        self._work = threading.Event()
        self._claiming = threading.Lock()
        self._full = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-intake", daemon=True)

    def start(self) -> None:
        self._work.set()
        self._thread.start()

    def wake(self) -> None:
        """There may be work, or room for it."""
        self._work.set()

    def take_no_more(self) -> None:
        """Claims nothing more. A claim that is under way is finished first; inboxes are read on."""
        self._full = True
        if self._claiming.acquire(timeout=STOP_SECONDS):
            self._claiming.release()

    def take_no_more(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the thread."""
        self._full = True
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
        more = True
        while more and self._engine.accepts and self._engine.takes:
            with self._claiming:
                more = not self._full and self._claim()

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
        found, self._next_due = claims.claim(self._connection(), wish)
        self._claimed = time.monotonic()
        self._after = claims.served_last(found, self._after)
        if found:
            self._begin(found)
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

    def _begin(self, found: list[Claim]) -> None:
        engine = self._engine
        for claim in found:
            engine.hold(claim.execution)
        taken = [each for claim in found if (each := self._taken(claim))]
        begun = self._patiently(lambda: claimed.begin(engine, taken))
        started = {row.id for _, row in begun}
        for claim in found:
            if claim.execution not in started:
                engine.release(claim.execution)
        stretches = claimed.stretches(begun)
        for each, row in begun:
            if run := self._run_of(each, row, stretches[row.id]):
                self._launch(run)

    def _patiently(self, begin: Callable[[], list[tuple[Taken, Begun]]]) -> list[tuple[Taken, Begun]]:
        """Where the database goes away in between, nobody knows whether they have begun: asked until it is back."""
        while True:
            try:
                return begin()
            except connection.DatabaseAway as error:
                log.warning("a begin waits for the database", error=str(error).strip())
                if self._stopped.wait(0.5) or self._full or not self._engine.accepts:
                    return []

    def _taken(self, claim: Claim) -> Taken | None:
        organization = directory.organization_by_id(claim.organization)
        if organization is None:
            recovery.forget_execution(claim.execution)
            return None
        loaded = catalog.current().workflows.get(claim.workflow)
        if (loaded is None or loaded.code_version != claim.code_version) and self._outdated():
            reason = f"the workers are loading the code of {claim.workflow}"
            recovery.put_off(self._engine.id, claim.execution, organization, LOADING_SECONDS, reason)
            return None
        if loaded is None:
            recovery.no_such_workflow(self._engine.id, claim.execution, claim.workflow, organization, MISSING_SECONDS)
            return None
        return Taken(claim, organization, loaded)

    def _outdated(self) -> bool:
        """Whether this process has old code, in the moment between an edit and its being noticed. What was queued
        before the last edit differs as well, and runs the newest code."""
        if time.monotonic() - self._compared > COMPARED_SECONDS:
            self._has_old_code = catalog.is_outdated()
            self._compared = time.monotonic()
        return self._has_old_code

    def _run_of(self, taken: Taken, row: Begun, stretch: Stretch) -> Run | None:
        """The run; None where there is none, which its record then says. One that is broken harms no other."""
        engine = self._engine
        try:
            return claimed.run_of(engine, taken, row, stretch)
        except VaultUnavailable:
            recovery.put_off(engine.id, row.id, taken.organization, VAULT_SECONDS, "waits for the vault")
        except Exception as error:
            log.exception("an execution cannot run", execution_id=str(row.id), org_id=taken.organization.org_id)
            recovery.end_broken(engine.id, row.id, taken.organization, error)
        engine.release(row.id)
        return None

    def _launch(self, run: Run) -> None:
        self._engine.add(run)
        if run.inbox and (cancelled := inbox.cancelled(run)):
            resolve(run, Outcome(error=cancelled))
        elif (left := run.time_left()) <= 0:
            resolve(run, Outcome(error=out_of_time(run)))
        else:
            self._engine.launch_claimed(run, left)
