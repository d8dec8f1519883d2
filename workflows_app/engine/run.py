"""One execution while it runs: what its context may ask for, and what it has to say to the journal."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.documents import size
from bifrost.sdk.errors import ConfigurationError, Detached, TooLarge, WorkflowException
from bifrost.sdk.sanitizing import Scrubber, redact_keys
from integrations import configs, secrets
from integrations.configs import ConfigSnapshot, SecretReference
from orgs.records import Actor, OrganizationRecord
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine.journal import Event
from workflows_app.engine.limits import Limits
from workflows_app.engine.position import Position, position

if TYPE_CHECKING:
    from workflows_app.engine.engine import Engine

T = TypeVar("T")

FIRST_SECRET_CONFIG_SECONDS = 2.0
FLUSH_EVENTS = 200  # that many unwritten lines do not wait for the log delay


@dataclass(frozen=True, slots=True)
class Facts:
    """What an execution is, fixed from its start to its end."""

    id: UUID
    organization: OrganizationRecord
    loaded: LoadedWorkflow
    parameters: dict[str, Any]
    actor: Actor
    trigger: dict[str, Any]
    parent: UUID | None = None
    depth: int = 0
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where in its life an execution goes on in this process: the claim's epoch, the journal's last number, what its
    inbox has had, and running time so far.

    `recorded` are the log lines and checkpoints of this attempt that the journal has already, by path, kind and number;
    `checkpoints` the last ones of any attempt, by name.
    """

    epoch: int = 1
    seq: int = 1
    inbox: int = 0
    spent_ms: int = 0
    recorded: frozenset[tuple[str, str, int]] = frozenset()
    checkpoints: Mapping[str, Any] = field(default_factory=dict)


FIRST_STRETCH = Stretch()


class HistoryTooLarge(TooLarge):
    """The execution's journal has reached its limit."""


class Cancelled(WorkflowException):
    """The execution was cancelled; it ends as Cancelled rather than Failed."""


class Run:
    """The host of one execution's context. Its loop and its workflow thread write to it; the journal takes from it."""

    def __init__(
        self,
        facts: Facts,
        engine: Engine,
        config: ConfigSnapshot,
        limits: Limits,
        stretch: Stretch = FIRST_STRETCH,
    ) -> None:
        self.facts = facts
        self.engine = engine
        self.stretch = stretch
        self.inbox = stretch.inbox  # the last entry that was read
        self.alone = False  # lost twice without getting on: one such in each process
        self.scrubber = Scrubber()
        self.variables: dict[str, Any] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.thread: threading.Thread | None = None
        self.finished: Future[Any] = Future()  # what came out of the code
        self.ended: Future[Any] = Future()  # its Ending, once durable
        self.fatal: BaseException | None = None
        self.claimed = False  # from the run queue: nobody waits for it in this process
        self.refused = False  # the database refused what its end was to say
        self.still_running = False  # it was stopped, and its code did not
        self.stop_reason: BaseException | None = None
        self.stop: Callable[[BaseException], bool] | None = None  # on the loop; set once the code was started
        self.position = Position()
        self._config = config
        self._limits = limits
        self._lock = threading.Lock()
        self._detached = False
        self._end_taken = False
        self._seq = stretch.seq
        self._notes = Position("")  # the engine's own lines do not count among the code's
        self._children = 0
        self._unwritten: list[Event] = []
        self._in_flight: list[Future[Any]] = []
        self._logs = self._dropped = self._events = self._bytes = 0
        self._secrets: dict[str, str] = {}
        self._reading: dict[str, asyncio.Future[str]] = {}
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

    def check(self) -> None:
        """Raises Detached once the execution goes on elsewhere or has ended."""
        if self._detached:
            raise Detached(f"Execution {self.facts.id} no longer runs here.")

    def record(self, kind: str, name: str, data: Any) -> None:
        """Adds a journal line; it is durable before the end, and at most 250 ms later.

        Raises Detached, and TooLarge where a value or the whole journal passes its limit.
        """
        self.check()
        if kind == "log" and not self._log_fits():
            return
        length = size(data)
        self._bound(kind, name, length)
        where = position.get(self.position)
        with self._lock:
            self._append(kind, name, data, where)
            self._events += 1
            self._bytes += length
            if kind == "variable":
                self.variables[name] = data
            unwritten = len(self._unwritten)
        if unwritten == 1:
            self.engine.flush_later(self)
        elif unwritten % FLUSH_EVENTS == 0:
            self.engine.write_events(self)

    def config(self, key: str) -> tuple[bool, Any]:
        """The config's value at the start of the run; a reference to a secret yields the secret."""
        present, value = configs.resolve(self._config, key)
        if isinstance(value, SecretReference):
            self.engine.remember_secret_config(self.facts.loaded.code_version, key)
            return True, self._secret_now(value.name)
        return present, value

    async def secret(self, name: str) -> str:
        """The secret's value, read once per execution, and from then on removed from all that is recorded."""
        self.check()
        if name in self._secrets:
            return self._secrets[name]
        if name not in self._reading:
            self._reading[name] = asyncio.wrap_future(secrets.secret_future(self.facts.organization, name))
            self.record("secret", name, None)
        return self._keep_secret(name, await asyncio.shield(self._reading[name]))

    def fetch_secret_configs(self, keys: Iterable[str]) -> None:
        """Before the start, in a thread that may wait: reads the secrets to which these configs refer.

        One that cannot be had is left to the workflow, which may not ask for it this time.
        """
        for key in keys:
            _, value = configs.resolve(self._config, key)
            if isinstance(value, SecretReference):
                with suppress(WorkflowException):
                    self._keep_secret(value.name, secrets.read_secret(self.facts.organization, value.name))

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> Any:
        """Runs a workflow as a child of this execution and returns its exact result, or raises its error."""
        self.check()
        return await self.engine.run_child(self, workflow, parameters)

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For a plain `def` workflow: runs the coroutine on the engine's loop and waits in the workflow's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.engine.loop).result()

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        """What was last saved under this name before this stretch of the run, by any attempt."""
        return name in self.stretch.checkpoints, self.stretch.checkpoints.get(name)

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
        return self.facts.loaded.spec.retry_policy is not None or self._children > 0

    def elapsed_ms(self) -> int:
        """Milliseconds of running time, rounded up: of earlier stretches, and since this one began."""
        return self.stretch.spent_ms + ceil((time.monotonic() - self._began) * 1000)

    def time_left(self) -> float:
        """Seconds that this stretch may run, by the limits of one attempt and of all of them together."""
        spec = self.facts.loaded.spec
        return min(spec.timeout_seconds, spec.max_duration_seconds - self.stretch.spent_ms / 1000)

    def note(self, kind: str, name: str, data: Any) -> None:
        """Adds a journal line of the engine's own, whatever the limits say."""
        with self._lock:
            self._append(kind, name, data, self._notes)

    def crash(self, error: BaseException) -> None:
        """An error that must not leave the loop, such as SystemExit in any task, becomes the execution's error."""
        if self.fatal is None:
            self.fatal = error
        # A plain function's thread may be calling, and tasks are the loop's.
        self.engine.loop.call_soon_threadsafe(self._cancel_tasks)

    def _cancel_tasks(self) -> None:
        for task in list(self.tasks):
            task.cancel()

    def take_events(self, most: int | None = None) -> list[dict[str, Any]]:
        """The oldest unwritten lines, redacted, in the form of the statements. They are the caller's to write."""
        with self._lock:
            taken, self._unwritten = self._unwritten[:most], [] if most is None else self._unwritten[most:]
        return [self._clean(event) for event in taken]

    @property
    def has_unwritten(self) -> bool:
        return bool(self._unwritten)

    def in_flight(self, done: Future[Any]) -> None:
        """Remembers a write that the end must follow."""
        self._in_flight = [future for future in self._in_flight if not future.done()] + [done]

    def writes_under_way(self) -> bool:
        """Whether the journal writer still has events of this run, which the end must follow."""
        return any(not future.done() for future in self._in_flight)

    def clean(self, value: Any) -> Any:
        """The value as it may be recorded: redacted by key, and without any secret that this execution read."""
        return self.scrubber.scrub(redact_keys(value))

    # ---------------------------------------------------------------------------------------------------------------

    def _append(self, kind: str, name: str, data: Any, where: Position) -> None:
        number = where.next(kind, name)
        if (where.path, kind, number) in self.stretch.recorded:
            return  # a resumed run says it again
        self._seq += 1
        if kind == "child":
            self._children += 1
        event = Event(self._seq, datetime.now(UTC).isoformat(), kind, name, where.path, number, data)
        self._unwritten.append(event)
        if self.engine.listener is not None:
            self.engine.listener(self._clean(event))

    def _log_fits(self) -> bool:
        self._logs += 1
        if self._logs <= self._limits.max_logs and len(self._unwritten) < self._limits.max_unwritten_logs:
            return True
        self._dropped += 1
        return False

    def note_dropped_logs(self) -> None:
        """Says in the journal how many log lines were dropped, if any were."""
        if self._dropped:
            self.note("log", "warning", {"message": f"{self._dropped} log lines dropped", "data": None})

    def _bound(self, kind: str, name: str, length: int) -> None:
        limits = self._limits
        if length > limits.max_value_bytes:
            raise TooLarge(f"The {kind} {name!r} has {length:,} bytes; the limit is {limits.max_value_bytes:,}.")
        if self._events >= limits.max_events or self._bytes + length > limits.max_journal_bytes:
            error = HistoryTooLarge(
                f"The journal holds {self._events:,} events of {self._bytes:,} bytes; the limits are "
                f"{limits.max_events:,} and {limits.max_journal_bytes:,}."
            )
            self.crash(error)
            raise error

    def _clean(self, event: Event) -> dict[str, Any]:
        # An error's details name configs and roles; redacting those by key would hide what the documents promise.
        data = self.scrubber.scrub(event.data) if event.kind == "error" else self.clean(event.data)
        return {
            "seq": event.seq,
            "at": event.at,
            "kind": event.kind,
            "name": self.scrubber.scrub(event.name)[:200],
            "path": event.path[:200],
            "number": event.number,
            "data": data,
        }

    def _secret_now(self, name: str) -> str:
        """For the plain call `get_config`: at once where the secret was fetched, else bounded."""
        if name in self._secrets:
            return self._secrets[name]
        try:
            value = secrets.secret_future(self.facts.organization, name).result(FIRST_SECRET_CONFIG_SECONDS)
        except TimeoutError:
            message = f"The vault did not answer within {FIRST_SECRET_CONFIG_SECONDS:.0f} s."
            raise ConfigurationError(message, config_key=name) from None
        return self._keep_secret(name, value)

    def _keep_secret(self, name: str, value: str) -> str:
        self.scrubber.add(value)
        self._secrets[name] = value
        return value


def mapping_of(run: Run) -> Mapping[str, Any]:
    """Organization and execution, for log lines about the run."""
    return {"org_id": run.facts.organization.org_id, "execution_id": str(run.facts.id), "workflow": run.workflow_name}
