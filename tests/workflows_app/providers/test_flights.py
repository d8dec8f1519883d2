"""Equal questions under way at once: one computation, another only for who needs newer options."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from workflows_app.providers.flights import Failure, Flight, Flights
from workflows_app.providers.questions import Question


def question(stamp: int = 1, key: str = "p") -> Question:
    return cast(Any, SimpleNamespace(key=key, stamp=stamp))


@pytest.fixture
def begun() -> list[Flight]:
    return []


@pytest.fixture
def flights(begun: list[Flight]) -> Flights:
    return Flights(begun.append)


def test_who_asks_meanwhile_shares_the_answer(flights: Flights, begun: list[Flight]) -> None:
    first, second = flights.join(question(), fresh=False), flights.join(question(), fresh=False)
    assert (first is second, begun) == (True, [first])
    assert flights.land(first, Failure("no"))
    assert second.answer.result(0) == Failure("no")
    assert flights.join(question(), fresh=False) is not first


def test_other_questions_and_other_stamps_have_their_own(flights: Flights, begun: list[Flight]) -> None:
    made = [flights.join(each, fresh=False) for each in (question(), question(stamp=2), question(key="q"))]
    assert begun == made and len(set(made)) == 3


def test_newer_options_begin_when_the_present_ones_are_there_and_once(flights: Flights, begun: list[Flight]) -> None:
    first = flights.join(question(), fresh=False)
    fresh = [flights.join(question(), fresh=True) for _ in range(3)]
    assert (len(set(fresh)), fresh[0] is first, begun) == (1, False, [first])
    # Who does not mind takes what comes first.
    assert flights.join(question(), fresh=False) is first
    flights.land(first, Failure("one"))
    assert begun == [first, fresh[0]]
    assert flights.join(question(), fresh=False) is fresh[0]
    flights.land(fresh[0], Failure("two"))
    assert begun == [first, fresh[0]]


def test_one_that_was_given_up_says_nothing_when_it_comes_after_all(flights: Flights, begun: list[Flight]) -> None:
    first = flights.join(question(), fresh=False)
    assert flights.land(first, Failure("too slow"))
    second = flights.join(question(), fresh=False)
    assert not flights.land(first, Failure("late"))
    assert (begun, second.answer.done()) == ([first, second], False)


def test_one_that_was_given_up_before_its_turn_never_begins(flights: Flights, begun: list[Flight]) -> None:
    first, fresh = flights.join(question(), fresh=False), flights.join(question(), fresh=True)
    flights.land(fresh, Failure("too slow"))
    flights.land(first, Failure("one"))
    assert begun == [first]
    assert flights.join(question(), fresh=False) not in (first, fresh)
