"""The shared table of schedules: what is taken as due, by whom, and how it moves on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from uuid6 import uuid7

from orgs import directory
from orgs.records import OrganizationRecord
from tests.factories import change
from workflows_app.dispatch import schedules
from workflows_app.dispatch.models import Dispatch, Schedule
from workflows_app.dispatch.schedules import MOST_UNFINISHED, Advance, Due, database_time, taken

pytestmark = pytest.mark.django_db(transaction=True)

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def make(organization: OrganizationRecord, workflow: str = "hourly", **fields: Any) -> Schedule:
    values = {"effective": "0 * * * *|UTC", "next_run": NINE, **fields}
    return Schedule.objects.create(organization=organization.id, workflow=workflow, **values)


def due(now: datetime = NINE, most: int = 10, after: Due | None = None) -> list[str]:
    with taken(now, most, after) as found:
        return [row.workflow for row in found.rows]


def queued(organization: OrganizationRecord, chain: str | None = None) -> str:
    """An execution that has not ended."""
    made = Dispatch.objects.create(
        execution=uuid7(), organization=organization.id, workflow="hourly", status="Queued", chain=chain
    )
    return str(made.execution)


def test_what_is_due_comes_with_all_that_is_needed_to_decide(acme: OrganizationRecord) -> None:
    pause = NINE + timedelta(hours=1)
    made = make(acme, overlap="queue", missed="skip", paused_until=pause, waiting=True, timezone="Asia/Kolkata")
    with taken(NINE, 10) as found:
        [row] = found.rows
    assert row.organization == directory.organization_by_id(acme.id)
    assert (row.schedule, row.workflow, row.cron, row.zone) == (made.id, "hourly", "0 * * * *", "UTC")
    assert (row.overlap, row.missed, row.paused_until, row.planned_at) == ("queue", "skip", pause, NINE)
    assert (row.waiting, row.unfinished) == (True, {})


def test_the_longest_due_comes_first_and_the_rest_behind_it(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make(acme, "second", next_run=NINE - timedelta(minutes=5))
    make(globex, "first", next_run=NINE - timedelta(minutes=9))
    make(acme, "third")
    assert due() == ["first", "second", "third"]
    with taken(NINE, 2) as found:
        assert len(found.rows) == 2
        last = found.rows[-1]
    assert due(after=last) == ["third"]


def test_of_the_same_time_each_is_seen_once(acme: OrganizationRecord) -> None:
    for index in range(7):
        make(acme, f"w{index}")
    seen: list[str] = []
    last: Due | None = None
    while True:
        with taken(NINE, 3, last) as found:
            if not found.rows:
                break
            seen += [row.workflow for row in found.rows]
            last = found.rows[-1]
    assert sorted(seen) == [f"w{index}" for index in range(7)]


@pytest.mark.parametrize("fields", [{"enabled": False}, {"next_run": None}, {"next_run": NINE + timedelta(seconds=1)}])
def test_what_is_off_or_not_due_is_left(acme: OrganizationRecord, fields: dict[str, Any]) -> None:
    make(acme, **fields)
    assert due() == []


def test_an_organization_that_is_not_ready_or_gone_is_left(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    make(acme)
    Schedule.objects.create(organization=uuid7(), workflow="orphan", effective="0 * * * *|UTC", next_run=NINE)
    change(acme, ready=False)
    assert due() == []
    change(acme, ready=True, status="suspended")
    assert due() == ["hourly"]


def test_rows_are_one_processs_until_it_is_done(acme: OrganizationRecord) -> None:
    make(acme)
    with taken(NINE, 10) as found:
        assert len(found.rows) == 1
        assert due() == []
    assert due() == ["hourly"]


def test_a_block_that_raises_writes_nothing_and_gives_its_rows_back(acme: OrganizationRecord) -> None:
    made = make(acme)
    with pytest.raises(RuntimeError), taken(NINE, 10) as found:
        found.advance([Advance(made.id, NINE + timedelta(hours=1), NINE)])
        raise RuntimeError
    assert due() == ["hourly"]


def test_a_schedule_moves_on(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    first, second = make(acme, waiting=True, problem="before"), make(globex, last_run=NINE - timedelta(days=1))
    with taken(NINE, 10) as found:
        found.advance(
            [
                Advance(first.id, NINE + timedelta(hours=1), NINE),
                Advance(second.id, None, None, problem="x" * 600, waiting=True),
            ]
        )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.next_run, first.last_run, first.problem, first.waiting) == (
        NINE + timedelta(hours=1),
        NINE,
        "",
        False,
    )
    assert (second.next_run, second.last_run, second.waiting) == (None, NINE - timedelta(days=1), True)
    assert second.problem == "x" * 500


def test_only_executions_that_have_not_ended_are_unfinished(acme: OrganizationRecord) -> None:
    running, ended = queued(acme), str(uuid7())
    make(acme, unfinished={running: "2026-03-02T08:00:00+00:00", ended: "2026-03-02T07:00:00+00:00"})
    with taken(NINE, 10) as found:
        assert found.rows[0].unfinished == {running: NINE - timedelta(hours=1)}


def test_one_that_went_on_is_unfinished_until_its_last_one_has_ended(acme: OrganizationRecord) -> None:
    first = str(uuid7())
    queued(acme, chain=first)
    make(acme, unfinished={first: "2026-03-02T08:00:00+00:00"})
    with taken(NINE, 10) as found:
        assert found.rows[0].unfinished == {first: NINE - timedelta(hours=1)}
    Dispatch.objects.all().delete()
    with taken(NINE, 10) as found:
        assert found.rows[0].unfinished == {}


def test_the_latest_unfinished_are_remembered(acme: OrganizationRecord) -> None:
    made = make(acme)
    many = {str(uuid7()): NINE + timedelta(minutes=minute) for minute in range(MOST_UNFINISHED + 5)}
    with taken(NINE, 10) as found:
        found.advance([Advance(made.id, NINE, NINE, unfinished=many)])
    made.refresh_from_db()
    assert set(made.unfinished) == set(list(many)[5:])


def test_the_clock_is_the_databases() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        before = cursor.fetchone()[0]
    assert before <= database_time() <= before + timedelta(seconds=5)
    assert database_time().utcoffset() == timedelta()


def test_a_hanging_process_loses_its_rows_after_a_time(acme: OrganizationRecord) -> None:
    assert schedules.HANGING == "60s"
    make(acme)
    with taken(NINE, 10) as found:
        found._cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert found._cursor.fetchone()[0] == "1min"
