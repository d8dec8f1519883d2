"""Writes about executions that nobody owns: in the transaction of whoever holds their rows in the run queue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from orgs.records import OrganizationRecord
from workflows_app.engine import statements
from workflows_app.metrics.noticing import execution_ended
from workflows_app.models import ExecutionEvent


def end(
    organization: OrganizationRecord,
    executions: Sequence[UUID],
    status: str,
    error: Mapping[str, Any],
    reason: Mapping[str, Any] | None,
) -> None:
    """Ends them with this status and error; `reason` goes into their journals.

    Call inside `org_context` and a transaction that holds their rows in the run queue.
    """
    statement = statements.end_unowned(organization.schema_name).decode()
    numbers = next_numbers(executions)
    with connection.cursor() as cursor:
        for execution in executions:
            cursor.execute(
                statement, _parameters(organization, execution, numbers[execution], str(status), error, reason)
            )
            _, ended, workflow, duration_ms = cursor.fetchone()
            if ended:
                transaction.on_commit(partial(execution_ended, workflow, status, duration_ms))


def next_numbers(executions: Sequence[UUID]) -> dict[UUID, int]:
    """The number of the next line in each one's journal."""
    lines = ExecutionEvent.objects.filter(execution_id__in=executions).values("execution_id").annotate(last=Max("seq"))
    return {execution: 1 for execution in executions} | {line["execution_id"]: line["last"] + 1 for line in lines}


def note(execution: UUID, kind: str, name: str, data: Mapping[str, Any]) -> None:
    """Adds a line to its journal. Call inside the same."""
    number = next_numbers([execution])[execution]
    ExecutionEvent.objects.create(
        execution_id=execution, seq=number, at=datetime.now(UTC), kind=kind, name=name, path="", number=0, data=data
    )


def _parameters(
    organization: OrganizationRecord,
    execution: UUID,
    number: int,
    status: str,
    error: Mapping[str, Any],
    reason: Mapping[str, Any] | None,
) -> dict[str, Any]:
    at = datetime.now(UTC).isoformat()
    lines = [("error", error["error"], error), ("status", status, reason)]
    events = [
        {"seq": number + place, "at": at, "kind": kind, "name": name, "path": "", "number": 0, "data": data}
        for place, (kind, name, data) in enumerate(lines)
    ]
    return {
        "id": execution,
        "organization": organization.id,
        "status": status,
        "result": None,
        "result_sealed": None,
        "error": json.dumps(error),
        "variables": None,
        "progress": None,
        "duration_ms": None,
        "parent_worker": None,
        "parent_epoch": None,
        "events": json.dumps(events),
    }
