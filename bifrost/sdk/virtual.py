"""Time, signals and decisions in an author's test: a wait for a day is over as soon as nothing else can happen."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bifrost.sdk.caller import Caller
from bifrost.sdk.durable import Wait
from bifrost.sdk.forms import Form
from bifrost.sdk.questions import Asked
from bifrost.sdk.tolerant import JSON

APPROVER = Caller("test-approver", "approver@example.com", "Test Approver")
ANSWERS = ("approved", "comment", "values", "decided_by")
QUIET_TURNS = 5  # of the loop, after which no task of the workflow is about to move


@dataclass(eq=False)
class _Waiting:
    wait: Wait
    due: datetime | None
    answer: asyncio.Future[dict[str, Any]]


class VirtualClock:
    """What the waits of one test wait for."""

    def __init__(self, now: datetime, signals: Iterable[tuple[str, Any]], decisions: Iterable[Any] = ()) -> None:
        self._now = now
        self._sent: deque[tuple[str, Any]] = deque(signals)
        self._decisions = deque(decisions)
        self._waiting: list[_Waiting] = []
        self._moves = 0  # what one wait's end leads to may end others

    def now(self) -> datetime:
        return self._now

    def pass_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def send(self, name: str, body: Any) -> None:
        self._sent.append((name, body))

    async def wait(self, wait: Wait) -> dict[str, Any]:
        """Ends with a signal that is there, else at its time. One that nothing can end fails the test."""
        due = None if wait.seconds is None else self._now + timedelta(seconds=wait.seconds)
        waiting = _Waiting(wait, due, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._moves += 1
        try:
            while not waiting.answer.done():
                moves = self._moves
                for _ in range(QUIET_TURNS):
                    await asyncio.sleep(0)
                if moves == self._moves:
                    self._end_one()
            return waiting.answer.result()
        finally:
            self._waiting.remove(waiting)
            self._moves += 1

    def _end_one(self) -> None:
        self._moves += 1
        waiting = [each for each in self._waiting if not each.answer.done()]
        for each in waiting:
            if each.wait.entry == "signal" and (body := self._taken(each.wait.name)) is not None:
                each.answer.set_result({"value": body[0]})
                return
            if each.wait.entry == "decision" and self._decisions:
                each.answer.set_result({"value": self._decisions.popleft()})
                return
        due = [each for each in waiting if each.due is not None]
        if due:
            first = min(due, key=lambda each: each.due or self._now)
            self._now = max(self._now, first.due or self._now)
            first.answer.set_result({"timedOut": True})
        elif waiting:
            names = ", ".join(f"{each.wait.kind} {each.wait.name!r}" for each in waiting)
            asks = any(each.wait.entry == "decision" for each in waiting)
            how = 'context(approvals=[{"approved": True}])' if asks else "context(signals=[...])"
            raise LookupError(f"The workflow waits for {names}, and the test sends nothing: {how}")

    def _taken(self, name: str) -> tuple[Any] | None:
        for entry in self._sent:
            if entry[0] == name:
                self._sent.remove(entry)
                return (entry[1],)
        return None


def decided(question: Asked, answer: Mapping[str, Any], at: datetime) -> dict[str, JSON]:
    """A test's answer in the form in which a host gives it. Raises ValidationError where a person's would be refused,
    and LookupError for one that says something else.
    """
    if "approved" not in answer or not answer.keys() <= set(ANSWERS):
        raise LookupError(f"An answer to an approval has {', '.join(ANSWERS)}, the first in any case; not {answer!r}")
    by, approved = answer.get("decided_by") or APPROVER, bool(answer["approved"])
    return {
        "approved": approved,
        "decidedBy": {"id": by.user_id, "email": by.email, "name": by.name},
        "decidedAt": at.isoformat(),
        "comment": answer.get("comment", ""),
        "values": (question.form or Form(())).completed(answer.get("values") or {}) if approved else {},
    }
