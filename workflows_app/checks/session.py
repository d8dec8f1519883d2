"""One submission's checks: they run in a thread with a loop of its own, and what they ask for is answered by the thread
that waits for them. So authors' code never touches a connection of the database, and can hold up nobody else.
"""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from bifrost.sdk.caller import Caller, OrganizationFacts
from bifrost.sdk.checking import CheckContext, CheckSpec
from bifrost.sdk.errors import ConfigurationError
from bifrost.sdk.tolerant import JSON, plain
from integrations import configs
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import guard_thread
from workflows_app import catalog
from workflows_app.catalog import LoadedWorkflow
from workflows_app.engine.threads import StopRequested, interrupt
from workflows_app.errors import PlatformUnavailable
from workflows_app.providers.asking import options_of

log = structlog.get_logger(__name__)

LIMIT_SECONDS = 10.0
GRACE_SECONDS = 0.5  # in which those that are stopped may leave by themselves
LONGEST_MESSAGE = 500
MOST_AT_ONCE = 32
NOT_CHECKED = "This could not be checked: try again, or tell whoever looks after this form."

# Code that never comes back keeps its place, so that it cannot fill the process with threads.
_places = threading.BoundedSemaphore(MOST_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check has said; "" where it is content. `failed`: it could not say anything."""

    message: str = ""
    failed: bool = False


class Session:
    """Is a check's host (`bifrost.sdk.checking.CheckHost`)."""

    def __init__(self, organization: OrganizationRecord, actor: Actor, loaded: LoadedWorkflow) -> None:
        self.organization = OrganizationFacts(organization.org_id, organization.name, organization.tenant_id or None)
        self.caller = Caller(actor.id, actor.email, actor.name)
        self._record = organization
        self._loaded = loaded
        self._asked: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        self._snapshot: configs.ConfigSnapshot | None = None

    def answers(self, arguments: Mapping[str, Any]) -> list[Answer]:
        """What each check of the workflow says. Raises PlatformUnavailable where too many are under way."""
        checks = self._loaded.spec.checks
        if not _places.acquire(blocking=False):
            raise PlatformUnavailable("Too many checks are under way; try again in a moment.")
        found: list[Answer | None] = [None] * len(checks)
        thread = threading.Thread(target=self._work, args=(arguments, found), name="checks", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            _places.release()
            raise
        if not self._serve(time.monotonic() + LIMIT_SECONDS + GRACE_SECONDS):
            interrupt(thread)
        for check, answer in zip(checks, found, strict=True):
            if answer is None:
                log.error("a check took too long", **self._about(check), seconds=LIMIT_SECONDS)
        return [answer or Answer(NOT_CHECKED, failed=True) for answer in found]

    # --- what a check asks for, in its thread -------------------------------------------------------------------------

    def config(self, key: str) -> tuple[bool, Any]:
        found: tuple[bool, Any] = self._ask(lambda: self._config(key)).result(LIMIT_SECONDS)
        return found

    async def options(self, provider: str, inputs: Mapping[str, JSON]) -> list[dict[str, JSON]]:
        found = await asyncio.wrap_future(self._ask(lambda: options_of(self._record, provider, inputs).options))
        return [asdict(option) for option in found]

    def _ask(self, function: Callable[[], Any]) -> Future[Any]:
        question = _Question(function)
        self._asked.put(question)
        return question.answer

    def _config(self, key: str) -> tuple[bool, Any]:
        """In the caller's thread. All that one submission asks for is of one moment."""
        if self._snapshot is None:
            self._snapshot = configs.snapshot(self._record)
        present, value = configs.resolve(self._snapshot, key)
        if isinstance(value, configs.SecretReference):
            raise ConfigurationError(f'A check cannot read the config "{key}": it is a secret.', config_key=key)
        return present, value

    # --- the two threads ----------------------------------------------------------------------------------------------

    def _serve(self, deadline: float) -> bool:
        """Answers until the checks are through. False: their time is over."""
        while (left := deadline - time.monotonic()) > 0:
            try:
                question = self._asked.get(timeout=left)
            except queue.Empty:
                return False
            if question is None:
                return True
            question.settle()
        return False

    def _work(self, arguments: Mapping[str, Any], found: list[Answer | None]) -> None:
        guard_thread()
        try:
            with catalog.lease(self._loaded):
                asyncio.run(self._all(arguments, found))
        except (TimeoutError, StopRequested):
            pass  # out of time, which the caller says
        finally:
            _places.release()
            self._asked.put(None)

    async def _all(self, arguments: Mapping[str, Any], found: list[Answer | None]) -> None:
        async def one(place: int, check: CheckSpec) -> None:
            found[place] = await self._one(check, {name: arguments.get(name) for name in check.takes})

        async with asyncio.timeout(LIMIT_SECONDS):
            await asyncio.gather(*(one(place, check) for place, check in enumerate(self._loaded.spec.checks)))

    async def _one(self, check: CheckSpec, arguments: Mapping[str, Any]) -> Answer:
        try:
            said = check.function(CheckContext(self), **deepcopy(arguments))
            said = await said if inspect.isawaitable(said) else said
            if said is None or said is True:
                return Answer()
            if isinstance(said, str) and said.strip():
                return Answer(str(plain(said.strip()))[:LONGEST_MESSAGE])
            raise TypeError(f"A check answers None, True or a sentence, not {said!r}.")
        except Exception as error:
            log.exception("a check failed", **self._about(check), error=type(error).__name__)
            return Answer(NOT_CHECKED, failed=True)

    def _about(self, check: CheckSpec) -> dict[str, str]:
        return {"check": check.name, "workflow": self._loaded.spec.name, "org_id": self._record.org_id}


@dataclass(slots=True)
class _Question:
    function: Callable[[], Any]
    answer: Future[Any] = field(default_factory=Future)

    def settle(self) -> None:
        if not self.answer.set_running_or_notify_cancel():
            return  # the check has gone on without it
        try:
            self.answer.set_result(self.function())
        except Exception as error:  # noqa: BLE001  handed to the check, which asked
            self.answer.set_exception(error)
