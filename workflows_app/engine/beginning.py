"""From claims to runs that are under way. Patient: a database that goes away in between loses none of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from django.db import connection as django_connection

from integrations.errors import VaultUnavailable
from orgs import directory
from workflows_app import catalog, recovery
from workflows_app.dispatch.claims import Claim
from workflows_app.engine import claimed, connection, inbox
from workflows_app.engine.claimed import Begun, Taken
from workflows_app.engine.earlier import Row
from workflows_app.engine.engine import Engine, resolve
from workflows_app.engine.run import Run
from workflows_app.engine.runner import Outcome, out_of_time

T = TypeVar("T")
log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
VAULT_SECONDS = 5.0
MISSING_SECONDS = 5.0
LOADING_SECONDS = 0.5
# Reading the workspace costs milliseconds, and many that were queued before an edit may come in a row.
COMPARED_SECONDS = 0.2
AWAY = (connection.DatabaseAway, *connection.LOST)


class Beginning:
    """Begins what one engine has claimed. `stopped` ends its patience, and so does whatever ends the engine."""

    def __init__(self, engine: Engine, stopped: threading.Event) -> None:
        self._engine = engine
        self._stopped = stopped
        self._compared = 0.0
        self._has_old_code = False

    def begin(self, found: Sequence[Claim]) -> None:
        """Each of them runs afterwards, is put off, has ended, or goes back into the queue at the next beat."""
        for claim in found:
            self._engine.hold(claim.execution)
        waiting = {claim.execution: claim for claim in found}
        try:
            while waiting:
                try:
                    self._begin(waiting)
                except AWAY as error:
                    django_connection.close()
                    log.warning("a begin waits for the database", error=str(error).strip())
                    if self._stopped.wait(RETRY_SECONDS) or not self._engine.accepts:
                        return
        finally:
            for execution in waiting:
                self._engine.release(execution)

    def _begin(self, waiting: dict[UUID, Claim]) -> None:
        """Takes those out of `waiting` that are settled. Whatever it did before it raised may be done again."""
        taken = [each for claim in waiting.values() if (each := _by_itself(claim, self._taken, claim))]
        begun = claimed.begin(self._engine, taken)
        journals = claimed.journals(begun)
        for each, row in begun:
            if row.again and row.id not in journals:
                continue
            run = _by_itself(each.claim, self._run_of, each, row, journals.get(row.id, ()))
            if run is not None and _by_itself(each.claim, self._launch, run):
                del waiting[row.id]
        for execution in waiting:
            self._engine.release(execution)
        waiting.clear()

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

    def _run_of(self, taken: Taken, row: Begun, journal: Sequence[Row]) -> Run | None:
        """The run; None where there is none, which its record then says. One that is broken harms no other."""
        engine = self._engine
        try:
            return claimed.run_of(engine, taken, row, journal)
        except AWAY:
            raise
        except VaultUnavailable:
            recovery.put_off(engine.id, row.id, taken.organization, VAULT_SECONDS, "waits for the vault")
        except Exception as error:
            log.exception("an execution cannot run", execution_id=str(row.id), org_id=taken.organization.org_id)
            recovery.end_broken(engine.id, row.id, taken.organization, error)
        return None

    def _launch(self, run: Run) -> bool:
        """Whether it is under way, or at its end; not where it was awoken before its next attempt is due."""
        cancelled = inbox.cancelled(run) if run.stretch.inbox and not run.history.has_begun else None
        if run.stretch.not_before is not None and cancelled is None:
            self._put_off_again(run, run.stretch.not_before)
            return False
        self._engine.add(run)
        if cancelled:
            resolve(run, Outcome(error=cancelled))
        elif (left := run.time_left()) <= 0 and not run.history.stopped:
            resolve(run, Outcome(error=out_of_time(run)))
        else:
            self._engine.launch_claimed(run, max(left, 0.0) or run.facts.loaded.spec.timeout_seconds)
            if run.stretch.inbox > run.inbox:
                self._engine.wake()  # and read it
        return True

    def _put_off_again(self, run: Run, due: datetime) -> None:
        """What has arrived stays in its inbox, and the next attempt reads it."""
        facts, reason = run.facts, f"attempt {run.attempt} is not due yet"
        recovery.put_off_until(self._engine.id, facts.id, facts.organization, due, reason, run.stretch.inbox)


def _by_itself(claim: Claim, function: Callable[..., T], *arguments: Any) -> T | None:
    """What the function gives. Where it fails, its organization being dropped for example, None: the claim goes back
    at the next beat, and the others go on. Raises what says that the database is away."""
    try:
        return function(*arguments)
    except AWAY:
        raise
    except Exception:
        log.exception("a claimed execution could not begin", execution_id=str(claim.execution))
        return None
