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
from datetime import UTC, datetime
from typing import Any, TypeVar

from bifrost.sdk.auditing import step_event
from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.context import OrganizationContext
from bifrost.sdk.documents import exact
from bifrost.sdk.durable import Wait
from bifrost.sdk.errors import ConfigurationError, Detached, as_document, from_document
from bifrost.sdk.steps import StepCall, StepInfo, current_step
from bifrost.sdk.tolerant import JSON
from bifrost.sdk.virtual import VirtualClock

__all__ = [
    "BlockingRecordingContext",
    "MemoryHost",
    "Record",
    "RecordingContext",
    "blocking_context",
    "context",
]

T = TypeVar("T")
#: Called as the workflow would be: with a context and the parameters by name.
Child = Callable[..., Any]


@dataclass(frozen=True)
class Record:
    """One thing that the workflow did; `bifrost.sdk.host.Host.record` says what the kinds hold."""

    kind: str
    name: str
    data: JSON


@dataclass
class MemoryHost:
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
    permissions: frozenset[str] | None = None
    records: list[Record] = field(default_factory=list)
    detached: bool = False

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

    def branches(self, name: str) -> Callable[[int], AbstractContextManager[None]]:
        return lambda place: nullcontext()

    async def step(self, call: StepCall) -> JSON:
        """As the engine does, but the waits between attempts take no time."""
        self.check()
        place, attempt = current_step.set(_Step(call, 1)), 1
        try:
            while True:
                try:
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

    def config(self, key: str) -> tuple[bool, Any]:
        self.record("config", key, {"present": key in self.configs})
        return key in self.configs, self.configs.get(key)

    async def secret(self, name: str) -> str:
        self.check()
        if name not in self.secrets:
            raise ConfigurationError(f'There is no secret "{name}"', config_key=name)
        return self.secrets[name]

    async def service(self, name: str, data: dict[str, JSON]) -> JSON:
        """Notes that it was asked for."""
        self.record(name, "", data)
        return None

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> JSON:
        """As the engine does: the result comes back as JSON, a failure as what its document tells of it."""
        self.check()
        if workflow not in self.workflows:
            raise LookupError(f'The test gave no workflow "{workflow}": context(workflows={{"{workflow}": ...}})')
        child = self.workflows[workflow]
        try:
            result = child(self._context_of(child), **parameters)
            return exact(await result if inspect.isawaitable(result) else result, "result")
        except Exception as error:
            raise from_document(as_document(error)) from error

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        # In a thread of its own, since the test may run in a loop already.
        with ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(asyncio.run, coroutine).result()

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        self.check()
        return name in self.checkpoints, self.checkpoints.get(name)

    def _context_of(self, child: Child) -> OrganizationContext | BlockingContext:
        plain_function = inspect.isfunction(child) and not inspect.iscoroutinefunction(child)
        return BlockingContext(self) if plain_function else OrganizationContext(self)


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

    def send_signal(self, name: str, body: Any = None) -> None:
        """As somebody outside would, while the workflow runs."""
        self._host.clock.send(name, body)


class BlockingRecordingContext(BlockingContext):
    """The same for plain `def` workflows."""

    _host: MemoryHost

    @property
    def records(self) -> list[Record]:
        return self._host.records


def context(  # noqa: PLR0913 - a test names the two or three that it needs
    org_id: str = "test-org",
    *,
    org_name: str = "Test Organization",
    tenant_id: str | None = None,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    caller: Caller | None = None,
    workflows: Mapping[str, Child] | None = None,
    checkpoints: Mapping[str, Any] | None = None,
    signals: Iterable[tuple[str, Any]] = (),
    now: datetime | None = None,
    before: Iterable[str] = (),
    permissions: Iterable[str] | None = None,
    execution_id: str = "00000000-0000-7000-8000-000000000000",
    workflow_name: str = "test_workflow",
    attempt: int = 1,
) -> RecordingContext:
    """A context to call a workflow with. `workflows` are the children it may run; `checkpoints` what earlier
    attempts saved; `signals` (name and body) what waits in the inbox; `before` the changes that this run came by
    before they were made (`context.patched`); `permissions` what the caller may do, everything unless given.

    Time is virtual: it begins `now`, and a wait for a day takes no time.
    """
    return RecordingContext(
        MemoryHost(
            organization=OrganizationFacts(org_id, org_name, tenant_id),
            caller=caller or Caller("test-user", "test@example.com", "Test User"),
            configs=dict(config or {}),
            secrets=dict(secrets or {}),
            workflows=dict(workflows or {}),
            checkpoints=dict(checkpoints or {}),
            execution_id=execution_id,
            workflow_name=workflow_name,
            attempt=attempt,
            clock=VirtualClock(now or datetime.now(UTC), signals),
            before=frozenset(before),
            permissions=None if permissions is None else frozenset(permissions),
        )
    )


def blocking_context(org_id: str = "test-org", **arguments: Any) -> BlockingRecordingContext:
    """The same for a plain `def` workflow; takes what `context` takes."""
    return BlockingRecordingContext(context(org_id, **arguments)._host)
