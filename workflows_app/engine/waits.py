"""What a run waits for without needing a worker: times, signals, decisions and the ends of children (engine.md, 6)."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bifrost.sdk.durable import Wait
from workflows_app.engine.history import Sent
from workflows_app.engine.operations import Operation, Outcome
from workflows_app.engine.resting import is_at_rest

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

SOON_SECONDS = 1.0  # a shorter wait is not worth the replay
LOOK_SECONDS = 1.0
NEVER = float("inf")
# What is only told: whoever waits for it hears of it, and looks for itself what it is.
NEWS = frozenset({"child_end", "decision"})
# Not its title: the reason lies in the shared schema, and titles name customers.
AN_APPROVAL = "an approval"


@dataclass(slots=True)
class Waiting:
    """An operation that waits for an entry of the inbox, a time, or both. `pause`: it does not end by that; `reason`
    says what it waits for then, where that is not its next attempt."""

    operation: Operation
    wants: tuple[str, str] | None
    due: float
    pause: asyncio.Future[None] | None = None
    reason: str = ""

    def __str__(self) -> str:
        if self.reason:
            return f"{self.reason}, for the {self.operation.key},"
        if self.operation.key.kind == "approval":
            return AN_APPROVAL
        another = self.pause is not None and self.wants is None
        return f"the next attempt of the {self.operation.key}" if another else f"the {self.operation.key}"


class Waits:
    """Those of one run. On the loop, in whole."""

    def __init__(self, run: Run, sent: deque[Sent]) -> None:
        self._run = run
        self._loop = run.engine.loop
        self._waiting: list[Waiting] = []
        self._sent = deque(entry for entry in sent if entry.kind not in NEWS)  # arrived, and nobody has taken it yet
        self._news = {(entry.kind, entry.name) for entry in sent if entry.kind in NEWS}
        self._given: list[tuple[Operation, int]] = []  # numbers of entries that may be on their way to the code
        self._next_look: asyncio.TimerHandle | None = None
        run.operations.idle = self.consider

    async def wait(self, wait: Wait) -> Outcome:
        """What has come of it, now or when the code was first here. Times are seconds from its first beginning."""
        operations = self._run.operations
        with operations.asked(wait.kind, wait.name, "") as operation:
            if await operations.recorded(operation):
                return await operation.outcome
            begun = operations.begun(operation)
            due = begun[0].data["due"] if begun else _due(wait.seconds)
            if not begun:
                operations.note(operation, "started", due=due, **wait.facts)
            wants = (wait.entry, wait.address or wait.name) if wait.entry else None
            waiting = Waiting(operation, wants, NEVER if due is None else due)
            self._waiting.append(waiting)
            operations.pump()
            try:
                return await operation.outcome
            finally:
                self._gone(waiting)

    async def pause(self, operation: Operation, until: float, reason: str = "") -> None:
        """Until this time, in seconds since 1970, within an operation: between two attempts of a step, unless another
        reason is given."""
        await self._within(Waiting(operation, None, until, reason=reason))

    async def news(self, operation: Operation, kind: str, address: str, until: float = NEVER) -> None:
        """Until the inbox has this news, or until this time, within an operation that then looks for itself."""
        if (kind, address) not in self._news:
            await self._within(Waiting(operation, (kind, address), until))

    async def _within(self, waiting: Waiting) -> None:
        waiting.pause = self._loop.create_future()
        self._waiting.append(waiting)
        self._run.operations.hold(waiting.pause, waiting.operation)
        try:
            await waiting.pause
        finally:
            self._run.operations.let_go(waiting.pause)
            self._gone(waiting)

    def receive(self, entry: Sent) -> None:
        """Something has arrived."""
        if entry.kind in NEWS:
            self._news.add((entry.kind, entry.name))
        else:
            self._sent.append(entry)
        self._run.operations.pump()

    def untaken(self) -> list[int]:
        """The numbers of the signals that have arrived and that the code was not given."""
        history = self._run.history
        replayed = (history.ended[key].data for key in history.order)
        return [
            *(entry.number for entry in self._sent if entry.kind == "signal"),
            *(number for _, number in filter(_is_on_its_way, self._given)),
            *(data["inbox"] for data in replayed if "inbox" in data),
        ]

    def _gone(self, waiting: Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    # --- when the run has come to rest -------------------------------------------------------------------------------

    def consider(self) -> None:
        """The run has nothing to do but wait: ends what can end, or puts the run aside."""
        run = self._run
        if run.detached:
            return
        if run.operations.replaying:
            return self._stalled()
        if run.to_cancel is not None and run.stop is not None and run.stop(run.to_cancel):
            return
        if self._end_due() or not self._waiting:
            return
        due = min(waiting.due for waiting in self._waiting)
        seconds = due - time.time()
        if seconds < SOON_SECONDS:
            self._look_in(max(0.0, seconds))
        elif self._may_be_put_aside():
            run.engine.suspend(run, None if due == NEVER else seconds, self._reason(due))
        else:
            self._look_in(min(seconds, LOOK_SECONDS))

    def _may_be_put_aside(self) -> bool:
        """Whether everything that has arrived was read, and nothing else goes on."""
        run = self._run
        has_read = run.inbox >= run.stretch.inbox
        return has_read and run.operations.settled and not run.operations.busy and is_at_rest(run)

    def _end_due(self) -> bool:
        """Ends what is due. Of what takes something from the inbox one alone, and only where nothing else is on its
        way to the code: that might end the wait without it."""
        now = time.time()
        for waiting in list(self._waiting):
            if waiting.wants is not None and waiting.pause is not None:
                if waiting.wants in self._news or waiting.due <= now:
                    self._end(waiting)
                    return True
                continue
            entry = self._entry_for(waiting) if self._run.operations.settled else None
            if entry is not None:
                self._sent.remove(entry)
                self._given = [*filter(_is_on_its_way, self._given), (waiting.operation, entry.number)]
                self._end(waiting, value=entry.data, inbox=entry.number)
                return True
            if waiting.due <= now and not (waiting.wants and self._entry_for(waiting)):
                self._end(waiting, timedOut=True)
        return False

    def _end(self, waiting: Waiting, **data: Any) -> None:
        self._waiting.remove(waiting)
        if waiting.pause is not None:
            if not waiting.pause.done():
                waiting.pause.set_result(None)
        else:
            self._run.operations.end(waiting.operation, "done", **data)

    def _entry_for(self, waiting: Waiting) -> Sent | None:
        if waiting.wants is None:
            return None
        return next((entry for entry in self._sent if (entry.kind, entry.name) == waiting.wants), None)

    def _stalled(self) -> None:
        """The code rests, and the journal goes on otherwise."""
        run = self._run
        if not run.operations.busy and run.tasks and is_at_rest(run):
            if (error := run.operations.unreached()) is not None:
                run.crash(error)
        else:
            self._look_in(LOOK_SECONDS)

    def _look_in(self, seconds: float) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        self._next_look = self._loop.call_later(seconds, self._run.operations.pump)

    def _reason(self, due: float) -> str:
        first, others = self._waiting[0], len(self._waiting) - 1
        more = f" and {others} more" if others else ""
        until = "" if due == NEVER else f" until {datetime.fromtimestamp(due, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return f"waits for {first}{more}{until}"


def _is_on_its_way(given: tuple[Operation, int]) -> bool:
    operation, _ = given
    return not operation.outcome.done() or operation.outcome.cancelled()


def _due(seconds: float | None) -> float | None:
    return None if seconds is None else time.time() + seconds
