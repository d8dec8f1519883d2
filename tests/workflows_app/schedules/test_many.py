"""A thousand organizations at once: few statements, and no statement more for each but its inserts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from uuid6 import uuid7

from orgs.models import Organization
from orgs.records import OrganizationRecord
from workflows_app.dispatch.models import Dispatch, Schedule
from workflows_app.schedules import dispatch_due, tick

from .conftest import NINE, MakeSchedule, after, history

INSERTS = ("schedulerun", "workflows_app_execution ")


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts statements: those that write into an organization's schema apart from all others."""
    seen: Counter[str] = Counter()
    execute = psycopg.Cursor.execute

    def counting(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        seen["own" if any(name in text for name in INSERTS) else "shared"] += 1
        return execute(self, query, *args, **kwargs)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    yield seen
    monkeypatch.setattr(psycopg.Cursor, "execute", execute)


def schedules_of(organization: OrganizationRecord, number: int, workflow: str = "hourly") -> list[Schedule]:
    """Due at once, as if each were of another organization: they differ by their cron, which no execution sees."""
    return [
        Schedule(
            organization=organization.id,
            workflow=f"{workflow}_{index}",
            cron="0 * * * *",
            effective="0 * * * *|UTC",
            next_run=NINE,
        )
        for index in range(number)
    ]


def workflows(number: int) -> str:
    """So many workflows, each of its own name."""
    lines = ["from bifrost import workflow"]
    for index in range(number):
        lines += [
            f'@workflow(name="hourly_{index}", execution_mode="scheduled", schedule="0 * * * *")',
            f"async def hourly_{index}(context):",
            "    return None",
        ]
    return "\n".join(lines)


def test_the_number_of_shared_statements_does_not_grow(
    make_schedule: MakeSchedule,
    acme: OrganizationRecord,
    globex: OrganizationRecord,
    workspace: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace.write(workflows(300))
    found: dict[int, Counter[str]] = {}
    for number in (2, 300):
        Schedule.objects.all().delete()
        rows = [row for organization in (acme, globex) for row in schedules_of(organization, number // 2)]
        for row in rows:
            row.next_run = after(hours=number)
        Schedule.objects.bulk_create(rows)
        dispatch_due(NINE)  # what is done once, such as keeping the sources, is done
        with counted(monkeypatch) as seen:
            done = dispatch_due(after(hours=number))
        assert (done.started, done.skipped) == (number, 0)
        found[number] = seen
    # The history's row, the execution, and what came of it.
    assert [found[number]["own"] for number in (2, 300)] == [6, 900]
    # Beside those only the transactions around each hundred grow.
    assert found[300]["shared"] - found[2]["shared"] <= 3 * 4
    assert Dispatch.objects.count() == 302


def test_more_than_fit_into_one_batch_are_all_seen(
    make_schedule: MakeSchedule, acme: OrganizationRecord, workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.write(workflows(25))
    Schedule.objects.bulk_create(schedules_of(acme, 25))
    monkeypatch.setattr(tick, "AT_ONCE", 4)
    assert dispatch_due(NINE).started == 25


def test_what_stays_due_hides_nothing_behind_it(
    make_schedule: MakeSchedule, acme: OrganizationRecord, globex: OrganizationRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick, "AT_ONCE", 2)
    gone = [
        Organization(org_id=f"gone{index}", name="Gone", schema_name=f"org_{uuid7().hex}", ready=True)
        for index in range(5)
    ]
    Organization.objects.bulk_create(gone)
    for organization in gone:
        Schedule.objects.create(
            organization=organization.id,
            workflow="hourly",
            effective="0 * * * *|UTC",
            next_run=NINE,
            overlap="queue",
        )
    make_schedule(globex, next_run=after(minutes=30), cron="30 * * * *")
    done = dispatch_due(after(minutes=30))
    assert (done.started, done.waiting) == (1, 5)
    assert history(globex) == [("09:30", "started", "")]
    Organization.objects.filter(name="Gone").delete()
