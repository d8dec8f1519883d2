"""What the context of a data provider may ask for: the organization's configs, secrets and services, and nothing that
only an execution has."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.documents import exact
from bifrost.sdk.durable import Wait
from bifrost.sdk.errors import ConfigurationError, Detached
from bifrost.sdk.questions import Asked
from bifrost.sdk.sanitizing import cut, redact_keys
from bifrost.sdk.steps import StepCall, StepInfo, current_step
from bifrost.sdk.tolerant import JSON
from orgs.records import Actor, OrganizationRecord
from workflows_app.catalog import LoadedDataProvider
from workflows_app.engine import platform
from workflows_app.engine.connectedness import Connectedness
from workflows_app.engine.outside import OUTSIDE
from workflows_app.providers.questions import Question

if TYPE_CHECKING:
    from workflows_app.engine.facts import Facts
    from workflows_app.engine.run import Run
    from workflows_app.providers.running import Runner

T = TypeVar("T")

NOBODY = Actor("system", "system", "", "Data provider", frozenset())
# What it may ask of the platform: what spares outside services. Nothing that somebody would be told of.
SERVICES = frozenset({"rate_limit", "circuit_enter", "circuit_leave"})
NOTED = frozenset({"integration_call", "secret", "connection"})
MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """In the place of an execution's: whoever asks, the options are the same."""

    organization: OrganizationRecord
    loaded: LoadedDataProvider
    actor: Actor = NOBODY

    @property
    def id(self) -> str:
        return f"data provider {self.loaded.spec.name}"


class ProviderHost(Connectedness):
    """The SDK's Host of one computation. For what the organization is connected to, it stands in for a `Run`."""

    attempt = 1
    dry_run = False
    execution_id = ""
    # Of a plain function's thread.
    compensating = 0
    still_running = False

    def __init__(self, question: Question, runner: Runner) -> None:
        super().__init__(question.config)
        self.facts = ProviderFacts(question.organization, question.loaded)
        self.engine = runner
        self.lines: list[dict[str, JSON]] = []
        self.detached = False
        self.waiting_threads: set[int] = set()

    @property
    def organization(self) -> OrganizationFacts:
        organization = self.facts.organization
        return OrganizationFacts(organization.org_id, organization.name, organization.tenant_id or None)

    @property
    def caller(self) -> Caller:
        return Caller(NOBODY.id, NOBODY.email, NOBODY.name)

    @property
    def workflow_name(self) -> str:
        return self.facts.loaded.spec.name

    def check(self) -> None:
        if self.detached:
            raise Detached(f"Nobody waits for the {self.facts.id} any more.")

    def record(self, kind: str, name: str, data: JSON) -> None:
        """Keeps the last lines that it logs, for the provider's health. What it asks outside is not recorded."""
        self.check()
        if kind == "log":
            self.lines = [*self.lines, {"level": name, **self.clean(data)}][-MOST_LINES:]
        elif kind not in NOTED:
            _only_in_a_workflow(f"a {kind}")

    @property
    def logged_error(self) -> dict[str, JSON] | None:
        """The last error that it has logged."""
        return next((line for line in reversed(self.lines) if line["level"] == "error"), None)

    def clean(self, value: JSON) -> JSON:
        """The value as staff may see it: redacted, and without any secret that was read."""
        return cut(self.scrubber.scrub(redact_keys(value)))

    def value(self, kind: str, name: str, make: Callable[[], JSON], *, seals: bool = False) -> JSON:
        self.check()
        return make()

    def patched(self, change: str) -> bool:
        return True

    def permitted(self, name: str) -> bool:
        return False

    def last_checkpoint(self, name: str) -> tuple[bool, Any]:
        return False, None

    async def step(self, call: StepCall) -> JSON:
        """Only for what the context itself makes a step, such as a request to a service: it is done, and not kept."""
        self.check()
        if not call.implicit and call.function != self.service:
            _only_in_a_workflow(f'the step "{call.name}"')
        place = current_step.set(_Step(StepInfo(call.name, 1, f"{self.facts.id} {call.name}")))
        try:
            given = call.function(*call.args, **call.kwargs)
            return exact(await given if inspect.isawaitable(given) else given, f"result of {call.name!r}")
        finally:
            current_step.reset(place)

    async def service(self, name: str, data: dict[str, JSON]) -> JSON:
        self.check()
        if name in OUTSIDE:
            return await OUTSIDE[name](cast("Run", self), self.facts.id, data)
        if name not in SERVICES:
            _only_in_a_workflow(name.replace("_", " "))
        asking = platform.Asking(cast("Facts", self.facts), self.facts.id)
        return await self.engine.in_database_thread(platform.perform, name, asking, data)

    def run_blocking(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """For a plain function, in its thread."""
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

    # --- what only an execution has ------------------------------------------------------------------------------

    def progress(self, done: float, total: float, message: str) -> None:
        _only_in_a_workflow("progress")

    def complete_with_errors(self, failed: list[JSON]) -> None:
        _only_in_a_workflow("complete_with_errors")

    def compensation(self) -> AbstractContextManager[Callable[[str, bool], None]]:
        _only_in_a_workflow("a saga")

    def branches(self, name: str) -> Callable[[int], AbstractContextManager[None]]:
        _only_in_a_workflow("map")

    async def wait(self, wait: Wait) -> dict[str, Any]:
        """A pause within the time of the provider is one; everything else would outlive it."""
        self.check()
        if wait.kind != "timer" or wait.seconds is None:
            _only_in_a_workflow(f"a wait for a {wait.kind}")
        await asyncio.sleep(wait.seconds)
        return {"timedOut": True}

    async def ask(self, asked: Asked) -> dict[str, Any]:
        _only_in_a_workflow("an approval")

    async def save_file(self, name: str, content_type: str | None, content: bytes) -> JSON:
        _only_in_a_workflow("save_file()")

    async def read_file(self, file_id: str) -> bytes:
        _only_in_a_workflow("read_file()")

    async def run_child(self, workflow: str, parameters: dict[str, Any]) -> JSON:
        _only_in_a_workflow("another workflow")

    async def start_child(self, workflow: str, parameters: dict[str, Any], parent_close: str) -> str:
        _only_in_a_workflow("another workflow")

    async def child_result(self, workflow: str, execution_id: str) -> JSON:
        _only_in_a_workflow("another workflow")

    async def continue_as_new(self, parameters: dict[str, Any]) -> NoReturn:
        _only_in_a_workflow("continue_as_new")


@dataclass(frozen=True, slots=True)
class _Step:
    info: StepInfo

    def heartbeat(self, details: JSON) -> None:
        """Nobody waits for it."""

    def last_heartbeat(self) -> JSON:
        return None


def _only_in_a_workflow(what: str) -> NoReturn:
    raise ConfigurationError(f"A data provider has no execution: {what} is for workflows alone.")
