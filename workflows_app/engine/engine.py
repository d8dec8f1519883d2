"""One incarnation of a process that runs executions: its loop, its journal writer, its `Worker` row."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import Context
from types import CodeType
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection as django_connection
from django.db.utils import Error as DatabaseError

from bifrost.sdk import steps
from bifrost.sdk.errors import Detached, WorkflowException
from bifrost.sdk.questions import Asked
from orgs.tenancy import guard_thread, shared_context
from workflows_app import catalog
from workflows_app.dispatch import workers
from workflows_app.engine import children, connection, continuing, ending, runner, statements
from workflows_app.engine.admission import Admission
from workflows_app.engine.approvals import ask
from workflows_app.engine.database import DatabaseThreads
from workflows_app.engine.finish import LOST, finish_later
from workflows_app.engine.journal import FenceLost, Statement, Write, Writer
from workflows_app.engine.limits import Limits
from workflows_app.engine.loop import EngineLoop
from workflows_app.engine.operations import Outcome
from workflows_app.engine.run import FLUSH_EVENTS, Run
from workflows_app.engine.tasks import TaskFactory, report_unnoticed
from workflows_app.errors import PlatformUnavailable

T = TypeVar("T")
log = structlog.get_logger(__name__)

DATABASE_THREADS = 4
LEAVE_SECONDS = 0.05

Listener = Callable[[dict[str, Any]], None]


class Engine:
    """Runs executions on a loop of its own. Made by `process`; ends by `stop`, or by `lost` and never comes back."""

    def __init__(
        self, kind: str, limits: Limits, on_lost: Callable[[Engine], None], on_worn_out: Callable[[str], None]
    ) -> None:
        self.kind = kind
        self.limits = limits
        self.admission = Admission(settings.WEB_THREADS)
        self.loop = EngineLoop()
        self.id: UUID
        self.label = ""
        self.runs: dict[UUID, Run] = {}
        self.accepts = False
        self.takes = True  # from the run queue; not while it makes room for a process with newer code
        self.stop_by = float("inf")
        self.listener: Listener | None = None  # hears each journal line, cleaned, as it is made
        self.on_wake: Callable[[], None] | None = None
        self.mark = time.monotonic()  # the loop's sign of life, for the watchdog
        self.acknowledged = time.monotonic()  # the last beat that the database confirmed
        self._on_lost = on_lost
        self._on_worn_out = on_worn_out
        self._leaked: list[threading.Thread] = []
        self._held: set[UUID] = set()
        self._lost = threading.Event()
        self._secret_configs: dict[str, set[str]] = {}
        self._flushes: set[Run] = set()
        self._database = DatabaseThreads(DATABASE_THREADS)
        self._tasks = TaskFactory(settings.WORKSPACE, settings.EARLIER_CODE)
        self._thread = threading.Thread(target=self._run_loop, name="engine-loop", daemon=True)

    # --- life --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Registers the worker and starts the threads. Raises what the database raises when it is away."""
        steps.hosted()
        with shared_context():
            self.id = workers.register(self.kind, settings.CONCURRENCY, catalog.current().version)
        self.label = workers.label(self.kind, self.id)
        self.acknowledged = time.monotonic()
        self.writer = Writer(self.id.hex[-8:], self.lost)
        self.writer.start()
        self._thread.start()
        self.accepts = True

    def stop(self, grace: float) -> None:
        """Takes no more runs, lets those under way finish for `grace` seconds, fails the rest as WorkerStopped."""
        self.accepts = False
        self.stop_by = min(self.stop_by, time.monotonic() + grace)
        self._await_runs()
        self._hand_over()
        self.stop_by = time.monotonic() + 3.0
        self._await_runs()
        self.close()
        with shared_context():
            workers.retire(self.id)

    def wake(self) -> None:
        """There may be work in the run queue, or room for it."""
        if self.on_wake is not None:
            self.on_wake()

    def _hand_over(self) -> None:
        """What may run again goes back into the queue, the rest fails."""
        reason = WorkflowException("The process was stopped before the workflow ended.", error_type="WorkerStopped")
        for run in list(self.runs.values()):
            if run.resumable and (run.claimed or run.operations.count) and not run.detached:
                end_by(run, lambda run: ending.handed_over(run, f"worker {self.label} was stopped"))
            else:
                self.stop_run(run, reason)

    def close(self) -> None:
        """Ends the threads; the worker's row stays."""
        self.accepts = False
        self.writer.close(5.0)
        self._database.close()
        # Not before what was dropped has been left.
        self.loop.call_soon_threadsafe(self.loop.call_later, LEAVE_SECONDS, self.loop.stop)

    def lost(self) -> None:
        """The `Worker` row is gone: nothing more can be written. Detaches all runs and answers who waits for them."""
        if self._lost.is_set():
            return
        self._lost.set()
        self.accepts = False
        log.error("worker was fenced", worker=self.label, runs=len(self.runs))
        self.give_up(lambda run: LOST)
        self._on_lost(self)

    def give_up(self, ending_of: Callable[[Run], Any]) -> None:
        """Detaches every run and hands each waiting thread the ending that the function names."""
        for run in list(self.runs.values()):
            end_by(run, ending_of)

    # --- runs --------------------------------------------------------------------------------------------------------

    def hold(self, execution: UUID) -> None:
        """Announces an execution before its row exists, so that a beat does not take it for abandoned."""
        self._held.add(execution)

    def release(self, execution: UUID) -> None:
        self._held.discard(execution)

    def holds(self, execution: UUID) -> bool:
        return execution in self._held

    def beat(self) -> bool:
        """Says that this worker lives. False: it was fenced meanwhile, and is lost. Raises what the database raises."""
        with shared_context():
            alive = workers.beat(self.id)
        if alive:
            self.acknowledged = time.monotonic()
        else:
            self.lost()
        return alive

    def require_beat(self) -> None:
        """Where no beat was confirmed for so long that a sweep may be near, beats now.

        Raises PlatformUnavailable where the database is away, FenceLost where the sweep has come.
        """
        if time.monotonic() - self.acknowledged <= self.limits.no_new_step_after_seconds:
            return
        try:
            alive = self.beat()
        except DatabaseError as error:
            django_connection.close()
            raise PlatformUnavailable("The database is away; the workflow was not run.") from error
        if not alive:
            raise FenceLost

    def add(self, run: Run) -> None:
        self.runs[run.facts.id] = run
        catalog.acquire(run.facts.loaded)

    def remove(self, run: Run) -> None:
        """The run's end is durable."""
        self._held.discard(run.facts.id)
        if self.runs.pop(run.facts.id, None) is not None:
            catalog.release(run.facts.loaded)
        if run.claimed:
            self.wake()

    def forget(self, run: Run) -> None:
        """Nobody keeps a record of it any more: stops its code and writes nothing."""
        run.gone = True
        end_by(run, lambda run: LOST)
        self.remove(run)
        self.stop_run(run, Detached(f"Execution {run.facts.id} is gone.", gone=True))

    def disown(self, run: Run) -> None:
        """It was given back and goes on elsewhere: leaves its code where it stands, and writes nothing."""
        log.error("an execution is not this worker's any more", execution_id=str(run.facts.id), worker=self.label)
        end_by(run, lambda run: LOST)
        if self.runs.get(run.facts.id) is run:  # and not one that has claimed it again
            self.remove(run)

    def launch(self, run: Run, seconds: float) -> None:
        """Starts the run's function; `run.finished` gets its outcome within a second of its time."""
        self.loop.call_soon_threadsafe(runner.launch, run, seconds, resolve)

    def launch_claimed(self, run: Run, seconds: float) -> None:
        """The same for a run that nobody waits for, after what its configs need from the vault was fetched."""
        keys = self.secret_configs(run.facts.loaded.code_version)
        if not keys:
            return self.launch(run, seconds)
        fetched = self._database.submit(run.fetch_secret_configs, keys)
        fetched.add_done_callback(lambda _done: self.launch(run, seconds))

    def stop_run(self, run: Run, reason: BaseException) -> None:
        """Cancels the run's tasks, from any thread; how it ends says the reason."""
        self.loop.call_soon_threadsafe(lambda: run.stop(reason) if run.stop is not None else None)

    def suspend(self, run: Run, seconds: float | None, reason: str) -> None:
        """Puts it aside until something arrives for it, or at most so many seconds."""
        end_by(run, lambda run: ending.suspended(run, seconds, reason))

    def owns(self, code: CodeType) -> bool:
        """Whether it is code of the workspace or the SDK."""
        return self._tasks.owns(code)

    async def run_child(self, parent: Run, workflow: str, parameters: dict[str, Any]) -> Any:
        return await children.run_child(self, parent, workflow, parameters)

    async def start_child(self, parent: Run, workflow: str, parameters: dict[str, Any], parent_close: str) -> str:
        return await children.start_child(parent, workflow, parameters, parent_close)

    async def child_result(self, parent: Run, workflow: str, child: str) -> Any:
        return await children.child_result(parent, workflow, child)

    async def wait_for_children(self, parent: Run) -> None:
        await children.wait_for_children(parent)

    async def continue_as_new(self, run: Run, parameters: dict[str, Any]) -> NoReturn:
        await continuing.continue_as_new(run, parameters)

    def in_background(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Runs blocking database work that nobody waits for, and that others do where this process does not."""
        with suppress(RuntimeError):  # it stops
            self._database.submit(function, *arguments).add_done_callback(_report)

    async def ask(self, run: Run, asked: Asked) -> Outcome:
        return await ask(self, run, asked)

    async def in_database_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs blocking database work away from the loop, in the shared schema unless it opens an `org_context`."""
        return await asyncio.wrap_future(self._database.submit(function, *arguments))

    # --- journal -----------------------------------------------------------------------------------------------------

    def flush_later(self, run: Run) -> None:
        """Has the run's unwritten events committed within the log delay."""
        if threading.get_ident() == self._thread.ident:
            self._schedule_flush(run)
        else:
            self.loop.call_soon_threadsafe(self._schedule_flush, run)

    def _schedule_flush(self, run: Run) -> None:
        if run not in self._flushes:
            self._flushes.add(run)
            # In no context of the run's, whose own times keep it from being put aside.
            self.loop.call_later(self.limits.log_delay_seconds, self._flush, run, context=Context())

    def _flush(self, run: Run) -> None:
        self._flushes.discard(run)
        if not run.detached:
            self.write_events(run)

    def commit(self, run: Run) -> Future[tuple[Any, ...]]:
        """Has all that the run has said so far made durable; done once it is."""
        for _ in range(run.lines.unwritten // FLUSH_EVENTS):
            self.write_events(run)
        return self.write_events(run).done

    def write_events(self, run: Run) -> Write:
        """Hands the run's unwritten events to the journal writer, which cleans them in its own thread.

        At most two hundred: what is left goes behind the other runs' writes.
        """

        def make() -> Statement:
            owner = {"worker": self.id, "epoch": run.stretch.epoch, "id": run.facts.id}
            statement = statements.append(run.facts.organization.schema_name)
            events = run.lines.take(FLUSH_EVENTS)
            if run.lines.unwritten and not run.detached:
                self.write_events(run)
            return statement, {**owner, "events": json.dumps(events), "progress": run.progress_now}

        write = Write(make)
        run.lines.in_flight(write.done)
        return self.writer.submit(write)

    # --- threads -----------------------------------------------------------------------------------------------------

    def thread_leaked(self, thread: threading.Thread) -> None:
        """A plain workflow's thread goes on after its execution ended. Too many of them wear out the process."""
        self._leaked = [leaked for leaked in self._leaked if leaked.is_alive()] + [thread]
        log.warning("a workflow's thread did not stop", threads=len(self._leaked), thread=thread.name)
        if len(self._leaked) >= self.limits.max_leaked_threads:
            self._on_worn_out(f"{len(self._leaked)} threads of workflows did not stop")

    # --- configs that refer to secrets -------------------------------------------------------------------------------

    def remember_secret_config(self, code_version: str, key: str) -> None:
        """This version of the code reads a secret through the config: the next run fetches it before it starts."""
        self._secret_configs.setdefault(code_version, set()).add(key)

    def secret_configs(self, code_version: str) -> tuple[str, ...]:
        return tuple(self._secret_configs.get(code_version, ()))

    # -----------------------------------------------------------------------------------------------------------------

    def _await_runs(self) -> None:
        while self.runs and time.monotonic() < self.stop_by and not self._lost.is_set():
            time.sleep(0.05)

    def _run_loop(self) -> None:
        guard_thread()
        asyncio.set_event_loop(self.loop)
        self.loop.set_task_factory(self._tasks)
        self.loop.set_exception_handler(report_unnoticed)
        self._tick()
        try:
            self.loop.run_forever()
        finally:
            connection.discard()

    def _tick(self) -> None:
        self.mark = time.monotonic()
        self.loop.call_later(0.25, self._tick)


def _report(done: Future[Any]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        log.warning("work in the background failed", error=repr(error))


def resolve(run: Run, outcome: Any) -> None:
    """Hands the outcome to whoever waits for the run, or writes it where nobody does; the first one counts."""
    end_by(run, lambda run: outcome)


def end_by(run: Run, ending_of: Callable[[Run], Any]) -> None:
    """The same with an ending that is made only where it counts, since making it notes it in the journal."""
    run.detach()
    if not run.take_end():
        return
    outcome = ending_of(run)
    if not run.gone:  # else its code may still clean up
        run.engine.loop.call_soon_threadsafe(run.drop)
    try:
        run.finished.set_result(outcome)
    except InvalidStateError:
        return
    if run.claimed and outcome is not LOST:
        finish_later(run, outcome)
