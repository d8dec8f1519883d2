"""What an execution must not do twice: steps, waits and children, replayed where its journal holds them.

Each is an operation with a key. What it came to is journaled before the code hears of it, and the code hears of one at
a time: the next outcome is handed over when the run has come to rest after the last. So a run goes on in the order of
its journal, and one that replays it goes on in the same order (engine.md, section 5).
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import Context
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bifrost.sdk.errors import NonDeterminismError
from workflows_app.engine.history import STOP, History, Key, Line
from workflows_app.engine.position import position
from workflows_app.engine.stops import reason_of

if TYPE_CHECKING:
    from workflows_app.engine.run import Run

QUIET_TURNS = 3  # of the loop without a move of the run: none of its tasks is about to move
MOST_TURNS = 200  # then the run never rests, and gets its outcomes all the same


#: What an operation came to: the data of its journal line, exactly.
Outcome = dict[str, Any]


class Operation:
    """One that the code has asked for. `digest` stands for its arguments. `implicit`: it alone does not allow that the
    run is done again after a loss."""

    def __init__(
        self, key: Key, place: int, digest: str, loop: asyncio.AbstractEventLoop, *, implicit: bool = False
    ) -> None:
        self.key = key
        self.implicit = implicit
        self.place = place
        self.digest = digest
        self.outcome: asyncio.Future[Outcome] = loop.create_future()
        self.heard: Callable[[Outcome], None] | None = None  # hears what is noted of it, and its end once durable

    def line(self, state: str, **data: Any) -> dict[str, Any]:
        """The data of a journal line about it."""
        marks = {"implicit": True} if self.implicit else {}
        return {"state": state, "place": self.place, "digest": self.digest, **marks, **data}


class Operations:
    """Those of one run. On the loop, in whole."""

    def __init__(self, run: Run, history: History) -> None:
        self.history = history
        self.idle: Callable[[], None] = lambda: None  # called when the run rests and there is nothing to hand over
        self.busy = 0  # operations whose work is under way here
        self.got_on = False  # one has ended here
        self._run = run
        self._loop = run.engine.loop
        self._open: dict[asyncio.Future[Any], Operation] = {}
        self._asked: dict[Key, Operation] = {}
        self._reused: list[tuple[int, Operation, Outcome]] = []  # by the numbers of their lines
        self._ready: deque[tuple[Operation, Outcome]] = deque()
        self._until: list[asyncio.Future[None]] = []
        self._unsettled = 0
        self._unasked = set(history.places.values())
        self.count = history.explicit()  # of those that are not implicit
        self._context = Context()  # the engine's own callbacks are none of the run's
        self._pumping = False
        self._turns = self._quiet = self._moves = 0

    # --- what the code asks for --------------------------------------------------------------------------------------

    @property
    def replaying(self) -> bool:
        """Whether the journal holds more of this attempt than the code has asked for."""
        return bool(self._unasked or self.history.order)

    @property
    def settled(self) -> bool:
        """Whether every outcome there is was handed over."""
        return not (self._unsettled or self._ready or self._reused or self.history.order)

    def holds(self, awaited: object) -> bool:
        """Whether this future is the outcome of an operation that has not come yet."""
        return awaited in self._open

    def hold(self, awaited: asyncio.Future[Any], operation: Operation) -> None:
        """Another future that the operation's code awaits, and only the engine ends."""
        self._open[awaited] = operation
        self.pump()

    def let_go(self, awaited: asyncio.Future[Any]) -> None:
        self._open.pop(awaited, None)

    @contextmanager
    def asked(self, kind: str, name: str, digest: str, *, implicit: bool = False) -> Iterator[Operation]:
        """The next operation of the calling task. Raises NonDeterminismError, which also ends the run, where the
        journal has another one in its place."""
        self._run.check()
        if self._run.stop_reason is not None and not self._run.compensating:
            raise asyncio.CancelledError
        where = position.get(self._run.position)
        key = Key(where.path[:200], kind, name[:200], where.next(kind, name))
        operation = Operation(key, where.place(), digest, self._loop, implicit=implicit)
        self._compare(operation)
        self._open[operation.outcome] = self._asked[key] = operation
        self.count += not implicit
        try:
            yield operation
        except asyncio.CancelledError:
            self._cancelled(operation)
            raise
        finally:
            self._open.pop(operation.outcome, None)
            self.pump()

    async def recorded(self, operation: Operation) -> bool:
        """Whether the journal has its outcome, which is then handed over in its time. Where it has not, returns once
        everything that the journal has was handed over: until then nothing is done."""
        key = operation.key
        if key in self.history.ended or key in self.history.cancelled:
            self.pump()
            return True
        line = self.history.reused.get(key)
        if line is not None and line.data.get("digest") == operation.digest:
            insort(self._reused, (line.seq, operation, line.data), key=itemgetter(0))
            self.pump()
            return True
        if self.history.order:
            await self._until_live(operation)
        return False

    async def _until_live(self, operation: Operation) -> None:
        waiting: asyncio.Future[None] = self._loop.create_future()
        self._until.append(waiting)
        self.hold(waiting, operation)
        try:
            await waiting
        finally:
            self.let_go(waiting)

    def begun(self, operation: Operation) -> list[Line]:
        """What the journal has of it, where it has begun and not ended."""
        return self.history.begun.get(operation.key, [])

    # --- what has come of it -----------------------------------------------------------------------------------------

    def note(self, operation: Operation, state: str, **data: Any) -> None:
        """A journal line about an operation that has not ended."""
        line = operation.line(state, **data)
        self._run.append(operation.key, line)
        if operation.heard is not None:
            operation.heard(line)

    def end(self, operation: Operation, state: str, exact: bytes | None = None, **data: Any) -> None:
        """Journals what it came to, and hands that over once it is durable. `exact`: its value, encrypted, where
        redaction changes it."""
        line = operation.line(state, **data)
        self._run.append(operation.key, line, exact)
        self.got_on = True
        self._unsettled += 1
        self._run.engine.commit(self._run).add_done_callback(
            lambda done: self._loop.call_soon_threadsafe(self._settle, operation, line, done)
        )

    def _settle(self, operation: Operation, outcome: Outcome, done: Future[Any]) -> None:
        self._unsettled -= 1
        if done.cancelled() or done.exception() is not None:
            self._run.refuse(done)
            return
        if not done.result()[1]:
            return self._run.engine.disown(self._run)
        if operation.heard is not None:
            operation.heard(outcome)
        self._ready.append((operation, outcome))
        self.pump()

    def _cancelled(self, operation: Operation) -> None:
        key = operation.key
        known = key in self.history.ended or key in self.history.cancelled
        if not (self._run.detached or operation.outcome.done() or known):
            self.note(operation, "cancelled")
            self.history.cancelled.add(key)

    # --- handing over ------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Looks for something to hand over once the run rests."""
        if not (self._pumping or self._run.detached):
            self._pumping = True
            self._turns = self._quiet = 0
            self._loop.call_soon(self._turn, context=self._context)

    def _turn(self) -> None:
        """One turn of the loop: hands over one outcome where the run has not moved for some."""
        if self._run.detached:
            return
        self._quiet = self._quiet + 1 if self._moves == self._run.moves else 0
        self._moves = self._run.moves
        self._turns += 1
        if self._quiet < QUIET_TURNS and self._turns < MOST_TURNS:
            self._loop.call_soon(self._turn, context=self._context)
            return
        self._pumping = False
        if self._hand_over():
            self.pump()
        else:
            self.idle()

    def _hand_over(self) -> bool:
        order = self.history.order
        if order and order[0].kind == STOP and not self._reused:
            self._stop()
            return True
        found = self._next()
        if found is None:
            return not order and self._go_live()
        operation, outcome = found
        if not operation.outcome.done():
            operation.outcome.set_result(outcome)
        return True

    def _next(self) -> tuple[Operation, Outcome] | None:
        if self._reused:
            _, operation, outcome = self._reused.pop(0)
            return operation, outcome
        order = self.history.order
        if order:
            asked = self._asked.get(order[0])
            return None if asked is None else (asked, self.history.ended[order.popleft()].data)
        return self._ready.popleft() if self._ready else None

    def _go_live(self) -> bool:
        """Whether something waited for the journal's end, which has come."""
        waiting, self._until = self._until, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
        return bool(waiting)

    def _stop(self) -> None:
        """Stops the run where it was stopped when the journal was written."""
        line = self.history.ended[self.history.order.popleft()]
        if self._run.stop is not None:
            self._run.stop(reason_of(line.data))

    # --- what does not fit -------------------------------------------------------------------------------------------

    def _compare(self, operation: Operation) -> None:
        key = operation.key
        expected = self.history.places.get((key.path, operation.place))
        if expected is not None and expected != key:
            self._refuse(f"The journal has the {expected} where the code now asks for the {key}.")
        line = self.history.ended.get(key)
        if line is not None and line.data.get("digest") != operation.digest:
            self._refuse(f"The {key} was recorded with other arguments than the code now gives it.")
        self._unasked.discard(key)

    def _refuse(self, message: str) -> None:
        error = NonDeterminismError(f"{message} The code has changed since, or does not do the same each time.")
        self._run.crash(error)
        raise error

    def unreached(self) -> NonDeterminismError | None:
        """What says that the code has come to its end, or to rest, without asking for what the journal has next."""
        missing = next((key for key in self.history.order if key not in self._asked), None) or next(
            iter(self._unasked - self._asked.keys()), None
        )
        if missing is None:
            return None
        waiting = ", ".join(f"the {operation.key}" for operation in self._open.values()) or "nothing"
        return NonDeterminismError(
            f"The journal has the {missing} next, and the code asks for {waiting}. The code has changed since, or does"
            " not do the same each time."
        )
