"""What waits and who works, at the moment of the question."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from uuid6 import uuid7

from workflows_app.dispatch.models import Dispatch, Lane, Worker
from workflows_app.metrics import standing as standings
from workflows_app.metrics.standing import STATEMENT, standing

pytestmark = pytest.mark.django_db


def row(status: str, seconds: float = 0, organization: UUID | None = None, **values: Any) -> None:
    """One that has been due for so many seconds."""
    Dispatch.objects.create(
        execution=uuid7(),
        organization=organization or uuid7(),
        status=status,
        run_at=timezone.now() - timedelta(seconds=seconds),
        **{"workflow": "report", **values},
    )


def test_an_empty_queue_is_all_zeros() -> None:
    assert standing() == {
        "queue": {"Queued": 0, "Running": 0, "Suspended": 0, "PendingApproval": 0},
        "due": {"open": 0, "limited": 0, "alone": 0, "suspended": 0},
        "workers": {"web": 0, "worker": 0},
    }


def test_it_counts_by_status_whatever_the_lane() -> None:
    for lane in Lane.values:
        row("Queued", lane=lane)
    row("Running")
    row("Suspended", -3600)
    row("Suspended", -3600)
    row("PendingApproval", -3600)
    assert standing()["queue"] == {"Queued": 3, "Running": 1, "Suspended": 2, "PendingApproval": 1}


def test_the_oldest_due_one_of_each_lane_is_found_among_organizations_workflows_and_priorities() -> None:
    one, other = uuid7(), uuid7()
    for organization, priority, seconds in ((one, 2, 5), (one, 0, 50), (other, 1, 500), (other, 2, 1)):
        row("Queued", seconds, organization, priority=priority)
        row("Queued", seconds * 2, organization, priority=priority, lane=Lane.LIMITED, workflow=f"w{priority}")
    row("Queued", 7, lane=Lane.ALONE)
    row("Running", 9_000)
    row("PendingApproval", 9_000)
    row("Suspended", -60)
    row("Suspended", 12)
    due = standing()["due"]
    assert {lane: round(seconds) for lane, seconds in due.items()} == {
        "open": 500,
        "limited": 1000,
        "alone": 7,
        "suspended": 12,
    }


def test_workers_count_that_have_beaten_lately() -> None:
    for kind, silent in (("worker", 0), ("worker", 5), ("worker", 60), ("web", 1)):
        beat_at = timezone.now() - timedelta(seconds=silent)
        Worker.objects.create(host="h", pid=1, kind=kind, capacity=1, beat_at=beat_at)
    assert standing()["workers"] == {"worker": 2, "web": 1}


def test_counts_stop_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert standings.MOST_COUNTED == 50_000
    monkeypatch.setattr(standings, "STATEMENT", STATEMENT.replace("LIMIT 50000", "LIMIT 2"))
    for _ in range(5):
        row("Suspended", -60)
    assert standing()["queue"]["Suspended"] == 2


FILL = """
INSERT INTO dispatch_dispatch (execution, organization, workflow, status, priority, lane, run_at, epoch, inbox)
SELECT gen_random_uuid(), (ARRAY[%s::uuid, %s::uuid, %s::uuid])[1 + n %% 3], 'w' || n %% 7, %s, n %% 3, %s,
    now() - n * interval '1 second', 0, 0
FROM generate_series(1, %s) n
"""


def nodes(plan: Any) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_with_many_rows_it_walks_indexes_and_reads_few_rows_for_the_oldest() -> None:
    with connection.cursor() as cursor:
        for status, lane, number in (("Queued", 0, 30_000), ("Queued", 1, 10_000), ("Suspended", 0, 10_000)):
            cursor.execute(FILL, [uuid7(), uuid7(), uuid7(), status, lane, number])
        cursor.execute("ANALYZE dispatch_dispatch")
        assert standing()["queue"] == {"Queued": 40_000, "Running": 0, "Suspended": 10_000, "PendingApproval": 0}
        # In the same transaction as the test, so the planner's settings still hold.
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {STATEMENT}")
        found = cursor.fetchone()[0]
    plan = found if isinstance(found, list) else json.loads(found)
    looks = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "dispatch_dispatch"]
    counting = [node for node in looks if node["Actual Rows"] >= 10_000]
    finding = [node for node in looks if node not in counting]

    assert {node["Node Type"] for node in looks} <= {"Index Scan", "Index Only Scan"}
    assert len(counting) == 3 and sum(node["Actual Rows"] * node["Actual Loops"] for node in finding) < 500
