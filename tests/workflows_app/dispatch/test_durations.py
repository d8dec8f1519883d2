"""How pages tell a length of time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from workflows_app.dispatch.durations import in_words


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(0), "0 s"),
        (timedelta(seconds=59.9), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=3, seconds=20), "3 min 20 s"),
        (timedelta(hours=5, minutes=2, seconds=40), "5 h 2 min"),
        (timedelta(hours=5, seconds=40), "5 h"),
        (timedelta(days=12, hours=4, minutes=59), "12 d 4 h"),
        (timedelta(days=1), "1 d"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(time: timedelta, words: str) -> None:
    assert in_words(time) == words
