"""Steps of a run: done once, tried by their policy, recorded with what they were given and what came of them."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from contextvars import Token
from functools import partial
from typing import TYPE_CHECKING, Any

from bifrost.sdk.auditing import shown_arguments
from bifrost.sdk.documents import exact, plain, size
from bifrost.sdk.errors import StepFailed, TooLarge, WorkflowException, as_document, from_document
from bifrost.sdk.errors import TimeoutError as WorkflowTimeout
from bifrost.sdk.steps import StepCall, StepInfo, current_step
from integrations.sealing import seal
from workflows_app.engine.auditing import audit_step
from workflows_app.engine.operations import Operation, Outcome
from workflows_app.engine.position import Position, position
from workflows_app.engine.protection import Protection, ask_with_vault
from workflows_app.engine.threads import in_thread
from workflows_app.metrics.noticing import step_of_type

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

NOTED_SECONDS = 0.2  # a step that takes longer is in the journal before it ends
TOUCH_SECONDS = 0.5


async def run_step(run: Run, call: StepCall) -> Any:
    """What the step gave, or what it failed with, now or when it was first done."""
    with run.operations.asked("step", call.name, digest_of(run, call), implicit=call.implicit) as operation:
        if not await run.operations.recorded(operation):
            operation.heard = step_of_type(call.activity_type or call.name)
            await _do(run, operation, call)
        return told(await operation.outcome, call.name)


def told(outcome: Outcome, name: str) -> Any:
    """The value of an outcome; raises its error."""
    if outcome["state"] == "done":
        return outcome.get("value")
    document = outcome["error"]
    if "raised" in document:
        raise StepFailed(name, document["raised"], document["message"])
    raise from_document(document)


def digest_of(run: Run, call: StepCall) -> str:
    """Stands for the arguments. Secrets enter as such, not by value; what is no JSON by its type."""
    text = _DIGESTED.encode([call.args, dict(call.kwargs)])
    return hashlib.sha256(str(run.scrubber.scrub(text)).encode()).hexdigest()[:16]


def _comparable(value: object) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    shown = plain(value)
    kind = type(value).__qualname__
    return f"<{kind}>" if isinstance(shown, str) and shown.startswith("<") else f"{kind} {shown}"


_DIGESTED = json.JSONEncoder(default=_comparable, sort_keys=True, skipkeys=True)


async def _do(run: Run, operation: Operation, call: StepCall) -> None:
    """Tries it by its policy until it is done or has failed for good, and journals that."""
    policy, tried = call.options.retry_policy, [line.data for line in run.operations.begun(operation)]
    failures = [data for data in tried if data["state"] == "retrying"]
    attempt = len(failures) + 1
    if failures:
        await run.waits.pause(operation, failures[-1]["until"])
    running = RunningStep(run, operation, call, [data["heartbeat"] for data in tried if "heartbeat" in data])
    protection = Protection(run, operation, call.options, tried)
    while True:
        running.begin(attempt)
        try:
            value, sealed = await _value_of(run, call, await _protected(run, running, call, protection))
        except Exception as error:  # noqa: BLE001  it becomes the step's
            document = _document(run, error)
            facts = {"error": document, **_facts(running)}
            if policy is None or not policy.allows(attempt, document.get("raised") or document["error"]):
                run.operations.end(operation, "failed", **facts)
                return
            delay = policy.delay(attempt)
            run.operations.note(operation, "retrying", until=time.time() + delay, **facts)
            await run.waits.pause(operation, time.time() + delay)
            attempt += 1
        else:
            if call.options.audit:
                await audit_step(run, operation, call)
            run.operations.end(operation, "done", sealed, value=value, **_facts(running))
            return


async def _value_of(run: Run, call: StepCall, given: Any) -> tuple[Any, bytes | None]:
    """The value as JSON, and encrypted where the journal must not show it."""
    value = exact(given, f"result of the step {call.name!r}")
    if (length := size(value)) > run.engine.limits.max_value_bytes:
        raise TooLarge(
            f"The result of the step {call.name!r} has {length:,} bytes; the limit is"
            f" {run.engine.limits.max_value_bytes:,}."
        )
    return value, await sealed_where_shown_otherwise(run, value)


async def sealed_where_shown_otherwise(run: Run, value: Any) -> bytes | None:
    """The value encrypted, where the journal does not show it as it is. Waits for the vault."""
    if run.clean(value) == value:
        return None
    return await ask_with_vault(run, partial(seal, run.facts.organization, value))


async def _protected(run: Run, running: RunningStep, call: StepCall, protection: Protection) -> Any:
    """An attempt, once permits and circuits let it through; they hear what came of it."""
    admission = await protection.enter()
    try:
        value = await _attempt(run, running, call)
    except Exception as error:
        await protection.left(admission, error, time.monotonic() - running.began)
        raise
    await protection.left(admission, None, time.monotonic() - running.began)
    return value


async def _attempt(run: Run, running: RunningStep, call: StepCall) -> Any:
    await _in_touch(run)
    running.start()
    tokens = current_step.set(running), position.set(running.place())
    run.operations.busy += 1
    try:
        async with asyncio.timeout(None) as running.limit:
            running.limit_again()
            if call.is_async:
                return await call.function(*call.args, **call.kwargs)
            value = await in_thread(run, partial(call.function, *call.args, **call.kwargs))
            return await value if inspect.isawaitable(value) else value
    except TimeoutError as error:
        if running.limit.expired():
            raise running.out_of_time() from None
        raise error
    finally:
        run.operations.busy -= 1
        running.over()
        _reset(*tokens)


def _reset(step: Token[Any], place: Token[Position]) -> None:
    current_step.reset(step)
    position.reset(place)


async def _in_touch(run: Run) -> None:
    """No step begins in a process that may have been declared dead (engine.md, section 4)."""
    limits = run.engine.limits
    while time.monotonic() - run.engine.acknowledged > limits.no_new_step_after_seconds:
        await asyncio.sleep(TOUCH_SECONDS)


def _facts(running: RunningStep) -> dict[str, Any]:
    milliseconds = round((time.monotonic() - running.began) * 1000)
    return {"arguments": running.arguments, "attempt": running.info.attempt, "durationMs": milliseconds}


def _document(run: Run, error: Exception) -> dict[str, Any]:
    """What is recorded of a failure, and told to the code now and whenever it runs again."""
    document: dict[str, Any] = as_document(error)
    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, WorkflowException | TimeoutError):
        document = {**document, "raised": type(error).__name__, "message": str(plain(str(error)))[:1000]}
    cleaned: dict[str, Any] = run.clean({**document, "traceback": trace[-4000:]})
    return cleaned


class RunningStep:
    """The step whose code runs: what it may ask for, and what bounds it."""

    def __init__(self, run: Run, operation: Operation, call: StepCall, heartbeats: list[Any]) -> None:
        self._run = run
        self._operation = operation
        self._options = call.options
        self._name = call.name
        self._heartbeats = heartbeats
        self._ends_at: float | None = None
        self._noted: asyncio.TimerHandle | None = None
        self.limit: asyncio.Timeout
        key = operation.key
        self._key = call.options.idempotency_key or f"{run.facts.id}:{key.path}:{key.name}:{key.number}"
        self.arguments = shown_arguments(call)
        self.info = StepInfo(call.name, 1, self._key)
        self.began = time.monotonic()

    def begin(self, attempt: int) -> None:
        self.info = StepInfo(self._name, attempt, self._key)
        self.began = time.monotonic()

    def start(self) -> None:
        """From now on its time counts."""
        self.began = time.monotonic()
        limit = self._options.start_to_close_timeout
        loop = self._run.engine.loop
        self._ends_at = None if limit is None else loop.time() + limit
        self._noted = loop.call_later(NOTED_SECONDS, self._note)

    def place(self) -> Position:
        """Where its code is: what it counts does not count among the workflow's."""
        key = self._operation.key
        return Position(key.path).within(f"{key.name}.{key.number}.{self.info.attempt}")

    def over(self) -> None:
        if self._noted is not None:
            self._noted.cancel()

    def limit_again(self) -> None:
        """Until when it may go on, counted from now."""
        beat = self._options.heartbeat_timeout
        times = [] if beat is None else [self._run.engine.loop.time() + beat]
        times += [] if self._ends_at is None else [self._ends_at]
        self.limit.reschedule(min(times) if times else None)

    def out_of_time(self) -> WorkflowTimeout:
        # By the deadline that was set, not by the clock: a timer may be early by a moment.
        whole = self._ends_at is not None and (self.limit.when() or 0.0) >= self._ends_at
        seconds = self._options.start_to_close_timeout if whole else self._options.heartbeat_timeout
        what = "exceeded its timeout of" if whole else "gave no heartbeat for"
        return WorkflowTimeout(
            f"The step {self._name!r} {what} {seconds:g} seconds", timeout_seconds=seconds, operation=self._name
        )

    def heartbeat(self, details: Any) -> None:
        """From the loop, or from the thread of a plain function."""
        self._heartbeats.append(details)
        self._run.engine.loop.call_soon_threadsafe(self._beat, details)

    def last_heartbeat(self) -> Any:
        return self._heartbeats[-1] if self._heartbeats else None

    def _beat(self, details: Any) -> None:
        if self._operation.outcome.done() or self._run.detached:
            return
        with suppress(RuntimeError):  # its time is over already
            self.limit_again()
        with suppress(TooLarge):
            self._run.operations.note(self._operation, "alive", heartbeat=details, attempt=self.info.attempt)

    def _note(self) -> None:
        if not self._run.detached:
            with suppress(TooLarge):
                self._run.operations.note(
                    self._operation, "started", arguments=self.arguments, attempt=self.info.attempt
                )
