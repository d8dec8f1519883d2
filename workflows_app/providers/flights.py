"""Equal questions that are under way at the same time are computed once, for whichever threads wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from workflows_app.providers.options import Options
from workflows_app.providers.questions import Key, Question, Stamp


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there are no options: for everybody, and for staff."""

    message: str
    reason: str = ""


Answer = Options | Failure
_Place = tuple[Key, Stamp]


@dataclass(eq=False)
class Flight:
    """One computation. It `began` when it was given away to be done; one that stands behind another has not begun."""

    question: Question
    answer: Future[Answer] = field(default_factory=Future)
    began: float | None = None
    behind: Flight | None = None  # the next one, for those who want newer options than this one gives

    @property
    def place(self) -> _Place:
        return self.question.key, self.question.stamp


class Flights:
    """`begin` is called with each flight whose turn it is, and sees to it that `land` is called once it is done."""

    def __init__(self, begin: Callable[[Flight], None]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._under_way: dict[_Place, Flight] = {}

    def join(self, question: Question, *, fresh: bool) -> Flight:
        """The flight whose answer is the caller's.

        `fresh`: one that begins from now on. What is under way then may have read what has just changed; however many
        ask for newer options meanwhile, they share the one behind it.
        """
        with self._lock:
            flight = self._under_way.get((question.key, question.stamp))
            if flight is not None:
                if fresh:
                    flight.behind = flight.behind or Flight(question)
                return flight.behind if fresh and flight.behind else flight
            flight = self._take_off(Flight(question))
        self._begin(flight)
        return flight

    def land(self, flight: Flight, answer: Answer) -> bool:
        """Hands the answer to all who wait. False where the flight was given up before."""
        following = None
        with self._lock:
            first = not flight.answer.done()
            if self._under_way.get(flight.place) is flight:
                del self._under_way[flight.place]
                if flight.behind is not None and not flight.behind.answer.done():
                    following = self._take_off(flight.behind)
            if first:
                flight.answer.set_result(answer)
        if following is not None:
            self._begin(following)
        return first

    def _take_off(self, flight: Flight) -> Flight:
        flight.began = time.monotonic()
        self._under_way[flight.place] = flight
        return flight
