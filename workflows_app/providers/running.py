"""Runs data providers: so many at once, so many of one organization, and each for so long.

They have a loop of their own, so that one which blocks it harms no execution. Where it is blocked, it is given up and
another one takes its place.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
import uvloop
from django.conf import settings

from bifrost.sdk.blocking import BlockingContext
from bifrost.sdk.context import OrganizationContext
from integrations.client import close_connections
from orgs.tenancy import guard_thread
from workflows_app import catalog
from workflows_app.engine.current import current_run
from workflows_app.engine.database import DatabaseThreads
from workflows_app.engine.limits import Limits
from workflows_app.engine.threads import StopRequested, in_thread, interrupt
from workflows_app.providers.host import ProviderHost

if TYPE_CHECKING:
    from workflows_app.engine.run import Run
    from workflows_app.providers.questions import Question

T = TypeVar("T")
log = structlog.get_logger(__name__)

DATABASE_THREADS = 2
ANSWER_SECONDS = 0.5  # within which a loop that is not blocked says so
MOST_LEAKED = 8


class TooSlow(Exception):
    """A data provider did not end within its time."""


class WornOut(Exception):
    """Too much of this process is held by data providers that never ended."""


class Runner:
    """A loop in a thread of its own, with the threads that its coroutines may have the database asked in."""

    def __init__(self) -> None:
        self.limits = Limits.from_settings()
        self.loop = uvloop.new_event_loop()
        self._seconds = float(settings.PROVIDERS["seconds"])
        self._places = asyncio.Semaphore(settings.PROVIDERS["at_once"])
        self._of_one: WeakValueDictionary[UUID, asyncio.Semaphore] = WeakValueDictionary()
        self._secret_configs: dict[str, set[str]] = {}
        self._leaked: list[threading.Thread] = []
        self._database = DatabaseThreads(DATABASE_THREADS)
        self.thread = threading.Thread(target=self._run_loop, name="data-providers", daemon=True)
        self.thread.start()

    def start(self, question: Question, done: Callable[[ProviderHost, Any, Exception | None], None]) -> None:
        """Computes the options. `done` is called in a thread that may use the database, with what came of it.

        Raises RuntimeError where the loop has ended.
        """
        answer = self._answer(question, done)
        try:
            asyncio.run_coroutine_threadsafe(answer, self.loop)
        except RuntimeError:
            answer.close()
            raise

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        return self._database.submit(function, *arguments)

    def close(self) -> None:
        """Takes no more. What is under way is cancelled, once its loop comes to it."""
        self._database.close()
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.loop.stop)

    def is_blocked(self) -> bool:
        """Asks the loop for a sign of life, and waits for it. Not on the loop."""
        alive = threading.Event()
        try:
            self.loop.call_soon_threadsafe(alive.set)
        except RuntimeError:
            return True
        return not alive.wait(ANSWER_SECONDS)

    # --- what a host asks of it, as of an engine ------------------------------------------------------------------

    async def in_database_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.wrap_future(self._database.submit(function, *arguments))

    def remember_secret_config(self, code_version: str, key: str) -> None:
        self._secret_configs.setdefault(code_version, set()).add(key)

    def thread_leaked(self, thread: threading.Thread) -> None:
        log.warning("a data provider does not leave its thread", thread=thread.name)
        self._leaked = [leaked for leaked in self._leaked if leaked.is_alive()] + [thread]

    # ---------------------------------------------------------------------------------------------------------------

    def _run_loop(self) -> None:
        guard_thread()
        asyncio.set_event_loop(self.loop)
        with suppress(StopRequested):  # it came too late for the one that blocked
            self.loop.run_forever()
        self.loop.run_until_complete(self._leave())
        self.loop.close()

    async def _leave(self) -> None:
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=ANSWER_SECONDS)
        await close_connections()

    async def _answer(self, question: Question, done: Callable[[ProviderHost, Any, Exception | None], None]) -> None:
        host, given, error = ProviderHost(question, self), None, None
        current_run.set(cast("Run", host))  # so that what it logs and prints is scrubbed
        with catalog.lease(question.loaded):
            try:
                given = await self._in_time(question, host)
            except GeneratorExit:
                # Collected as garbage, in the midst of anything, with whatever locks its thread holds at that moment.
                raise
            except BaseException as raised:  # noqa: BLE001  whatever it raises is its own, SystemExit too
                error = raised if isinstance(raised, Exception) else RuntimeError(f"raised {type(raised).__name__}")
        host.detached = True
        with suppress(RuntimeError):  # it was closed
            self._database.submit(done, host, given, error)

    async def _in_time(self, question: Question, host: ProviderHost) -> Any:
        """What the function gave. Its time begins when it is asked for, not when there is a place for it."""
        organization = question.organization.id
        own = self._of_one.setdefault(organization, asyncio.Semaphore(settings.PROVIDERS["of_one"]))
        try:
            async with asyncio.timeout(self._seconds) as limit, own, self._places:
                return await self._called(question, host)
        except TimeoutError:
            if limit.expired():
                raise TooSlow from None
            raise

    async def _called(self, question: Question, host: ProviderHost) -> Any:
        spec, version = question.loaded.spec, question.loaded.code_version
        if keys := tuple(self._secret_configs.get(version, ())):
            await self.in_database_thread(host.fetch_secret_configs, keys)
        arguments = spec.arguments(question.inputs)
        if spec.is_async:
            return await spec.function(OrganizationContext(host), **arguments)
        if sum(thread.is_alive() for thread in self._leaked) >= MOST_LEAKED:
            raise WornOut
        given = await in_thread(cast("Run", host), partial(spec.function, BlockingContext(host), **arguments))
        return await given if inspect.isawaitable(given) else given


_lock = threading.Lock()
_current: Runner | None = None
_blocked: list[Runner] = []


def runner() -> Runner:
    """This process's, started on first use, and anew after a fork. Raises WornOut."""
    global _current  # noqa: PLW0603  one for each process
    with _lock:
        if _current is None or not _current.thread.is_alive():
            _blocked[:] = [blocked for blocked in _blocked if blocked.thread.is_alive()]
            if len(_blocked) >= MOST_LEAKED:
                raise WornOut
            _current = Runner()
        return _current


def give_up_if_blocked(given_up: Runner) -> bool:
    """Somebody waited in vain. Where its loop is blocked, another takes its place; it ends when it comes back.

    Whether that is so, by this call.
    """
    global _current  # noqa: PLW0603
    if not given_up.is_blocked():
        return False
    with _lock:
        if _current is not given_up:
            return False
        _current = None
        _blocked.append(given_up)
    log.error("a data provider blocks its loop, which is given up")
    interrupt(given_up.thread)
    given_up.close()
    return True


def stop() -> None:
    """Gives the loop and its connections back; the next question starts afresh."""
    global _current
    with _lock:
        stopped, _current = _current, None
    if stopped is not None:
        stopped.close()
        stopped.thread.join(ANSWER_SECONDS)
