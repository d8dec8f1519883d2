"""One execution while it runs: what its context may ask for, and what it has to say to the journal."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.durable import Wait
from bifrost.sdk.errors import Detached, WorkerLost, WorkflowException, as_document
from bifrost.sdk.questions import Asked
from bifrost.sdk.sanitizing import redact_keys
from bifrost.sdk.steps import StepCall, step_info
from integrations.configs import ConfigSnapshot
from workflows_app.engine.connectedness import Connectedness
from workflows_app.engine.dry_run import WOULD, instead
from workflows_app.engine.facts import FIRST_STRETCH, Facts, Stretch
from workflows_app.engine.filing import Filing
from workflows_app.engine.history import STOP, History, Key
from workflows_app.engine.lines import Lines
from workflows_app.engine.operations import Operations
from workflows_app.engine.outside import OUTSIDE
from workflows_app.engine.parenthood import Parenthood
from workflows_app.engine.platform import Asking, perform
from workflows_app.engine.position import Position, position
from workflows_app.engine.protection import ask
from workflows_app.engine.steps import run_step
from workflows_app.engine.waits import Waits

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

T = TypeVar("T")

FLUSH_EVENTS = 200  # that many unwritten lines do not wait for the log delay
MOST_TIMERS = 50  # that are kept without a look at which of them are over


class Run(Connectedness, Parenthood, Filing):
    """The host of one execution's context. Its loop and its workflow thread write to it; the journal takes from it."""

    def __init__(
        self,
        facts: Facts,
        engine: Engine,
        config: ConfigSnapshot,
        stretch: Stretch = FIRST_STRETCH,
        history: History | None = None,
    ) -> None:
        super().__init__(config)
        self.facts = facts
        self.engine = engine
        self.stretch = stretch
        self.history = history or History()
        self.inbox = self.history.received  # the last entry that was read
        self.lines = Lines(self, stretch.seq)
        self.operations = Operations(self, self.history)
        self.waits = Waits(self, self.history.unread())
        self.parent_epoch: int | None = None  # of the parent's stretch that waits for it in this process
        self.alone = False  # lost twice without getting on: one such in each process
        self.variables: dict[str, Any] = {}
        self.tasks: dict[asyncio.Task[Any], Any] = {}  # with the coroutine that each one runs
        self.moves = 0  # how often any of them was resumed
        self.waiting_threads: set[int] = set()  # the idents of those that wait for a coroutine on the loop
        self.finished: Future[Any] = Future()  # what came out of the code
        self.ended: Future[Any] = Future()  # its Ending, once durable
        self.fatal: BaseException | None = None
        self.claimed = False  # from the run queue: nobody waits for it in this process
        self.refused = False  # the database refused what its end was to say
        self.still_running = False  # it was stopped, and its code did not
        self.compensating = 0  # sagas that are undoing what they have done
        self.undone: list[str] = []  # the steps of sagas, by name
        self.not_undone: list[str] = []
        self.final = False  # whatever the retry policy says, its failure is for good
        self.verdict: WorkflowException | None = None  # what its recovery says in the place of its failure
        self.failed_items: list[Any] = []
        self.progress_now: float | None = None
        self.dropped = False  # its code is not resumed any more, wherever it stands
        self.gone = False  # nobody keeps a record of it any more
        self.stop_reason: BaseException | None = None
        self.stop: Callable[[BaseException], bool] | None = None  # on the loop; set once the code was started
        self.to_cancel: BaseException | None = None  # read while it could not be stopped: it is, should it go on
        self.position = Position()
        self._lock = threading.Lock()
        self._detached = False
        self._end_taken = False
        self._timers: list[asyncio.TimerHandle] = []
        self._began = time.monotonic()

    # --- the SDK's Host ------------------------------------------------------------------------------------------

    @property
    def organization(self) -> OrganizationFacts:
        organization = self.facts.organization
        return OrganizationFacts(organization.org_id, organization.name, organization.tenant_id or None)

    @property
    def caller(self) -> Caller:
        actor = self.facts.actor
        return Caller(actor.id, actor.email, actor.name)

    @property
    def execution_id(self) -> str:
        return str(self.facts.id)

    @property
    def workflow_name(self) -> str:
        return self.facts.loaded.spec.name

    @property
    def attempt(self) -> int:
        return self.facts.attempt

    @property
    def dry_run(self) -> bool:
        return self.facts.dry_run

    def check(self) -> None:
        """Raises Detached once the execution goes on elsewhere or has ended."""
        if self._detached:
            raise Detached(f"Execution {self.facts.id} no longer runs here.", gone=self.gone)

    def record(self, kind: str, name: str, data: Any) -> None:
        """Adds a journal line; it is durable before the end, and at most 250 ms later.

        Raises Detached, and TooLarge where a value or the whole journal passes its limit.
        """
        self.check()
        unwritten = self.lines.record(kind, name, data, position.get(self.position))
        if kind == "variable":
            self.variables[name] = data
        self._written_soon(unwritten)

    def value(self, kind: str, name: str, make: Callable[[], Any], *, seals: bool = False) -> Any:
        """What `make` gave when the code first came here, however often it runs again."""
        self.check()
        where = position.get(self.position)
        key = Key(where.path, kind, name, where.next(kind, name))
        line = self.history.values.get(key)
        if line is not None and "value" in line.data:
            return line.data["value"]
        made = make()
        self._written_soon(self.lines.append(key, {"value": made}, seals=seals))
        return made

    def append(self, key: Key, data: Any, exact: bytes | None = None) -> None:
        """Adds a line about an operation. Raises TooLarge."""
        self._written_soon(self.lines.append(key, data, exact))

    def _written_soon(self, unwritten: int) -> None:
        if unwritten == 1:
            self.engine.flush_later(self)
        elif unwritten and unwritten % FLUSH_EVENTS == 0:
            self.engine.write_events(self)

    def permitted(self, name: str) -> bool:
        """Whether whoever started it has this permission, as far as this process knows."""
        return self.facts.actor.can(name)

    def patched(self, change: str) -> bool:
        """Whether this run has come here with the changed code: it is new here, or has come by before with it."""
        self.check()
        where = position.get(self.position)
        key = Key(where.path, "value", f"patched {change}", where.next("value", f"patched {change}"))
        if key in self.history.values:
            return True
        if self.operations.replaying:
            return False
        self.append(key, {"value": True})
        return True

    def progress(self, done: float, total: float, message: str) -> None:
        """Shows how far the run is; of many such lines the last one is written."""
        self.check()
        self.progress_now = 100.0 * min(1.0, max(0.0, done / total)) if total > 0 else 100.0
        shown = {"percent": self.progress_now, "done": done, "total": total, "message": message}
        shown["elapsedMs"] = self.elapsed_ms()
        self._written_soon(self.lines.replace("progress", shown))

    def complete_with_errors(self, failed: list[Any]) -> None:
        """Where it ends well, it ends as CompletedWithErrors."""
        self.check()
        self.failed_items += failed

    def branches(self, name: str) -> Callable[[int], AbstractContextManager[None]]:
        """Positions for the parts of a list, by their places in it."""
        self.check()
        beginning = position.get(self.position).branch(name)
        return lambda place: _at(Position(f"{beginning}.{place}"))

    async def step(self, call: StepCall) -> Any:
        """The step's result, or its error; done now or when it was first done."""
        return await run_step(self, call)

    async def wait(self, wait: Wait) -> dict[str, Any]:
        """What has come of it."""
        return await self.waits.wait(wait)

    async def ask(self, asked: Asked) -> dict[str, Any]:
        """What a person has decided, or that nobody has in time."""
        return await self.engine.ask(self, asked)

    async def service(self, name: str, data: dict[str, Any]) -> Any:
        """Does what the code asks of the platform, when the database is there, or of an outside system."""
        if self.dry_run and name in WOULD:
            return instead(self, name, data)
        if name in OUTSIDE:
            return await OUTSIDE[name](self, step_info().idempotency_key, data)
        asking = Asking(self.facts, step_info().idempotency_key, self.clean)
        return await ask(self, partial(perform, name, asking, data))

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For a plain `def` workflow: runs the coroutine on the engine's loop and waits in the workflow's thread."""
        waiting = self._for_thread(threading.get_ident(), coroutine)
        try:
            return asyncio.run_coroutine_threadsafe(waiting, self.engine.loop).result()
        except CancelledError:
            self.check()
            raise

    async def _for_thread(self, thread: int, coroutine: Coroutine[Any, Any, T]) -> T:
        self.waiting_threads.add(thread)
        try:
            return await coroutine
        finally:
            self.waiting_threads.discard(thread)

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        """What was last saved under this name before this stretch of the run, by any attempt."""
        return name in self.history.checkpoints, self.history.checkpoints.get(name)

    # --- for the engine ------------------------------------------------------------------------------------------

    @property
    def detached(self) -> bool:
        return self._detached

    def detach(self) -> None:
        """From now on every call of the context raises Detached, and nothing more is written."""
        self._detached = True

    def take_end(self) -> bool:
        """Whether the caller is the first to say how the run ended; whoever asks later is not heard."""
        with self._lock:
            first, self._end_taken = not self._end_taken, True
        return first

    @property
    def resumable(self) -> bool:
        """Whether running it again after a loss is allowed: it has a retry policy, or what it did is in the journal."""
        return self.facts.loaded.spec.retry_policy is not None or self.operations.count > 0

    def elapsed_ms(self) -> int:
        """Milliseconds of running time, rounded up: of earlier stretches, and since this one began."""
        return self.stretch.spent_ms + ceil((time.monotonic() - self._began) * 1000)

    def time_left(self) -> float:
        """Seconds that this stretch may run, by the limits of one attempt and of all of them together."""
        spec = self.facts.loaded.spec
        return min(spec.timeout_seconds, spec.max_duration_seconds - self.stretch.spent_ms / 1000)

    def note(self, kind: str, name: str, data: Any) -> None:
        """Adds a journal line of the engine's own, whatever the limits say."""
        self.lines.note(kind, name, data)

    @contextmanager
    def compensation(self) -> Iterator[Callable[[str, bool], None]]:
        """A saga undoes what it has done: nothing but its own time stops that. Where the run was stopped, the journal
        says so first, so that a run which resumes is stopped in the same place."""
        self.check()
        if isinstance(self.fatal, WorkflowException):
            # What it has done is not known, or can no longer be written.
            raise asyncio.CancelledError
        if self.stop_reason is not None and not self.compensating:
            key = Key("", STOP, type(self.stop_reason).__name__, 0)
            if key not in self.history.ended:
                self.append(key, as_document(self.stop_reason))
        self.compensating += 1
        try:
            yield lambda step, undone: (self.undone if undone else self.not_undone).append(step)
        finally:
            self.compensating -= 1

    def task_done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.pop(task, None)
        self.operations.pump()

    def add_timer(self, timer: asyncio.TimerHandle) -> None:
        """Its code asked the loop to be called at some time."""
        if len(self._timers) > MOST_TIMERS and not self.has_timers():
            self._timers.clear()
        self._timers.append(timer)

    def has_timers(self) -> bool:
        """Whether the loop will call its code by itself."""
        now = self.engine.loop.time()
        self._timers = [timer for timer in self._timers if not timer.cancelled() and timer.when() > now]
        return bool(self._timers)

    def drop(self) -> None:
        """Leaves its code where it stands, for good. On the loop, once it is detached."""
        self.dropped = True
        self._cancel_tasks()

    def refuse(self, done: Future[Any]) -> None:
        """A line could not be written: for what it says, it ends the run; with the fence, others have it."""
        error = done.exception()
        if isinstance(error, psycopg.DataError | psycopg.IntegrityError | psycopg.ProgrammingError):
            self.crash(WorkerLost("The database refused a line of this execution's journal."))

    def crash(self, error: BaseException) -> None:
        """An error that must not leave the loop, such as SystemExit in any task, becomes the execution's error."""
        if self.fatal is None:
            self.fatal = error
        # A plain function's thread may be calling, and tasks are the loop's.
        self.engine.loop.call_soon_threadsafe(self._cancel_tasks)

    def _cancel_tasks(self) -> None:
        for task in list(self.tasks):
            task.cancel()

    def clean(self, value: Any) -> Any:
        """The value as it may be recorded: redacted by key, and without any secret that this execution read."""
        return self.scrubber.scrub(redact_keys(value))


@contextmanager
def _at(where: Position) -> Iterator[None]:
    token = position.set(where)
    try:
        yield
    finally:
        position.reset(token)


def mapping_of(run: Run) -> Mapping[str, Any]:
    """Organization and execution, for log lines about the run."""
    return {"org_id": run.facts.organization.org_id, "execution_id": str(run.facts.id), "workflow": run.workflow_name}
