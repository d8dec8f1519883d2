"""Contexts for authors' tests: everything in memory, everything that the workflow did at hand.

ctx = bifrost.testing.context(config={"region": "eu"}, secrets={"api_key": "s3cret"})
result = await my_workflow(ctx, name="Ann")
assert ctx.records[-1] == Record("checkpoint", "done", {"name": "Ann"})
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from bifrost.sdk.auditing import step_event
from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.documents import exact
from bifrost.sdk.durable import Wait
from bifrost.sdk.errors import CircuitBreakerOpen, ConfigurationError, ContinueAsNew, Detached, as_document
from bifrost.sdk.http.service import Credentials, Make, Service
from bifrost.sdk.questions import Asked
from bifrost.sdk.steps import StepCall, StepInfo, StepOptions, current_step
from bifrost.sdk.testing_children import Child, Children, Started
from bifrost.sdk.testing_files import MemoryFiles, cards_in
from bifrost.sdk.testing_services import client_for, connections_of, integrations_of
from bifrost.sdk.tolerant import JSON
from bifrost.sdk.virtual import VirtualClock, decided

if TYPE_CHECKING:
    from bifrost.sdk.http.client import ServiceClient

__all__ = [
    "BlockingRecordingContext",
    "ContinueAsNew",
    "MemoryHost",
    "OAuthCredentials",
    "Record",
    "RecordingContext",
    "blocking_context",
    "context",
]

T = TypeVar("T")
#: Called with what a service of the platform was asked.
Answer = Callable[[dict[str, JSON]], JSON]
OPEN_SECONDS = 30.0


@dataclass(frozen=True)
class Record:
    """One thing that the workflow did; `bifrost.sdk.host.Host.record` says what the kinds hold."""

    kind: str
    name: str
    data: JSON


@dataclass
class MemoryHost(Children, MemoryFiles):
    organization: OrganizationFacts
    caller: Caller
    configs: Mapping[str, Any]
    secrets: Mapping[str, str]
    workflows: Mapping[str, Child]
    checkpoints: Mapping[str, Any]
    execution_id: str
    workflow_name: str
    attempt: int
    clock: VirtualClock
    before: frozenset[str] = frozenset()
    answers: Mapping[str, Answer] = field(default_factory=dict)
    circuits: dict[str, datetime] = field(default_factory=dict)  # the open ones, and until when
    permissions: frozenset[str] | None = None
    integrations: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    connections: Mapping[str, OAuthCredentials] = field(default_factory=dict)
    answering: Any = None  # what is asked of outside services
    dry_run: bool = False
    records: list[Record] = field(default_factory=list)
    detached: bool = False
    started: dict[str, Started] = field(default_factory=dict)

    def record(self, kind: str, name: str, data: JSON) -> None:
        self.check()
        self.records.append(Record(kind, name, data))

    def check(self) -> None:
        if self.detached:
            raise Detached

    def value(self, kind: str, name: str, make: Callable[[], JSON]) -> JSON:
        """The time is the test's own."""
        self.check()
        return self.clock.now().isoformat() if name == "now" else make()

    def patched(self, change: str) -> bool:
        self.check()
        return change not in self.before

    def permitted(self, name: str) -> bool:
        self.check()
        return self.permissions is None or name in self.permissions

    def progress(self, done: float, total: float, message: str) -> None:
        self.record("progress", "", {"done": done, "total": total, "message": message})

    def complete_with_errors(self, failed: list[JSON]) -> None:
        self.record("failed", "", failed)

    def compensation(self) -> AbstractContextManager[Callable[[str, bool], None]]:
        self.check()
        return nullcontext(lambda step, undone: None)

    def branches(self, name: str) -> Callable[[int], AbstractContextManager[None]]:
        return lambda place: nullcontext()

    async def step(self, call: StepCall) -> JSON:
        """As the engine does, but the waits between attempts take no time."""
        self.check()
        place, attempt = current_step.set(_Step(call, 1)), 1
        try:
            while True:
                try:
                    self._pass_circuit(call.options)
                    value = exact(await _given(call), f"result of the step {call.name!r}")
                except Exception as error:
                    policy = call.options.retry_policy
                    if policy is None or not policy.allows(attempt, type(error).__name__):
                        self.records.append(Record("step", call.name, {"error": as_document(error)}))
                        raise
                    self.clock.pass_by(policy.delay(attempt))
                    attempt += 1
                    current_step.set(_Step(call, attempt))
                else:
                    self.records.append(Record("step", call.name, {"value": value}))
                    if call.options.audit:
                        self.records.append(Record("audit", "", step_event(call)))
                    return value
        finally:
            current_step.reset(place)

    async def wait(self, wait: Wait) -> dict[str, Any]:
        self.check()
        answer = await self.clock.wait(wait)
        self.records.append(Record(wait.kind, wait.name, answer))
        return answer

    async def ask(self, asked: Asked) -> dict[str, Any]:
        """The test's next decision, its values checked as a person's would be."""
        self.check()
        answer = await self.clock.wait(Wait("approval", asked.title, asked.seconds, entry="decision"))
        if "timedOut" not in answer:
            answer = {"value": decided(asked, answer["value"], self.clock.now())}
        self.records.append(Record("approval", asked.title, answer))
        return answer

    def config(self, key: str) -> tuple[bool, Any]:
        self.record("config", key, {"present": key in self.configs})
        return key in self.configs, self.configs.get(key)

    async def secret(self, name: str, previous: bool) -> str:
        self.check()
        key = f"{name} (previous)" if previous else name
        if key not in self.secrets:
            raise ConfigurationError(f'There is no secret "{key}"', config_key=name)
        return self.secrets[key]

    async def connection(self, name: str) -> OAuthCredentials:
        self.check()
        if name.lower() not in self.connections:
            raise ConfigurationError(f'There is no OAuth connection "{name}"', config_key=name)
        self.record("connection", self.connections[name.lower()].connection_name, None)
        return self.connections[name.lower()]

    def integration(self, name: str) -> Callable[[Any], Any] | None:
        return self.integrations.get(name)

    def http(self, service: Service, credentials: Credentials | None) -> ServiceClient:
        return client_for(self, service, credentials, self.answering)

    async def token(self, integration: str, credentials: tuple[str, ...], make: Make, refused: str | None) -> str:
        self.check()
        return (await make())[0]

    @property
    def cards(self) -> list[dict[str, JSON]]:
        return cards_in((record.kind, record.name, record.data) for record in self.records)

    async def service(self, name: str, data: dict[str, JSON]) -> JSON:
        """Notes that it was asked for. The answer is the test's, else None; an open circuit is as the engine has it."""
        self.record(name, "", data)
        self.tell_child(name, data)
        if name == "circuit_enter":
            self.enter_circuit(data["service"])
        return self.answers[name](data) if name in self.answers else None

    def enter_circuit(self, service: str) -> None:
        """Raises CircuitBreakerOpen until its time is over, in the test's own time."""
        left = (self.circuits.get(service.lower(), self.clock.now()) - self.clock.now()).total_seconds()
        if left > 0:
            raise CircuitBreakerOpen(f'The circuit of "{service}" is open.', integration=service, retry_after=left)

    def _pass_circuit(self, options: StepOptions) -> None:
        if options.circuit_breaker is None:
            return
        try:
            self.enter_circuit(options.circuit_breaker)
        except CircuitBreakerOpen as refused:
            if options.when_open == "fail":
                raise
            self.clock.pass_by(refused.retry_after or 0.0)

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        # In a thread of its own, since the test may run in a loop already.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, coroutine).result()

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        self.check()
        return name in self.checkpoints, self.checkpoints.get(name)


@dataclass(frozen=True)
class _Step:
    """A step that runs in a test."""

    call: StepCall
    attempt: int

    @property
    def info(self) -> StepInfo:
        return StepInfo(self.call.name, self.attempt, self.call.options.idempotency_key or f"test:{self.call.name}")

    def heartbeat(self, details: JSON) -> None:
        """Nobody waits for it."""

    def last_heartbeat(self) -> JSON:
        return None


async def _given(call: StepCall) -> Any:
    value = call.function(*call.args, **call.kwargs)
    return await value if inspect.isawaitable(value) else value


class RecordingContext(OrganizationContext):
    """An OrganizationContext that shows what was done with it."""

    _host: MemoryHost

    @property
    def records(self) -> list[Record]:
        return self._host.records

    @property
    def cards(self) -> list[dict[str, JSON]]:
        """The result cards, as a person sees them at the end."""
        return self._host.cards

    @property
    def saved_files(self) -> dict[str, bytes]:
        """The contents of the files that the workflow saved, by their names."""
        return self._host.saved_files

    def send_signal(self, name: str, body: Any = None) -> None:
        """As somebody outside would, while the workflow runs."""
        self._host.clock.send(name, body)


class BlockingRecordingContext(BlockingContext):
    """The same for plain `def` workflows."""

    _host: MemoryHost

    @property
    def records(self) -> list[Record]:
        return self._host.records

    @property
    def cards(self) -> list[dict[str, JSON]]:
        return self._host.cards

    @property
    def saved_files(self) -> dict[str, bytes]:
        return self._host.saved_files


def context(  # noqa: PLR0913 - a test names the two or three that it needs
    org_id: str = "test-org",
    *,
    org_name: str = "Test Organization",
    tenant_id: str | None = None,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    connections: Mapping[str, OAuthCredentials | str] | None = None,
    caller: Caller | None = None,
    workflows: Mapping[str, Child] | None = None,
    checkpoints: Mapping[str, Any] | None = None,
    signals: Iterable[tuple[str, Any]] = (),
    approvals: Iterable[Mapping[str, Any]] = (),
    now: datetime | None = None,
    before: Iterable[str] = (),
    open_circuits: Iterable[str] = (),
    answers: Mapping[str, Answer] | None = None,
    permissions: Iterable[str] | None = None,
    integrations: Mapping[str, Any] | None = None,
    http: Any = None,
    files: Mapping[str, bytes] | None = None,
    dry_run: bool = False,
    execution_id: str = "00000000-0000-7000-8000-000000000000",
    workflow_name: str = "test_workflow",
    attempt: int = 1,
) -> RecordingContext:
    """A context to call a workflow with. `connections` are OAuth connections by name, as `OAuthCredentials` or just
    their access token; `workflows` the children it may run; `checkpoints` what earlier attempts saved; `signals` (name
    and body) what waits in the inbox; `approvals` what people decide, in order (`{"approved": True, "comment": "",
    "values": {...}, "decided_by": Caller(...)}`); `before` the changes that this run came by before they were made
    (`context.patched`); `open_circuits` the services that are not to be called for 30 s; `answers` what the platform
    answers, by the name of what it is asked: `{"database": lambda asked: [...]}`; `permissions` what the caller may do,
    everything unless given; `integrations` what `get_integration` gives, classes or objects by name; `http` answers
    what is asked of outside services, a function from httpx's request to its response, or a transport; `files` the
    contents of files by their ids; `dry_run` as the option of a start. Time is virtual: it begins `now`.
    """
    clock = VirtualClock(now or datetime.now(UTC), signals, approvals)
    return RecordingContext(
        MemoryHost(
            organization=OrganizationFacts(org_id, org_name, tenant_id),
            caller=caller or Caller("test-user", "test@example.com", "Test User"),
            configs=dict(config or {}),
            secrets=dict(secrets or {}),
            connections=connections_of(connections),
            workflows=dict(workflows or {}),
            checkpoints=dict(checkpoints or {}),
            execution_id=execution_id,
            workflow_name=workflow_name,
            attempt=attempt,
            clock=clock,
            before=frozenset(before),
            answers=dict(answers or {}),
            circuits={service.lower(): clock.now() + timedelta(seconds=OPEN_SECONDS) for service in open_circuits},
            permissions=None if permissions is None else frozenset(permissions),
            integrations=integrations_of(integrations),
            answering=http,
            files=dict(files or {}),
            dry_run=dry_run,
        )
    )


def blocking_context(org_id: str = "test-org", **arguments: Any) -> BlockingRecordingContext:
    """The same for a plain `def` workflow; takes what `context` takes."""
    return BlockingRecordingContext(context(org_id, **arguments)._host)
