"""What waits and who works, asked when somebody wants to know: one statement, of bounded cost.

Counts walk an index and stop at fifty thousand. The oldest due rows are found by one look at the index for each
organization that waits, however many rows it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection, transaction

from orgs.tenancy import shared_context
from workflows_app.dispatch.workers import ALIVE
from workflows_app.models import Status

MOST_COUNTED = 50_000
STATUSES = (Status.QUEUED, Status.RUNNING, Status.SUSPENDED, Status.PENDING_APPROVAL)
LANES = ("open", "limited", "alone", "suspended")
KINDS = ("web", "worker")

_QUEUE = "public.dispatch_dispatch"


def _count(status: str, where: str) -> str:
    return (
        f"SELECT 'queue', '{status}', count(*)::float8 FROM (SELECT FROM {_QUEUE} WHERE {where} LIMIT {MOST_COUNTED}) c"
    )


STATEMENT = f"""
WITH RECURSIVE level(priority) AS (VALUES (0), (1), (2)),
waiting(organization) AS (
    (SELECT organization FROM {_QUEUE} WHERE status = 'Queued' AND lane = 0 ORDER BY organization LIMIT 1)
    UNION ALL
    SELECT (SELECT d.organization FROM {_QUEUE} d
            WHERE d.status = 'Queued' AND d.lane = 0 AND d.organization > before.organization
            ORDER BY d.organization LIMIT 1)
    FROM waiting before WHERE before.organization IS NOT NULL
),
limited(organization, workflow) AS (
    (SELECT organization, workflow FROM {_QUEUE} WHERE status = 'Queued' AND lane = 1
     ORDER BY organization, workflow LIMIT 1)
    UNION ALL
    SELECT further.organization, further.workflow
    FROM limited before CROSS JOIN LATERAL (
        SELECT d.organization, d.workflow FROM {_QUEUE} d
        WHERE d.status = 'Queued' AND d.lane = 1
          AND (d.organization, d.workflow) > (before.organization, before.workflow)
        ORDER BY d.organization, d.workflow LIMIT 1) further
),
due(lane, since) AS (
    SELECT 'open', min(first.run_at) FROM waiting CROSS JOIN level CROSS JOIN LATERAL (
        SELECT run_at FROM {_QUEUE} WHERE status = 'Queued' AND lane = 0
          AND organization = waiting.organization AND priority = level.priority ORDER BY run_at LIMIT 1) first
    UNION ALL
    SELECT 'limited', min(first.run_at) FROM limited CROSS JOIN level CROSS JOIN LATERAL (
        SELECT run_at FROM {_QUEUE} WHERE status = 'Queued' AND lane = 1
          AND organization = limited.organization AND workflow = limited.workflow AND priority = level.priority
        ORDER BY run_at LIMIT 1) first
    UNION ALL
    SELECT 'alone', (SELECT run_at FROM {_QUEUE} WHERE status = 'Queued' AND lane = 2 ORDER BY run_at LIMIT 1)
    UNION ALL
    SELECT 'suspended', (
        SELECT run_at FROM {_QUEUE} WHERE status = 'Suspended' AND run_at <= now() ORDER BY run_at LIMIT 1)
)
{_count("Queued", "status = 'Queued' AND lane = 0")}
UNION ALL {_count("Queued", "status = 'Queued' AND lane = 1")}
UNION ALL {_count("Queued", "status = 'Queued' AND lane = 2")}
UNION ALL {_count("Running", "status = 'Running'")}
UNION ALL SELECT 'queue', status, count(*)::float8 FROM (
    SELECT status FROM {_QUEUE} WHERE status IN ('Suspended', 'PendingApproval') LIMIT {MOST_COUNTED}) c GROUP BY status
UNION ALL SELECT 'due', lane, greatest(0, extract(epoch FROM now() - since))::float8 FROM due WHERE since IS NOT NULL
UNION ALL SELECT 'workers', kind, count(*)::float8 FROM public.dispatch_worker
    WHERE beat_at > now() - {ALIVE.total_seconds()} * interval '1 second' GROUP BY kind
"""


def standing() -> Mapping[str, Mapping[str, float]]:
    """`queue`: executions by status. `due`: for how many seconds the oldest due one of each lane has waited.
    `workers`: processes that have beaten lately, by kind. Raises what Django raises while the database is away."""
    found: dict[str, defaultdict[str, float]] = {
        "queue": defaultdict(float, dict.fromkeys(map(str, STATUSES), 0.0)),
        "due": defaultdict(float, dict.fromkeys(LANES, 0.0)),
        "workers": defaultdict(float, dict.fromkeys(KINDS, 0.0)),
    }
    with shared_context(), transaction.atomic(), connection.cursor() as cursor:
        # Each part has an index of its own, but where many rows match, the planner would rather read the table.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(STATEMENT)
        for figure, label, value in cursor.fetchall():
            found[figure][label] += value
    return found
