"""What becomes of a due schedule, as a pure function. No database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from workflows_app.dispatch.cron_times import next_after
from workflows_app.dispatch.schedules import Due
from workflows_app.schedules.deciding import PATIENCE, SKIPPED, STARTED, Decision, clock, decide

from .conftest import NINE, after

LATE = timedelta(seconds=60)
ACME = OrganizationRecord(uuid7(), "acme", "Acme", "org_" + "a" * 32, "active", False, "", "UTC", ())


def due(**fields: Any) -> Due:
    values = {
        "schedule": uuid7(),
        "workflow": "hourly",
        "cron": "0 * * * *",
        "zone": "UTC",
        "overlap": "skip",
        "missed": "run_once",
        "paused_until": None,
        "planned_at": NINE,
        "waiting": False,
        "unfinished": {},
        "organization": ACME,
    }
    return Due(**{**values, **fields})


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(f"{run.planned_at:%H:%M}", run.outcome) for run in decision.runs]


def test_a_time_that_has_come_starts() -> None:
    decision = decide(due(), NINE, LATE)
    assert told(decision) == [("09:00", STARTED)]
    assert (decision.next_run, decision.latest, decision.waiting, decision.problem) == (after(hours=1), NINE, False, "")


def test_whoever_waits_is_not_late() -> None:
    assert told(decide(due(missed="skip", waiting=True), after(minutes=59), LATE)) == [("09:00", STARTED)]
    assert told(decide(due(missed="skip"), after(minutes=59), LATE)) == [("09:00", SKIPPED)]


def test_a_pause_comes_before_everything_else() -> None:
    running = {"x": NINE - timedelta(hours=1)}
    for fields in ({"unfinished": running}, {"overlap": "queue", "unfinished": running}, {"missed": "skip"}):
        decision = decide(due(paused_until=after(days=1), **fields), after(hours=1), LATE, "gone")
        assert told(decision) == [("10:00", SKIPPED)] and decision.runs[0].reason.startswith("Paused until")
        assert (decision.waiting, decision.next_run) == (False, after(hours=2))


def test_a_pause_ends_at_its_moment() -> None:
    """A time at which the pause ends is no longer paused; one a moment before is."""
    assert told(decide(due(paused_until=NINE), NINE, LATE)) == [("09:00", STARTED)]
    assert told(decide(due(paused_until=NINE + timedelta(microseconds=1)), NINE, LATE)) == [("09:00", SKIPPED)]


def test_behind_a_pause_the_rest_is_decided_as_ever() -> None:
    waiting = due(paused_until=after(hours=1), overlap="queue", unfinished={"x": NINE - timedelta(hours=1)})
    decision = decide(waiting, after(hours=1), LATE)
    assert told(decision) == [("09:00", SKIPPED)]
    assert (decision.waiting, decision.next_run) == (True, after(hours=1))


def test_a_missing_workflow_is_waited_for_a_while() -> None:
    soon = decide(due(), NINE + PATIENCE - timedelta(seconds=1), LATE, "gone")
    assert (soon.runs, soon.waiting, soon.next_run, soon.problem) == ((), True, NINE, "gone")
    later = decide(due(), NINE + PATIENCE, LATE, "gone")
    assert (told(later), later.runs[0].reason, later.problem) == ([("09:00", SKIPPED)], "gone", "gone")


def test_the_latest_run_that_has_not_ended_is_named() -> None:
    running = {"x": after(hours=-5), "y": after(hours=-2)}
    assert decide(due(unfinished=running), NINE, LATE).runs[0].reason == "The run of 07:00 has not ended."


def test_times_are_named_as_the_schedules_clock_shows_them() -> None:
    assert clock(NINE, "Asia/Kolkata") == "2026-03-02 14:30"
    assert clock(NINE, "Asia/Kolkata", after(hours=9)) == "14:30"
    # In New York it is still the day before.
    assert clock(after(hours=18), "America/New_York", after(hours=21)) == "2026-03-02 22:00"


def test_the_last_time_that_there_is_has_none_behind_it() -> None:
    decision = decide(due(cron="0 9 2 3 *", zone="UTC", planned_at=NINE), NINE, LATE)
    assert decision.next_run == datetime(2027, 3, 2, 9, tzinfo=NINE.tzinfo)


# --- Whatever the schedule -------------------------------------------------------------------------------------------

SCHEDULES = st.builds(
    due,
    cron=st.sampled_from(["0 * * * *", "*/7 * * * *", "0 9 * * *", "0 9 * * 1"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    overlap=st.sampled_from(["skip", "queue", "parallel"]),
    missed=st.sampled_from(["run_once", "skip"]),
    waiting=st.booleans(),
    paused_until=st.none() | st.integers(-100, 3000).map(lambda minutes: after(minutes=minutes)),
    unfinished=st.sampled_from([{}, {"x": NINE - timedelta(hours=1)}]),
)


@given(schedule=SCHEDULES, minutes=st.integers(0, 3000), obstacle=st.sampled_from(["", "gone"]))
@hypothesis_settings(max_examples=100, deadline=None)
def test_what_holds_of_every_decision(schedule: Due, minutes: int, obstacle: str) -> None:
    first = next_after(schedule.cron, schedule.zone, NINE - timedelta(minutes=1))
    assert first is not None
    schedule = due(**{name: getattr(schedule, name) for name in Due.__slots__} | {"planned_at": first})
    now = first + timedelta(minutes=minutes, seconds=3)
    decision = decide(schedule, now, LATE, obstacle)
    planned = [run.planned_at for run in decision.runs]
    # Each row is a time of the schedule that has come, no two are the same, and at most one starts: the latest.
    assert planned == sorted(set(planned)) and all(first <= at <= now for at in planned)
    assert all(next_after(schedule.cron, schedule.zone, at - timedelta(seconds=1)) == at for at in planned)
    started = [run.planned_at for run in decision.runs if run.outcome == STARTED]
    assert started in ([], planned[-1:])
    assert all(run.reason for run in decision.runs if run.outcome == SKIPPED)
    # It waits at a time that has come, or goes on to one that has not.
    assert decision.next_run is not None and (decision.next_run <= now) == decision.waiting
    assert decision.runs or decision.waiting
    # Nothing that runs alone is started beside another.
    assert not started or not schedule.unfinished or schedule.overlap == "parallel"
