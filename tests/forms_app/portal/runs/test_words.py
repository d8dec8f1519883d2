"""How statuses, times and names read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from forms_app.portal.runs.words import STATUSES, badge_of, moment, named, people, reference, took, trouble
from workflows_app.models import Status


def test_every_status_has_a_word_and_a_tone() -> None:
    assert set(STATUSES) == set(Status.values)
    assert {badge_of(status).tone for status in Status.values} == {"good", "caution", "alarm", "quiet"}
    assert badge_of("Suspended").label == "Waiting"
    assert badge_of("Suspended", asks=True) == badge_of("PendingApproval")
    assert badge_of("Running", asks=True).label == "In progress"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("create_user", "Create user"),
        ("send_mail_2", "Send mail 2"),
        ("Send the mail", "Send the mail"),
        ("send  the_mail", "Send the_mail"),
        ("createUser", "CreateUser"),
        ("", ""),
    ],
)
def test_what_code_calls_a_thing_is_written_as_people_do(name: str, words: str) -> None:
    assert named(name) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a second"),
        (1, "1 second"),
        (59.6, "1 minute"),
        (200, "3 minutes 20 seconds"),
        (3600, "1 hour"),
        (3605, "1 hour"),
        (18_120, "5 hours 2 minutes"),
        (2 * 86_400 + 3_700, "2 days 1 hour"),
        (-5, "less than a second"),
    ],
)
def test_a_time_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert took(seconds) == took(timedelta(seconds=seconds)) == words
    assert took(None) == ""


@time_machine.travel(datetime(2026, 11, 24, 23, 30, tzinfo=UTC), tick=False)
@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 24, 23, 12, tzinfo=UTC), "08:12"),
        (datetime(2026, 11, 24, 9, 12, tzinfo=UTC), "24 November, 18:12"),
        (datetime(2025, 11, 24, 9, 12, tzinfo=UTC), "24 November 2025, 18:12"),
    ],
)
def test_today_is_today_where_the_person_is(at: datetime, words: str) -> None:
    with timezone.override("Asia/Tokyo"):
        assert moment(at) == words


def test_people_are_counted() -> None:
    assert [people(number) for number in range(3)] == ["your service provider", "1 person", "2 people"]


def test_a_reference_is_the_end_of_the_id() -> None:
    assert reference("019aa4d2-7c1e-7cc3-98c4-dc0c0c07398f") == "0c07398f"


def test_no_error_no_trouble_and_one_without_words_has_some() -> None:
    assert trouble(None) == trouble({}) == ""
    assert "our side" in trouble({"error": "OwnError", "message": ""})
