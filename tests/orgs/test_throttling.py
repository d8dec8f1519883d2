"""How often something may be tried is counted for all processes, each for itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from orgs.models import Attempt
from orgs.throttling import KEPT, Limit, attempt, forget, take_back

pytestmark = pytest.mark.django_db
GUESS = Limit("guess", 3, timedelta(minutes=15))
LETTER = Limit("letter", 1, timedelta(minutes=15))


def test_so_many_are_allowed_and_no_more() -> None:
    assert [attempt((GUESS, "ada")) for _ in range(5)] == [True, True, True, False, False]
    assert attempt((GUESS, "bob"))
    assert attempt((LETTER, "ada"))


def test_one_limit_that_is_reached_is_enough_to_refuse() -> None:
    assert attempt((GUESS, "ada"), (LETTER, "ada"))
    assert not attempt((GUESS, "ada"), (LETTER, "ada"))
    assert attempt((GUESS, "ada"))
    assert not attempt((GUESS, "ada"))


def test_the_window_begins_with_the_first_try_and_is_not_prolonged() -> None:
    with time_machine.travel(0, tick=False) as clock:
        for _ in range(4):
            attempt((GUESS, "ada"))
            clock.shift(timedelta(minutes=3))
        assert not attempt((GUESS, "ada"))
        clock.shift(timedelta(minutes=3))
        assert attempt((GUESS, "ada"))


def test_a_good_try_can_be_taken_back_or_wipe_out_those_before() -> None:
    for _ in range(10):
        assert attempt((GUESS, "ada"))
        take_back((GUESS, "ada"))
    for _ in range(3):
        attempt((GUESS, "ada"))
    take_back((GUESS, "nobody"))
    forget((GUESS, "ada"))
    assert attempt((GUESS, "ada"))


def test_what_nobody_tries_any_more_is_deleted_and_names_nobody() -> None:
    attempt((GUESS, "ada@acme.example"))
    assert "ada" not in Attempt.objects.get().key
    with time_machine.travel(timezone.now() + KEPT + timedelta(minutes=1), tick=False):
        attempt((GUESS, "bob"))
    assert Attempt.objects.count() == 1


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "x" * 100_000, "'; --"])
def test_odd_names_are_counted_like_others(odd: str) -> None:
    assert [attempt((LETTER, odd)), attempt((LETTER, odd))] == [True, False]
