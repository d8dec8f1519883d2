"""How a journal's operations are counted, and which of its lines a new execution takes over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from workflows_app.engine.history import Line
from workflows_app.engine.recorded import last_attempt, operations_of
from workflows_app.engine.taking_over import outcomes_before, successes

SOURCE = UUID(int=7)


def lines(*told: tuple[str, str] | tuple[str, str, dict[str, Any]]) -> list[Line]:
    """A journal numbered from 1: kind and name, the task before a colon, and the state or the data."""
    found = []
    for seq, (kind, name, *rest) in enumerate(told, 1):
        path, _, own = name.rpartition(":")
        data = rest[0] if rest else None
        found.append(Line(seq, kind, own, path or "0", 0, {"state": data} if isinstance(data, str) else data))
    return found


TWO_TASKS = lines(
    ("status", "Running"),
    ("value", "now"),
    ("step", "0/1:a", "started"),
    ("step", "0/2:a", "done"),
    ("value", "uuid"),
    ("step", "0/2:b", "failed"),
    ("step", "0/1:a", "done"),
    ("timer", "0/2:", "cancelled"),
    ("config", "region"),
)


def test_operations_count_in_the_order_in_which_they_first_appear() -> None:
    told = [(each.number, each.key.path, each.key.name, each.state) for each in operations_of(TWO_TASKS)]
    assert told == [
        (1, "0/1", "a", "done"),
        (2, "0/2", "a", "done"),
        (3, "0/2", "b", "failed"),
        (4, "0/2", "", "cancelled"),
    ]


def test_an_attempt_counts_anew_what_it_does_anew() -> None:
    journal = lines(
        ("status", "Running"),
        ("step", "a", "done"),
        ("step", "b", "failed"),
        ("status", "Running", {"attempt": 2}),
        ("status", "Running", {"attempt": 2}),
        ("step", "b", "done"),
    )
    told = [(each.number, each.key.name, each.attempt) for each in operations_of(journal)]
    assert told == [(1, "a", 1), (2, "b", 1), (3, "b", 2)]
    assert last_attempt(journal) == 2


def test_successes_and_the_values_before_the_last_of_them_are_taken_over() -> None:
    assert successes(SOURCE, TWO_TASKS).lines == (2, 4, 5, 7)


@pytest.mark.parametrize(("number", "taken"), [(1, (2,)), (2, (2, 7)), (3, (2, 4, 5, 7)), (4, (2, 4, 5, 6, 7))])
def test_a_fork_takes_over_all_outcomes_before_its_operation(number: int, taken: tuple[int, ...]) -> None:
    found = outcomes_before(SOURCE, TWO_TASKS, number)
    assert found is not None and (found.source, found.lines) == (SOURCE, taken)


@pytest.mark.parametrize("number", [-1, 0, 5])
def test_there_is_no_operation_beyond_the_last_or_before_the_first(number: int) -> None:
    assert outcomes_before(SOURCE, TWO_TASKS, number) is None


def test_a_wait_whose_time_ran_out_is_no_success_but_a_timer_is() -> None:
    over = {"state": "done", "timedOut": True}
    assert successes(SOURCE, lines(("signal", "go", over), ("timer", "", over))).lines == (2,)


def test_where_it_began_to_undo_nothing_is_taken_over() -> None:
    assert successes(SOURCE, [*TWO_TASKS, Line(10, "stop", "Cancelled", "", 0, {"error": "Cancelled"})]).lines == ()


def test_what_was_taken_over_counts_and_is_taken_over_again_where_it_was_not_done_anew() -> None:
    taken = {"state": "done", "takenOver": "an-id"}
    journal = lines(("step", "a", taken), ("step", "b", taken), ("status", "Running"), ("step", "b", "done"))
    assert [each.number for each in operations_of(journal)] == [1, 2, 3]
    assert successes(SOURCE, journal).lines == (1, 4)
    assert outcomes_before(SOURCE, journal, 3).lines == (1,)  # type: ignore[union-attr]
