"""Today's code against a recorded history, without doing, writing or asking for anything.

The run is the engine's, and so are the operations that match what the code asks for with the journal; the engine
below them is a stand-in. What the journal does not hold is not done: it waits, and where nothing but such is left, the
code has come to the journal's end in its order. Secrets are placeholders, which stand for themselves in no digest.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from bifrost.sdk.connection import OAuthCredentials
from bifrost.sdk.errors import WorkflowException
from bifrost.sdk.http.client import ServiceClient
from bifrost.sdk.http.service import Credentials, Make, Service
from integrations.configs import ConfigSnapshot
from workflows_app.engine import runner
from workflows_app.engine.calling import RunCalls
from workflows_app.engine.facts import Facts, Stretch
from workflows_app.engine.history import STOP, History, Key, Line, Sent
from workflows_app.engine.operations import Operation, Operations
from workflows_app.engine.resting import is_at_rest
from workflows_app.engine.run import Run
from workflows_app.engine.runner import Outcome
from workflows_app.engine.stand_in import StandIn
from workflows_app.engine.start import secret_values
from workflows_app.engine.waits import Waits

T = TypeVar("T")

LOOK_AGAIN_SECONDS = 0.02
LEAVE_SECONDS = 1.0
NO_LIMIT_SECONDS = 1_000_000.0  # the replay has a limit of its own


@dataclass(frozen=True, slots=True)
class Recorded:
    """An execution's last attempt, as its journal tells it.

    `redacted_from`: the number of the first line of which a value is known only redacted, 0 where the input is; None
    where all are exact. `sealed_from`: that of the first one whose exact value is encrypted. `status` and `error` are
    the record's.
    """

    facts: Facts
    history: History
    status: str
    error: dict[str, Any] | None
    config: ConfigSnapshot
    redacted_from: int | None = None
    sealed_from: int | None = None


class ReplayRun(Run):
    """A run that does nothing but ask for what is recorded."""

    operations: ReplayOperations
    signs_in = False

    def __init__(self, recorded: Recorded, engine: StandIn, rested: Callable[[], None]) -> None:
        history = recorded.history
        super().__init__(recorded.facts, engine.as_engine, recorded.config, Stretch(), history)
        self.secrets_asked = False
        self.known = frozenset(
            key
            for container in (history.places.values(), history.ended, history.begun, history.cancelled, history.reused)
            for key in container
            if key.kind != STOP
        )
        self.operations = ReplayOperations(self, recorded)
        self.waits = ReplayWaits(self, history.unread(), rested)
        for value in secret_values(recorded.facts.loaded, recorded.facts.parameters):
            self.scrubber.add(value)

    async def secret(self, name: str, previous: bool = False) -> str:
        self.check()
        return self._secret_now(f"{name} (previous)" if previous else name)

    async def token(self, integration: str, credentials: tuple[str, ...], make: Make, refused: str | None) -> str:
        return self._secret_now(f"token of {integration}")

    def http(self, service: Service, credentials: Credentials | None) -> ServiceClient:
        """What it changed is recorded as steps; what it reads nobody knows any more."""
        return ServiceClient(service, RunCalls(self), NothingGoesOut())

    async def read_file(self, file_id: str) -> bytes:
        raise not_recorded("A replay reads no file")

    async def connection(self, name: str) -> OAuthCredentials:
        self.check()
        return OAuthCredentials(name, self._secret_now(f"connection {name}"))

    def _secret_now(self, name: str) -> str:
        self.secrets_asked = True
        return self._keep_secret(name, f"secret-{name}-of-a-replay")


class NothingGoesOut(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise not_recorded(f"A replay asks no outside service: {request.method} {request.url.path}")


def not_recorded(what: str) -> WorkflowException:
    return WorkflowException(
        f"{what}, and this was not recorded. What decides which way the code goes belongs into a step.",
        error_type="NotRecorded",
    )


class ReplayOperations(Operations):
    """Those that the journal holds; any other one waits for ever."""

    def __init__(self, run: ReplayRun, recorded: Recorded) -> None:
        super().__init__(run, recorded.history)
        self.live: list[Operation] = []
        self.not_compared: list[Key] = []
        self._replay = run
        self._recorded = recorded

    @property
    def asked_for(self) -> frozenset[Key]:
        return frozenset(self._asked)

    async def recorded(self, operation: Operation) -> bool:
        if await super().recorded(operation):
            return True
        never: asyncio.Future[None] = self._loop.create_future()
        self.live.append(operation)
        self.hold(never, operation)
        try:
            await never
        finally:
            self.let_go(never)
            self.live.remove(operation)
        raise AssertionError("Nobody ends it.")

    def _compare(self, operation: Operation) -> None:
        """Arguments that may come from a value which a replay does not have count as those that were recorded."""
        line = self.history.ended.get(operation.key) or self.history.reused.get(operation.key)
        if line is not None and line.data.get("digest") != operation.digest and self._may_lack_values(line):
            self.not_compared.append(operation.key)
            operation.digest = str(line.data.get("digest"))
        super()._compare(operation)

    def _may_lack_values(self, line: Line) -> bool:
        """A sealed value may hold a secret, which is told from the rest only by who has read it."""
        lacking = self._recorded.redacted_from
        if lacking is None and self._replay.secrets_asked:
            lacking = self._recorded.sealed_from
        return lacking is not None and line.seq > lacking


class ReplayWaits(Waits):
    """Nothing is waited for: what the journal does not hold is not begun."""

    def __init__(self, run: Run, sent: deque[Sent], rested: Callable[[], None]) -> None:
        super().__init__(run, sent)
        self._rested = rested

    def consider(self) -> None:
        if self._run.detached or self._run.operations.replaying:
            super().consider()
        elif is_at_rest(self._run):
            self._rested()
        else:  # it computes, or sleeps a little
            self._look_in(LOOK_AGAIN_SECONDS)


async def played(
    recorded: Recorded, engine: StandIn, seconds: float, judge: Callable[[ReplayRun, Outcome | None], T]
) -> T:
    """What the judge says of the run and of what came out of its code; None: it rests behind the journal's end.

    Raises TimeoutError where neither happens in time. Call on the stand-in's loop.
    """
    over: asyncio.Future[Outcome | None] = engine.loop.create_future()

    def end(outcome: Outcome | None) -> None:
        if not over.done():
            over.set_result(outcome)

    run = ReplayRun(recorded, engine, lambda: end(None))
    runner.launch(run, NO_LIMIT_SECONDS, lambda _run, outcome: end(outcome))
    run.operations.pump()  # its code may rest without having asked for anything
    try:
        async with asyncio.timeout(seconds):
            return judge(run, await over)
    finally:
        await _leave(run)


async def _leave(run: ReplayRun) -> None:
    """As a run that is put aside is left: its code hears of it, and undoes nothing."""
    run.detach()
    run.drop()
    if run.tasks:
        await asyncio.wait(list(run.tasks), timeout=LEAVE_SECONDS)
