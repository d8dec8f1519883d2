"""Executions and journals as rows, for tests of the read side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection
from uuid6 import uuid7

from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.models import Execution, ExecutionEvent

STARTED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
_seconds = count()


def make_execution(organization: OrganizationRecord, **fields: Any) -> UUID:
    """A finished execution of the workflow `greet` by Ada; each one a second younger than the one before."""
    at = STARTED + timedelta(seconds=next(_seconds))
    given = {
        "id": uuid7(),
        "workflow": "greet",
        "status": "Success",
        "input": {"message": "hi"},
        "result": {"text": "HI"},
        "trigger": {"type": "api", "tokenName": "ci"},
        "executed_by": {"kind": "user", "id": "ada", "email": "ada@example.com", "name": "Ada"},
        "actor": "user:ada",
        "code_version": "c0de",
        "created_at": at,
        "started_at": at,
        "completed_at": at + timedelta(milliseconds=12),
        "duration_ms": 12,
    }
    with org_context(organization):
        return Execution.objects.create(**{**given, **fields}).id


def make_events(organization: OrganizationRecord, execution: UUID, *events: tuple[str, str, Any]) -> None:
    """The execution's journal, numbered from 1: kind, name, data."""
    with org_context(organization):
        ExecutionEvent.objects.bulk_create(
            ExecutionEvent(
                execution_id=execution, seq=seq, at=STARTED, kind=kind, name=name, path="", number=seq, data=data
            )
            for seq, (kind, name, data) in enumerate(events, 1)
        )


def make_many(organization: OrganizationRecord, number: int) -> None:
    """So many executions of ten workflows by one statement, and the planner's statistics of them."""
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO workflows_app_execution (id, workflow, status, input, trigger, executed_by, actor, code_version,
                attempt, depth, created_at, parent)
            SELECT uuidv7(make_interval(secs => n - %(number)s)), 'workflow_' || n %% 10,
                (ARRAY['Success', 'Success', 'Failed'])[1 + n %% 3], '{}', '{"type": "api"}',
                '{"kind": "user", "id": "ada", "email": "", "name": "Ada"}', 'user:ada', 'c0de', 1, 0,
                now() + make_interval(secs => n - %(number)s), CASE WHEN n %% 100 = 0 THEN gen_random_uuid() END
            FROM generate_series(1, %(number)s) n
            """,
            {"number": number},
        )
        cursor.execute(
            """
            INSERT INTO workflows_app_executionevent (execution_id, seq, at, kind, name, path, number, data)
            SELECT id, seq, now(), (ARRAY['log', 'checkpoint'])[1 + seq % 2], 'info', '', seq, '{"message": "m"}'
            FROM workflows_app_execution, generate_series(1, 3) seq
            """
        )
        cursor.execute("ANALYZE workflows_app_execution, workflows_app_executionevent")
