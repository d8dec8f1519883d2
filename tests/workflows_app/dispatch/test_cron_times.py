"""When cron expressions come due, also where clocks jump. No database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from time import thread_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workflows_app.dispatch.cron_times import MOST_COUNTED, next_after, next_times, stretch

NEW_YORK, BERLIN, LORD_HOWE, KOLKATA = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"
APIA = "Pacific/Apia"


def at(zone: str, text: str) -> datetime:
    """A local time; with "again", the second of two that look the same."""
    again = text.endswith(" again")
    shown = datetime.fromisoformat(text.removesuffix(" again"))
    return shown.replace(tzinfo=ZoneInfo(zone), fold=int(again)).astimezone(UTC)


def shown(zone: str, moments: list[datetime]) -> list[str]:
    return [f"{moment.astimezone(ZoneInfo(zone)):%d %H:%M %z}" for moment in moments]


# --- The clock jumps forward: 02:00 to 03:00, in Lord Howe to 02:30 ---------------------------------------------------

FORWARD = [
    # A fixed time that does not exist runs at the first moment behind the gap, once.
    (NEW_YORK, "30 2 * * *", "2026-03-07T12:00", ["08 03:00 -0400", "09 02:30 -0400"]),
    (BERLIN, "30 2 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:30 +0200"]),
    (LORD_HOWE, "15 2 * * *", "2026-10-03T12:00", ["04 02:30 +1100", "05 02:15 +1100"]),
    (BERLIN, "*/15 2 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:00 +0200"]),
    (BERLIN, "0 2,3 * * *", "2026-03-28T12:00", ["29 03:00 +0200", "30 02:00 +0200"]),
    # One that exists is not moved.
    (NEW_YORK, "30 3 * * *", "2026-03-07T12:00", ["08 03:30 -0400", "09 03:30 -0400"]),
    (BERLIN, "59 1 * * *", "2026-03-28T12:00", ["29 01:59 +0100", "30 01:59 +0200"]),
    # What follows time goes on at its pace.
    (NEW_YORK, "*/30 * * * *", "2026-03-08T01:00", ["08 01:30 -0500", "08 03:00 -0400", "08 03:30 -0400"]),
    (BERLIN, "0 * * * *", "2026-03-29T00:30", ["29 01:00 +0100", "29 03:00 +0200", "29 04:00 +0200"]),
    (LORD_HOWE, "*/15 * * * *", "2026-10-04T01:30", ["04 01:45 +1030", "04 02:30 +1100", "04 02:45 +1100"]),
    # Its times that do not exist are left out.
    (BERLIN, "0 */2 * * *", "2026-03-28T23:00", ["29 00:00 +0100", "29 04:00 +0200"]),
    (LORD_HOWE, "15 * * * *", "2026-10-04T01:00", ["04 01:15 +1030", "04 03:15 +1100"]),
    # A zone without changes.
    (KOLKATA, "30 2 * * *", "2026-03-28T12:00", ["29 02:30 +0530", "30 02:30 +0530"]),
]
BACK = [
    # A fixed time that comes twice runs the first time.
    (NEW_YORK, "30 1 * * *", "2026-10-31T12:00", ["01 01:30 -0400", "02 01:30 -0500"]),
    (BERLIN, "30 2 * * *", "2026-10-24T12:00", ["25 02:30 +0200", "26 02:30 +0100"]),
    (LORD_HOWE, "45 1 * * *", "2026-04-04T12:00", ["05 01:45 +1100", "06 01:45 +1030"]),
    (BERLIN, "0,30 2 * * *", "2026-10-24T12:00", ["25 02:00 +0200", "25 02:30 +0200", "26 02:00 +0100"]),
    # What follows time runs both times.
    (NEW_YORK, "0 * * * *", "2026-11-01T00:30", ["01 01:00 -0400", "01 01:00 -0500", "01 02:00 -0500"]),
    (BERLIN, "*/30 2 * * *", "2026-10-24T12:00", ["25 02:00 +0200", "25 02:30 +0200", "26 02:00 +0100"]),
    (
        BERLIN,
        "*/30 * * * *",
        "2026-10-25T01:45",
        ["25 02:00 +0200", "25 02:30 +0200", "25 02:00 +0100", "25 02:30 +0100"],
    ),
    (LORD_HOWE, "45 * * * *", "2026-04-05T00:50", ["05 01:45 +1100", "05 01:45 +1030", "05 02:45 +1030"]),
    (BERLIN, "@hourly", "2026-10-25T01:30", ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]),
    (KOLKATA, "0 * * * *", "2026-10-25T01:30", ["25 02:00 +0530", "25 03:00 +0530"]),
]


@pytest.mark.parametrize(("zone", "cron", "after", "expected"), FORWARD)
def test_a_clock_that_jumps_forward(zone: str, cron: str, after: str, expected: list[str]) -> None:
    assert shown(zone, next_times(cron, zone, at(zone, after), len(expected))) == expected


@pytest.mark.parametrize(("zone", "cron", "after", "expected"), BACK)
def test_a_clock_that_goes_back(zone: str, cron: str, after: str, expected: list[str]) -> None:
    assert shown(zone, next_times(cron, zone, at(zone, after), len(expected))) == expected


def test_in_the_repeated_hour_what_follows_time_knows_which_of_the_two_it_is() -> None:
    first, second = at(NEW_YORK, "2026-11-01T01:45"), at(NEW_YORK, "2026-11-01T01:45 again")
    assert next_after("30 * * * *", NEW_YORK, first) == at(NEW_YORK, "2026-11-01T01:30 again")
    assert next_after("30 * * * *", NEW_YORK, second) == at(NEW_YORK, "2026-11-01T02:30")
    assert next_after("50 1 * * *", NEW_YORK, second) == at(NEW_YORK, "2026-11-02T01:50")


def test_a_day_that_was_left_out_ran_once_where_the_next_began() -> None:
    # Samoa had no 30 December 2011.
    fixed = next_times("0 9 * * *", APIA, at(APIA, "2011-12-29T00:00"), 4)
    assert shown(APIA, fixed) == ["29 09:00 -1000", "31 00:00 +1400", "31 09:00 +1400", "01 09:00 +1400"]
    hourly = next_times("0 * * * *", APIA, at(APIA, "2011-12-29T22:30"), 3)
    assert shown(APIA, hourly) == ["29 23:00 -1000", "31 00:00 +1400", "31 01:00 +1400"]
    assert shown(APIA, next_times("0 12 30 12 *", APIA, at(APIA, "2011-12-29T22:30"), 1)) == ["31 00:00 +1400"]


def test_a_zone_whose_change_is_at_midnight() -> None:
    # Egypt, 24 April 2026: 00:00 to 01:00.
    assert shown(
        "Africa/Cairo", next_times("0 0 * * *", "Africa/Cairo", at("Africa/Cairo", "2026-04-23T12:00"), 2)
    ) == [
        "24 01:00 +0300",
        "25 00:00 +0300",
    ]


# --- What may stand in an expression ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 9 l * *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 9 L * *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 9 * * 5#2", ["2026-01-09", "2026-02-13", "2026-03-13"]),
        ("0 9 * * L5", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 9 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 9 31 * *", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("@daily", ["2026-01-02", "2026-01-03", "2026-01-04"]),
        ("@midnight", ["2026-01-02", "2026-01-03", "2026-01-04"]),
        ("@weekly", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("@monthly", ["2026-02-01", "2026-03-01", "2026-04-01"]),
        ("@yearly", ["2027-01-01", "2028-01-01", "2029-01-01"]),
        ("0 9 * jan,feb mon", ["2026-01-05", "2026-01-12", "2026-01-19"]),
        # A day of the month or a day of the week: whichever comes.
        ("0 9 3 * mon", ["2026-01-03", "2026-01-05", "2026-01-12"]),
    ],
)
def test_days_are_found(cron: str, expected: list[str]) -> None:
    found = next_times(cron, "UTC", datetime(2026, 1, 1, 12, tzinfo=UTC), 3)
    assert [f"{moment:%Y-%m-%d}" for moment in found] == expected


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "0 0 30 feb *"])
def test_what_never_comes_due_has_no_next_time(cron: str) -> None:
    assert next_after(cron, "UTC", datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert next_times(cron, BERLIN, datetime(2026, 1, 1, tzinfo=UTC), 10) == []


def test_the_calendar_ends() -> None:
    last = datetime(9999, 12, 31, 23, 58, tzinfo=UTC)
    for cron in ("* * * * *", "0 9 * * *", "0 0 1 1 *"):
        assert len(next_times(cron, "UTC", last, 10)) <= 2


@pytest.mark.parametrize("cron", ["", "x", "* * * *", "0 25 * * *", "@never"])
def test_what_is_no_expression_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        next_after(cron, "UTC", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        next_after("0 9 * * *", zone, datetime(2026, 1, 1, tzinfo=UTC))


# --- A stretch of times ----------------------------------------------------------------------------------------------


def test_a_stretch_has_its_last_times_and_their_number() -> None:
    first = datetime(2026, 3, 2, 9, tzinfo=UTC)
    alone = stretch("0 * * * *", "UTC", first, first + timedelta(minutes=59))
    assert (alone.latest, alone.before, alone.count) == (first, None, 1)
    many = stretch("0 * * * *", "UTC", first, first + timedelta(hours=5))
    assert (many.latest, many.before, many.count) == (first + timedelta(hours=5), first + timedelta(hours=4), 6)
    assert (many.earlier, stretch("0 * * * *", "UTC", first, first + timedelta(hours=1)).earlier) == (
        "5 earlier times",
        "1 earlier time",
    )


@pytest.mark.parametrize(
    ("cron", "latest", "before"),
    [
        ("* * * * *", "2026-12-01T12:00", "2026-12-01T11:59"),
        ("* 0-3 * * *", "2026-12-01T03:59", "2026-12-01T03:58"),
        ("*/5 * 1 * *", "2026-12-01T12:00", "2026-12-01T11:55"),
        ("* * 29 2 *", "2024-02-29T23:59", "2024-02-29T23:58"),
    ],
)
def test_a_long_stretch_is_not_counted_to_its_end(cron: str, latest: str, before: str) -> None:
    first, until = datetime(2016, 2, 29, tzinfo=UTC), datetime(2026, 12, 1, 12, tzinfo=UTC)
    began = thread_time()
    found = stretch(cron, "UTC", first, until)
    assert thread_time() - began < 5
    assert (found.latest, found.before) == (at("UTC", latest), at("UTC", before))
    assert found.count == MOST_COUNTED + 1 and found.earlier == "more than 999 earlier times"


# --- Properties ------------------------------------------------------------------------------------------------------

ZONES = st.sampled_from([NEW_YORK, BERLIN, LORD_HOWE, KOLKATA, APIA, "UTC", "Africa/Casablanca", "Asia/Tehran"])
MINUTES = st.sampled_from(["0", "30", "*/15", "5,50", "*", "59"])
FIXED = st.sampled_from(["2", "0", "23", "1-3", "0-23", "2,14"])
PASSING = st.sampled_from(["*", "*/2", "0/3"])
DAYS = st.sampled_from(["* * *", "1 * *", "l * *", "* 3,10,11 *", "* * sun", "* * 0#1"])
MOMENTS = st.datetimes(datetime(2005, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC))


@given(cron=st.builds("{} {} {}".format, MINUTES, FIXED | PASSING, DAYS), zone=ZONES, moment=MOMENTS)
@settings(max_examples=100, deadline=None)
def test_times_come_later_and_later(cron: str, zone: str, moment: datetime) -> None:
    found = next_times(cron, zone, moment, 5)
    assert len(found) == 5
    assert all(earlier < later for earlier, later in zip([moment, *found], found, strict=False))
    assert all(each.second == each.microsecond == 0 for each in found)
    # One after the other, or asked anew at any moment in between, they are the same.
    assert next_after(cron, zone, found[0]) == found[1]
    assert next_after(cron, zone, found[1] - timedelta(seconds=1)) == found[1]


def matches(cron: str, zone: str, moment: datetime) -> bool:
    """Whether the clock shows one of the expression's times: what a cron daemon asks itself each minute."""
    clock = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None).replace(tzinfo=UTC)
    return next_after(cron, "UTC", clock - timedelta(minutes=1)) == clock


CHANGES = {
    NEW_YORK: ["2026-03-08T07:00", "2026-11-01T06:00"],
    BERLIN: ["2026-03-29T01:00", "2026-10-25T01:00"],
    LORD_HOWE: ["2026-04-04T15:00", "2026-10-03T15:30"],
    KOLKATA: ["2026-03-29T01:00", "2026-10-25T01:00"],
    APIA: ["2011-12-30T10:00", "2011-12-30T10:00"],
}
NEAR = st.builds(
    lambda zone, which, minutes: (
        zone,
        datetime.fromisoformat(CHANGES[zone][which] + "+00:00") + timedelta(minutes=minutes),
    ),
    st.sampled_from(sorted(CHANGES)),
    st.integers(0, 1),
    st.integers(-300, 120),
)


@given(cron=st.builds("{} {} * * *".format, MINUTES, PASSING), place=NEAR)
@settings(max_examples=20, deadline=None)
def test_what_follows_time_runs_whenever_its_clock_says_so(cron: str, place: tuple[str, datetime]) -> None:
    zone, moment = place
    window = [moment + timedelta(minutes=minute) for minute in range(1, 400)]
    by_hand = [each for each in window if matches(cron, zone, each)]
    assert [each for each in next_times(cron, zone, moment, len(by_hand) + 1) if each <= window[-1]] == by_hand


@given(cron=st.builds("{} {} * * *".format, st.sampled_from(["0", "30", "15"]), st.integers(0, 23)), place=NEAR)
@settings(max_examples=100, deadline=None)
def test_a_fixed_time_runs_once_on_each_day_that_there_is(cron: str, place: tuple[str, datetime]) -> None:
    zone, moment = place
    assume(zone != APIA)
    days = [each.astimezone(ZoneInfo(zone)).date() for each in next_times(cron, zone, moment, 5)]
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))
