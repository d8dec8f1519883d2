"""How statuses, times and names read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from forms_app.portal.runs.words import (
    STATUSES,
    badge_of,
    left,
    moment,
    named,
    people,
    reference,
    took,
    trouble,
    written,
)
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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, ""),
        (0.9, ""),
        (1.0, "a few seconds left"),
        (12.0, "about 10 seconds left"),
        (89.0, "about 90 seconds left"),
        (90.0, "about 2 minutes left"),
        (3_700.0, "about 62 minutes left"),
        (3 * 3600.0, "about 3 hours left"),
        (4 * 86_400.0, "about 4 days left"),
    ],
)
def test_an_estimate_is_told_in_one_unit_and_never_as_nothing(seconds: float, words: str) -> None:
    assert left(seconds) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-12-03", "3 December 2026"),
        ("2026-12-03T22:30:00Z", "4 December 2026, 07:30"),
        ("2026-12-03T22:30:15.250+01:00", "4 December 2026, 06:30"),
        ("2026-12-03T22:30", "4 December 2026, 07:30"),
        ("2026-02-30", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-12-03 and later", None),
        ("20261203", None),
        ("", None),
    ],
)
def test_a_date_is_told_as_people_write_it_where_they_are(text: str, words: str | None) -> None:
    with timezone.override("Asia/Tokyo"):
        assert written(text) == words


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
